//! `alerts explain`: what an event would come to, without a call and without a write.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::enrich::describe;
use super::noise::Noise;
use super::owner::{declared, owned};
use super::plan::{Plan, Signal};
use super::route::Standing;
use super::sources::{Incoming, detect, hush, of_no_rule};
use crate::config::Config;
use crate::config::alerts::Alerts;
use crate::event::Message;
use crate::org::{Account, AccountState};
use crate::types::AccountId;

/// What the message would come to: the alert, its route and why, and each rendered message. Accounts are known as far
/// as the file names them; nothing is looked up, and nothing counts as seen before.
pub fn explain(config: &Config, alerts: &Alerts, message: &Message, now: Timestamp) -> Value {
    let incoming = Incoming::new(message);
    let (_, mut alert) = detect(&incoming);
    hush(&mut alert, &incoming, &Noise::of(&alerts.noise), now);
    if let Some(why) = of_no_rule(&alert, &incoming) {
        alert.noise = Some(super::Text::line(why));
    }
    if let Some(account) = alert.account.as_ref().and_then(|id| listed(config, id)) {
        describe(&mut alert, &account);
        match declared(&account, &alerts.owners, now) {
            Some((owner, because)) => owned(&mut alert, &owner, &because),
            None => alert.fact("owner", "not known offline: the account's contacts are asked for it"),
        }
    }
    alert.note("explained offline: nothing was looked up, and no earlier signal is known");
    let plan = Plan::new(alerts, &Signal::new(alert), None, &Standing::default(), now);
    json!({
        "alert": plan.alert,
        "route": plan.decision.route,
        "receivers": plan.decision.receivers,
        "suppressed_by": plan.decision.suppressed_by,
        "messages": plan.messages(alerts, now),
    })
}

/// A message that every receiver can be tried with: plainly a test, and another one each time.
pub fn test_message(id: &str) -> Message {
    let text = format!("This is a test of Forester's alerts ({id}). Nothing is wrong.");
    let subject = Some("a test, nothing is wrong".to_owned());
    Message { subject, topic: Some("forester alerts test".to_owned()), ..Message::direct(id, text) }
}

fn listed(config: &Config, id: &AccountId) -> Option<Account> {
    let (name, entry) = config.accounts.iter().find(|(_, entry)| entry.id.as_ref() == Some(id))?;
    Some(Account {
        id: id.clone(),
        name: name.clone(),
        email: entry.email.clone(),
        state: AccountState::Active,
        ou: entry.ou.clone().unwrap_or_default(),
        tags: entry.tags.clone(),
        joined: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::fakes::{config, samples};

    /// Every message of every sample, explained.
    fn all() -> Vec<Value> {
        let hooks = json!([{"webhook": {"url": "https://hooks.acme.example/x"}},
            {"sns": {"topic": "arn:aws:sns:eu-west-1:111122223333:t"}}]);
        let config = config(json!({"receivers": {"platform": hooks}, "route": {"receiver": "platform"}}));
        let mut explained = Vec::new();
        for function in ["budget-router", "alarm-fanout"] {
            let messages = samples(function).into_iter().flat_map(|(_, messages)| messages);
            let alerts = config.alerts.as_ref().unwrap();
            explained.extend(messages.map(|message| explain(&config, alerts, &message, Timestamp::UNIX_EPOCH)));
        }
        explained
    }

    #[test]
    fn explanation_keeps_its_form() {
        for explained in all() {
            let keys: Vec<&String> = explained.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["alert", "messages", "receivers", "route", "suppressed_by"]);
            assert_eq!(
                (&explained["receivers"], &explained["route"][0]["at"]),
                (&json!(["platform"]), &json!("route"))
            );
            assert_eq!(explained["messages"].as_array().unwrap().len(), 2);
        }
    }

    #[test]
    fn nothing_hidden_leaves_in_any_message() {
        let hides =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        for explained in all() {
            for message in explained["messages"].as_array().unwrap() {
                let body = message["body"].as_str().unwrap();
                assert!(!body.contains(hides), "{body}");
            }
        }
    }
}

//! `alerts explain`: what an event would come to, without a call and without a write.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::enrich::describe;
use super::plan::Plan;
use super::sources::{Incoming, detect};
use crate::config::Config;
use crate::config::alerts::Alerts;
use crate::event::Message;
use crate::org::{Account, AccountState};
use crate::types::AccountId;

/// What the message would come to: the alert, its route and why, and each rendered message. Accounts are known as far
/// as the file names them; nothing is looked up, and nothing counts as seen before.
pub fn explain(config: &Config, alerts: &Alerts, message: &Message, now: Timestamp) -> Value {
    let (_, mut alert) = detect(&Incoming::new(message));
    if let Some(account) = alert.account.as_ref().and_then(|id| listed(config, id)) {
        describe(&mut alert, &account);
    }
    alert.note("explained offline: nothing was looked up, and no earlier signal is known");
    let plan = Plan::new(alerts, alert, None, now);
    json!({
        "alert": plan.alert,
        "route": plan.decision.route,
        "receivers": plan.decision.receivers,
        "suppressed_by": plan.decision.suppressed_by,
        "messages": plan.messages(alerts),
    })
}

/// A message that every receiver can be tried with: plainly a test, and another one each time.
pub fn test_message(id: &str) -> Message {
    Message {
        item: None,
        id: id.to_owned(),
        text: format!("This is a test of Forester's alerts ({id}). Nothing is wrong."),
        topic: Some("forester alerts test".to_owned()),
        subject: Some("a test, nothing is wrong".to_owned()),
        attempt: 1,
    }
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
    })
}

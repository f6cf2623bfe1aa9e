//! What keeps a matter from people that is not in the file: silences by command, and other matters that are open.
//!
//! A matter that inhibits others leaves a mark under the labels that must be equal; whoever may be inhibited asks for
//! exactly that mark.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::delivery::Clock;
use super::digest::digest;
use super::episodes;
use super::incident::Incident;
use super::model::{Alert, Status};
use super::route::{Standing, fits, labels};
use super::settle::Desk;
use super::silence;
use crate::config::alerts::Inhibit;
use crate::job::Failure;
use crate::store::{Key, StoreError, When};

/// How long a matter inhibits others that does not end by itself.
const LASTING: SignedDuration = SignedDuration::from_hours(24);
/// How long one that does.
const OPEN: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Desk {
    /// What is known beside the matter itself.
    pub async fn standing(&self, alert: &Alert, incident: &str, clock: &Clock) -> Result<Standing, Failure> {
        let now = clock.now();
        let silences = silence::list(self.store.as_ref(), now).await?;
        let labels = labels(alert);
        for (n, rule) in self.alerts()?.inhibit.iter().enumerate().filter(|(_, rule)| fits(&rule.mute, &labels)) {
            let item = self.store.get(&mark(rule, alert)).await?;
            let item = item.filter(|item| item.lives(now));
            let Some(item) = item else { continue };
            let word = |name: &str| item.body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
            if word("incident") != incident {
                let inhibited = format!("inhibit[{n}]: {} is open ({})", word("title"), word("incident"));
                return Ok(Standing { silences, inhibited: Some(inhibited) });
            }
        }
        Ok(Standing { silences, inhibited: None })
    }

    /// Leaves the marks of a matter that inhibits others, and takes them away when it is over.
    pub async fn note_inhibiting(&self, incident: &Incident, clock: &Clock) -> Result<(), Failure> {
        let (now, labels) = (clock.now(), labels(&incident.alert));
        let concerned = |rule: &&Inhibit| fits(&rule.when, &labels) || incident.status == Status::Resolved;
        for rule in self.alerts()?.inhibit.iter().filter(concerned) {
            let key = mark(rule, &incident.alert);
            if incident.status == Status::Firing {
                let body = json!({ "incident": incident.id, "title": incident.alert.title });
                self.store.put(&key, body, until(rule, incident, now), When::Always).await?;
                continue;
            }
            let Some(item) = self.store.get(&key).await? else { continue };
            if item.body.get("incident").and_then(serde_json::Value::as_str) == Some(&incident.id) {
                match self.store.delete(&key, When::Version(item.version)).await {
                    Ok(()) | Err(StoreError::Lost { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn until(rule: &Inhibit, incident: &Incident, now: Timestamp) -> Option<Timestamp> {
    if let Some(lasting) = rule.lasting {
        return now.checked_add(lasting.length()).ok();
    }
    let period = incident.alert.labels.get("until").and_then(|until| until.as_str().parse().ok());
    let lasting = if episodes::remains(&incident.alert) { OPEN } else { LASTING };
    period.or_else(|| now.checked_add(lasting).ok())
}

/// Where the mark is: the rule, and the values that must be equal.
fn mark(rule: &Inhibit, alert: &Alert) -> Key {
    let labels = labels(alert);
    let value = |label: &String| labels.get(label).map(ToString::to_string).unwrap_or_default();
    let equal: Vec<String> = rule.equal.iter().map(value).collect();
    let rule = json!([rule.when, rule.mute, rule.equal]).to_string();
    let equal: Vec<&str> = equal.iter().map(String::as_str).collect();
    Key::new(format!("inhibit#{}", digest(&[&rule])), digest(&equal))
}

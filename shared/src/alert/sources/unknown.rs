//! What nobody understands is delivered all the same, as it arrived: an alert lost is worse than one unread.

use super::{Incoming, Source};
use crate::alert::model::{Alert, Identity, text};

/// The source of last resort.
pub(super) struct Unknown;

impl Source for Unknown {
    fn name(&self) -> &'static str {
        "unknown"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        Some(alert(incoming))
    }
}

/// The alert that says only what arrived.
pub(super) fn alert(incoming: &Incoming<'_>) -> Alert {
    let (message, json) = (incoming.message, &incoming.json);
    let mut alert = Alert::new(&message.id, "unknown", "unknown", &message.text);
    let (title, thing) = match (text(json, "/Type"), text(json, "/source"), text(json, "/detail-type")) {
        (Some("SubscriptionConfirmation"), _, _) => {
            alert.note("Forester confirms no subscription by itself: confirm it in the console of the topic's account");
            let topic = text(json, "/TopicArn").unwrap_or("a topic");
            (format!("{topic} asks to confirm a subscription"), topic.to_owned())
        }
        (_, Some(source), Some(kind)) => {
            (format!("An event that no source knows: {kind} from {source}"), format!("{source}/{kind}"))
        }
        _ => {
            let start: String = message.text.chars().take(80).collect();
            let subject = message.subject.as_deref().unwrap_or(&start).to_owned();
            (format!("A message that no source knows: {subject}"), message.text.clone())
        }
    };
    alert.title = crate::alert::Text::line(&title);
    if let Some(topic) = &message.topic {
        alert.fact("topic", topic);
    }
    alert.identity = Identity::new("unknown", &[&thing], &message.id);
    alert
}

//! Beats that a schedule sends to see whether the path of alerts is whole. The router counts them and tells nobody; this
//! is what `alerts explain` says of one.

use super::{Incoming, Source};
use crate::alert::heartbeat::Beat;
use crate::alert::model::{Alert, Identity, Severity};
use crate::alert::text::Text;

/// The source.
pub(super) struct Heartbeats;

impl Source for Heartbeats {
    fn name(&self) -> &'static str {
        "heartbeat"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let message = incoming.message;
        let beat = Beat::read(&incoming.json, &message.id, jiff::Timestamp::UNIX_EPOCH)?;
        let mut alert = Alert::new(&beat.id, self.name(), "heartbeat", &message.text);
        alert.severity = Severity::Info;
        alert.title = Text::line("A heartbeat of Forester's alerts");
        alert.time = Some(beat.at);
        alert.note("it is counted at the end of the path; nobody is told");
        alert.identity = Identity::new("heartbeat", &[], &beat.id);
        Some(alert)
    }
}

//! Causes that were not there yet: CloudTrail may be later than the alarm, so its log is searched again after one, three
//! and ten minutes, and what is found is told as an update. The last search says what is still missing, and where to look
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>).

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio::time::timeout_at;

use super::causes;
use super::delivery::Clock;
use super::found::Found;
use super::incident::{Incident, Place};
use super::model::{Alert, Status};
use super::plan::{Signal, Teller};
use super::router::Router;
use super::sources::Alarm;
use super::timer::{Due, Errand};
use crate::job::{Failure, Invocation};
use crate::store::{Key, When};

/// How long after the alarm, and after each search, it is searched again.
const PAUSES: [SignedDuration; 3] =
    [SignedDuration::from_secs(60), SignedDuration::from_secs(180), SignedDuration::from_secs(600)];
/// How long what a search needs is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What a search needs.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    alarm: Alarm,
    alert: Alert,
}

impl Router {
    /// Sees to it that an alarm's log is searched again, if less was found than the alarm counted.
    pub(super) async fn search_later(
        &self,
        alert: &Alert,
        alarm: &Alarm,
        found: &Found,
        clock: &Clock,
    ) -> Result<(), Failure> {
        if !found.lacks(alarm) {
            return Ok(());
        }
        let (place, now) = (Place::of(alert), clock.now());
        let saved = Saved { alarm: alarm.clone(), alert: alert.clone() };
        let body = serde_json::to_value(&saved).unwrap_or_default();
        self.desk.store.put(&key(&place), body, now.checked_add(KEPT).ok(), When::Always).await?;
        self.set_search(&place, 0, clock).await
    }

    async fn set_search(&self, place: &Place, nth: usize, clock: &Clock) -> Result<(), Failure> {
        let pause = PAUSES.get(nth).copied().unwrap_or_default();
        let at = clock.now().checked_add(pause).unwrap_or_else(|_| clock.now());
        let errand = Errand::Search { place: place.clone(), nth };
        self.desk.timers.set(&Due { at, errand }, clock.now()).await
    }

    /// Searches again. An alarm that is over was searched for its whole time when it ended.
    pub(super) async fn search(
        &self,
        place: &Place,
        nth: usize,
        invocation: &Invocation,
        clock: &Clock,
    ) -> Result<(), Failure> {
        let saved = self.desk.store.get(&key(place)).await?.filter(|item| item.lives(clock.now()));
        let (Some(saved), Some((whole, _))) = (saved, self.desk.known(place, clock).await?) else { return Ok(()) };
        if whole.status == Status::Resolved {
            return Ok(());
        }
        let Saved { alarm, alert } = saved.read()?;
        let world = self.world(invocation);
        let search = causes::found(alert.clone(), &alarm, &world);
        let found = timeout_at(world.until, search).await.unwrap_or_else(|_| Found::nothing(alert.clone()));
        let lacks = found.lacks(&alarm);
        let rest = found.rest(&alarm);
        let mut places = BTreeSet::new();
        for alert in found.alerts.into_iter().filter(|alert| !alert.evidence.is_empty()) {
            let signal = Signal { heard: whole.heard.clone(), ..self.signal(alert, &world, clock).await? };
            self.desk.settle(&signal, clock).await?;
            places.insert(signal.place);
        }
        if !places.is_empty() {
            self.divide(alert, &places, clock).await?;
        }
        match (lacks, nth + 1 < PAUSES.len()) {
            (false, _) => Ok(()),
            (true, true) => self.set_search(place, nth + 1, clock).await,
            (true, false) => self.tell_missing(&whole, &rest, clock).await,
        }
    }

    /// Says in the alarm's thread that its log does not show what it counted.
    async fn tell_missing(&self, whole: &Incident, rest: &str, clock: &Clock) -> Result<(), Failure> {
        let decision = self.desk.decide(whole, clock).await?;
        let teller = Teller { alerts: self.desk.alerts()?, decision: &decision, now: clock.now() };
        let change = |incident: &mut Incident| {
            if incident.status == Status::Resolved || incident.alert.notes.iter().any(|note| note.as_str() == rest) {
                return false;
            }
            incident.alert.note(rest);
            teller.tell(incident, Vec::new(), false);
            true
        };
        self.desk.change(&whole.place, clock, change).await.map(drop)
    }
}

fn key(place: &Place) -> Key {
    let Key { partition, sort } = place.key();
    Key::new(format!("search#{partition}"), sort)
}

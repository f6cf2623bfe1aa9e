//! The course of a matter that lasts: it begins, becomes one for each account concerned, and ends for all of them.
//!
//! Whoever heard of an alarm hears of its end where they heard of the alarm, once; whoever heard of what is behind it in
//! another thread hears of it there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Text;
use super::delivery::Clock;
use super::enrich::World;
use super::episodes;
use super::incident::{Incident, Place};
use super::model::{Alert, Status};
use super::plan::{Signal, Teller};
use super::router::Router;
use crate::job::Failure;
use crate::store::{StoreError, When};

impl Router {
    /// Notes which matters took over an alarm's own, so that its end is theirs.
    pub(super) async fn divide(&self, alert: Alert, places: &BTreeSet<Place>, clock: &Clock) -> Result<(), Failure> {
        let whole = Place::of(&alert);
        if places.contains(&whole) {
            return Ok(());
        }
        let nothing = Incident {
            quiet: Some("its parts are told".to_owned()),
            ..Incident::new(whole.clone(), alert, clock.now())
        };
        self.desk.enter(&nothing, clock).await?;
        match self.desk.write(&nothing, When::AbsentAt(clock.now()), clock).await {
            Ok(_) | Err(StoreError::Lost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let Some((known, _)) = self.desk.known(&whole, clock).await? else { return Ok(()) };
        let elsewhere = self.elsewhere(&known, places, clock).await?;
        let decision = self.desk.decide(&known, clock).await?;
        let teller = Teller { alerts: self.desk.alerts()?, decision: &decision, now: clock.now() };
        let parts = places.clone();
        let take_over = |incident: &mut Incident| {
            if parts.is_subset(&incident.parts) {
                return false;
            }
            incident.parts.extend(parts.iter().cloned());
            incident.bare = false;
            if let Some(where_to) = &elsewhere {
                incident.alert.note(where_to);
                teller.tell(incident, Vec::new(), false);
            }
            true
        };
        self.desk.change(&whole, clock, take_over).await?;
        Ok(())
    }

    /// Where to read of what is behind an alarm, if somebody who was told of the alarm was told of that elsewhere.
    async fn elsewhere(
        &self,
        whole: &Incident,
        places: &BTreeSet<Place>,
        clock: &Clock,
    ) -> Result<Option<String>, Failure> {
        let mut parts = Vec::new();
        for place in places {
            parts.extend(self.desk.known(place, clock).await?.map(|(part, _)| part));
        }
        let goes_on = |(receiver, thread)| parts.iter().any(|part| part.heard.get(receiver) == Some(thread));
        if whole.heard.iter().all(goes_on) {
            return Ok(None);
        }
        let told: Vec<String> = parts.iter().map(|part| format!("{} ({})", part.alert.title, part.id)).collect();
        Ok(Some(format!("what is behind it was told before: {}", told.join("; "))))
    }

    /// What is over is over for every account that it was open for. Events that only the end of an alarm brings to light
    /// are told before.
    pub(super) async fn recover(
        &self,
        over: &Alert,
        seen: Vec<Alert>,
        world: &World,
        clock: &Clock,
    ) -> Result<Vec<Value>, Failure> {
        let (store, at) = (self.desk.store.as_ref(), over.time.unwrap_or_else(|| clock.now()));
        episodes::end(store, over.identity.thing(), at, clock.now()).await?;
        let begun = episodes::begun(store, over.identity.thing(), at).await?;
        let mut reports = Vec::new();
        if let Some(last) = begun.iter().max_by(|a, b| a.episode.cmp(&b.episode)) {
            reports.extend(self.late(last, seen, world, clock).await?);
        }
        for place in &begun {
            reports.extend(self.close(place, over, clock).await?);
        }
        if begun.is_empty() {
            reports.push(self.desk.settle(&Signal::new(over.clone()), clock).await?.report);
        }
        Ok(reports)
    }

    /// Tells of events that were found when the alarm ended, as part of the matter that ends.
    async fn late(&self, whole: &Place, seen: Vec<Alert>, world: &World, clock: &Clock) -> Result<Vec<Value>, Failure> {
        let Some((known, _)) = self.desk.known(whole, clock).await? else { return Ok(Vec::new()) };
        let (mut reports, mut places) = (Vec::new(), BTreeSet::new());
        for mut alert in seen.into_iter().filter(|alert| !alert.evidence.is_empty()) {
            alert.status = Status::Firing;
            alert.time = Some(known.at());
            alert.identity.episode.clone_from(&whole.episode);
            let signal = Signal { heard: known.heard.clone(), ..self.signal(alert, world, clock).await? };
            reports.push(self.desk.settle(&signal, clock).await?.report);
            places.insert(signal.place);
        }
        if !places.is_empty() {
            self.divide(known.alert, &places, clock).await?;
        }
        Ok(reports)
    }

    /// Closes a matter, and those that took it over. Its own thread ends once, however many of them went on in it.
    async fn close(&self, place: &Place, over: &Alert, clock: &Clock) -> Result<Vec<Value>, Failure> {
        let Some((known, _)) = self.desk.known(place, clock).await? else { return Ok(Vec::new()) };
        if known.bare {
            let why = "what is behind it is still being looked for; whoever looks tells of its end then";
            return Ok(vec![json!({ "title": over.title, "incident": known.id, "suppressed_by": why })]);
        }
        let mut reports = Vec::new();
        for part in &known.parts {
            let alert = Alert { account: part.account.clone(), ..over.clone() };
            let signal = Signal { place: part.clone(), told_by_whole: Some(known.id.clone()), ..Signal::new(alert) };
            reports.push(self.desk.settle(&signal, clock).await?.report);
        }
        let whole = Signal { place: place.clone(), ..Signal::new(over.clone()) };
        reports.push(self.desk.settle(&whole, clock).await?.report);
        episodes::close(self.desk.store.as_ref(), place).await?;
        Ok(reports)
    }

    pub(super) async fn begin(&self, place: &Place, alert: &Alert, clock: &Clock) -> Result<(), Failure> {
        if episodes::lasts(alert) {
            let at = alert.time.unwrap_or_else(|| clock.now());
            episodes::begin(self.desk.store.as_ref(), place, at, clock.now()).await?;
        }
        Ok(())
    }

    /// Closes what began before an end that was heard of first.
    pub(super) async fn close_ended(&self, place: &Place, clock: &Clock) -> Result<(), Failure> {
        let Some((known, _)) = self.desk.known(place, clock).await? else { return Ok(()) };
        if let Some(at) = episodes::ended(self.desk.store.as_ref(), &place.thing, known.at()).await? {
            let mut over = Alert { status: Status::Resolved, time: Some(at), ..known.alert };
            over.title = Text::line(&format!("{} (over since {at})", over.title));
            self.close(place, &over, clock).await?;
        }
        Ok(())
    }
}

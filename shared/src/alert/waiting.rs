//! Buckets: what waits to be told together.
//!
//! Each telling is an item of its own, written once. Which items a digest holds is settled by one conditional write of
//! the bucket's page, before the digest goes into the outbox: two runs at once make the same digest or one of them makes
//! none, and an item that comes late is in the next one. What was told stays as a mark, so that a telling that is handed
//! on twice waits once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::digest::digest;
use super::hold::{Hold, Until};
use super::incident::{Addressee, Telling, Turn};
use super::model::{Alert, Identity, Severity, Status};
use super::text::Text;
use crate::store::{Item, Key, Store, StoreError, When};

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Waiting {
    incident: String,
    since: Timestamp,
    due: Timestamp,
    /// What, to one addressee.
    telling: Telling,
    /// The digest that it was told in.
    told: Option<u64>,
}

/// A bucket's page: which digest was made last, and of what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Page {
    digest: u64,
    told: Option<Timestamp>,
    members: BTreeSet<String>,
}

/// What a bucket comes to: a matter and its telling.
pub(super) struct Ready {
    pub incident: String,
    pub telling: Telling,
    number: u64,
    members: Vec<Item>,
}

const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How many matters a digest holds; what is more comes in the next.
const MEMBERS: usize = 40;

impl Ready {
    /// What names its deliveries.
    pub fn name(&self, bucket: &str) -> String {
        format!("{bucket}/{}", self.number)
    }
}

/// Puts the telling into the bucket, once, and says when it is due; `None`: it was told from there.
pub(super) async fn put(
    store: &dyn Store,
    hold: &Hold,
    incident: &str,
    telling: Telling,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let receiver = telling.to.first().map(|to| to.receiver.clone()).unwrap_or_default();
    let id = digest(&[incident, &telling.revision.to_string(), &receiver]);
    let due = match hold.until {
        Until::At(at) => at,
        Until::Group(wait, interval) => {
            let after = |at: Timestamp, pause: crate::config::Pause| at.checked_add(pause.length()).unwrap_or(at);
            let (page, _) = page(store, &hold.bucket).await?;
            let next = page.told.map(|told| after(told, interval));
            next.into_iter().chain([after(now, wait)]).max().unwrap_or(now)
        }
    };
    let waiting = Waiting { incident: incident.to_owned(), since: now, due, telling, told: None };
    let key = Key::new(items(&hold.bucket), id);
    match store.put(&key, body(&waiting), now.checked_add(KEPT).ok(), When::AbsentAt(now)).await {
        Ok(_) => Ok(Some(due)),
        Err(StoreError::Lost { .. }) => {
            let known = store.get(&key).await?.map(|item| item.read::<Waiting>()).transpose()?;
            Ok(known.filter(|known| known.told.is_none()).map(|known| known.due))
        }
        Err(error) => Err(error),
    }
}

/// What the bucket comes to now, if anything in it is due.
pub(super) async fn next(store: &dyn Store, bucket: &str, now: Timestamp) -> Result<Option<Ready>, StoreError> {
    loop {
        let (page, when) = page(store, bucket).await?;
        let mut waiting: BTreeMap<String, (Item, Waiting)> = BTreeMap::new();
        for item in store.list(&items(bucket), "").await? {
            let read: Waiting = item.read()?;
            if read.told.is_none() {
                waiting.insert(item.key.sort.clone(), (item, read));
            }
        }
        let begun: BTreeMap<_, _> = waiting.iter().filter(|(id, _)| page.members.contains(*id)).collect();
        if !begun.is_empty() {
            return Ok(Some(ready(bucket, page.digest, begun.into_values().cloned().collect())));
        }
        if waiting.values().all(|(_, waiting)| waiting.due > now) {
            return Ok(None);
        }
        let mut order: Vec<(&String, &Waiting)> = waiting.iter().map(|(id, (_, waiting))| (id, waiting)).collect();
        order.sort_by_key(|(id, waiting)| (waiting.since, *id));
        let members = order.into_iter().take(MEMBERS).map(|(id, _)| id.clone()).collect();
        let page = Page { digest: page.digest + 1, told: Some(now), members };
        match store.put(&page_key(bucket), body(&page), now.checked_add(KEPT).ok(), when).await {
            Ok(_) | Err(StoreError::Lost { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Notes that it was told.
pub(super) async fn told(store: &dyn Store, ready: &Ready, now: Timestamp) -> Result<(), StoreError> {
    for item in &ready.members {
        let waiting = Waiting { told: Some(ready.number), ..item.read()? };
        let kept = now.checked_add(KEPT).ok();
        match store.put(&item.key, body(&waiting), kept, When::Version(item.version)).await {
            Ok(_) | Err(StoreError::Lost { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One matter is told as it is, the last that is known of it; several become a digest.
fn ready(bucket: &str, number: u64, mut members: Vec<(Item, Waiting)>) -> Ready {
    members.sort_by_key(|(_, waiting)| (waiting.since, waiting.telling.revision));
    let mut latest: Vec<&Waiting> = Vec::new();
    for (_, waiting) in &members {
        match latest.iter_mut().find(|known| known.incident == waiting.incident) {
            Some(known) => *known = waiting,
            None => latest.push(waiting),
        }
    }
    let (incident, telling) = match latest.as_slice() {
        [one] => (one.incident.clone(), first(&members, one)),
        several => together(bucket, number, several),
    };
    let members = members.into_iter().map(|(item, _)| item).collect();
    Ready { incident, telling, number, members }
}

/// The last telling of a matter under the turn of its first: whoever hears of it now has not heard before.
fn first(members: &[(Item, Waiting)], last: &Waiting) -> Telling {
    let mut telling = last.telling.clone();
    let begins = members.iter().any(|(_, waiting)| waiting.telling.to.iter().any(|to| to.turn == Turn::First));
    if begins {
        telling.to.iter_mut().for_each(|to| to.turn = Turn::First);
    }
    telling
}

fn together(bucket: &str, number: u64, several: &[&Waiting]) -> (String, Telling) {
    let worst = several.iter().map(|waiting| waiting.telling.alert.severity).max().unwrap_or(Severity::Info);
    let mut alert = Alert::new(bucket, "forester", "digest", "");
    alert.severity = worst;
    alert.time = several.iter().filter_map(|waiting| waiting.telling.alert.time).max();
    alert.title = Text::line(&format!("{} matters", several.len()));
    alert.identity = Identity::new("digest", &[bucket], &number.to_string());
    for waiting in several {
        let told = &waiting.telling.alert;
        let account = told.labels.get("account.name").map(|name| format!(" [{name}]")).unwrap_or_default();
        let over = if told.status == Status::Resolved { ", over" } else { "" };
        let when = told.time.map(|time| format!(", {time}")).unwrap_or_default();
        let words = format!("{}{account} ({}{over}{when}, {})", told.title, told.severity.name(), waiting.incident);
        alert.fact(told.severity.name(), words);
    }
    alert.labels = common(several);
    alert.label("severity", worst.name());
    let incident = format!("dig_{}", digest(&[bucket, &number.to_string()]));
    let to = several.first().and_then(|waiting| waiting.telling.to.first());
    let to = to.map(|to| Addressee { turn: Turn::Digest, thread: incident.clone(), ..to.clone() });
    (incident, Telling { revision: 1, alert, news: Vec::new(), to: to.into_iter().collect() })
}

/// The labels in which all are alike.
fn common(several: &[&Waiting]) -> BTreeMap<String, Text> {
    let mut all = several.iter().map(|waiting| waiting.telling.alert.labels.clone());
    let first = all.next().unwrap_or_default();
    all.fold(first, |kept, labels| kept.into_iter().filter(|(name, value)| labels.get(name) == Some(value)).collect())
}

async fn page(store: &dyn Store, bucket: &str) -> Result<(Page, When), StoreError> {
    Ok(match store.get(&page_key(bucket)).await? {
        Some(item) => (item.read()?, When::Version(item.version)),
        None => (Page::default(), When::AbsentAt(Timestamp::UNIX_EPOCH)),
    })
}

fn page_key(bucket: &str) -> Key {
    Key::new(format!("bucket#{bucket}"), "page")
}

fn items(bucket: &str) -> String {
    format!("waiting#{bucket}")
}

fn body<T: Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

//! What holds what: a stack and its resources stay together, because whoever deletes the one deletes the other.
//!
//! A holder tells of what it holds by type and physical id, and that id is not always what a list calls the same thing:
//! a name here, an ARN there. So several spellings count, and a pair too many only keeps too much.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::SpareAs;
use super::item::{Decision, Found};
use super::protect::near;

/// Pairs of a holder and what it holds, as places among what was found.
pub struct Pairs(Vec<(usize, usize)>);

impl Pairs {
    /// Who holds what; what is held by something that is itself a part (a nested stack) is held by the whole.
    pub fn of(found: &[Found]) -> Self {
        let direct = direct(found);
        let mut all = BTreeSet::new();
        for &holder in direct.keys() {
            let mut next = vec![holder];
            while let Some(at) = next.pop() {
                for &held in direct.get(&at).into_iter().flatten() {
                    if held != holder && all.insert((holder, held)) {
                        next.push(held);
                    }
                }
            }
        }
        Self(all.into_iter().collect())
    }

    /// Keeps holders of what stays, and what is held by holders that stay. Returns whether anything changed.
    pub fn spread(&self, found: &[Found], decisions: &mut [Decision]) -> bool {
        let mut changed = false;
        for &(holder, held) in &self.0 {
            changed |= keep_with(found, decisions, held, holder, "holds");
            changed |= keep_with(found, decisions, holder, held, "belongs to");
        }
        changed
    }
}

/// Keeps the second with the first, where that one stays and this one would go.
fn keep_with(found: &[Found], decisions: &mut [Decision], stays: usize, goes: usize, how: &str) -> bool {
    let (Some(first), Some(Decision::Keep(_) | Decision::Unknown(_) | Decision::Barred(_))) =
        (found.get(stays), decisions.get(stays))
    else {
        return false;
    };
    match decisions.get_mut(goes) {
        Some(decision @ (Decision::Delete | Decision::Trim)) => {
            *decision = Decision::Keep(format!("{how} {}, which is kept", first.key));
            true
        }
        _ => false,
    }
}

/// Where it could not be read what something holds, nothing near it is decided about.
pub fn doubt(found: &[Found], decisions: &mut [Decision]) {
    let unread: Vec<(&Found, &String)> =
        found.iter().filter_map(|holder| Some((holder, holder.unread.as_ref()?))).collect();
    for (item, decision) in found.iter().zip(decisions.iter_mut()) {
        if !matches!(decision, Decision::Delete | Decision::Trim) {
            continue;
        }
        let about = unread.iter().find(|(holder, _)| holder.key == item.key);
        let mut around = unread.iter().filter(|(holder, _)| near(holder, item));
        // One that failed says more than one that may not be read.
        let failed = || around.clone().find(|(holder, _)| !holder.barred);
        let holder = about.or_else(failed).or_else(|| around.next());
        if let Some((holder, reason)) = holder {
            let what = if holder.key == item.key { "holds something" } else { "may be held by" };
            let told = format!("{what} {}: what that holds could not be read: {reason}", holder.key);
            *decision = if holder.barred { Decision::Barred(told) } else { Decision::Unknown(told) };
        }
    }
}

fn direct(found: &[Found]) -> BTreeMap<usize, Vec<usize>> {
    let mut holders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, holder) in found.iter().enumerate().filter(|(_, holder)| holder.spare != Some(SpareAs::Gone)) {
        for name in holder.contents.iter().filter_map(|held| held.split_once(' ')).flat_map(told) {
            holders.entry(name).or_default().push(at);
        }
    }
    let mut direct: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    if holders.is_empty() {
        return direct;
    }
    for (at, item) in found.iter().enumerate() {
        for name in listed(item) {
            for &holder in holders.get(&name).into_iter().flatten() {
                if found.get(holder).is_some_and(|holder| near(holder, item)) {
                    direct.entry(holder).or_default().push(at);
                }
            }
        }
    }
    direct
}

/// The spellings of what a holder tells of. Rules of a bus are told as `bus|rule`.
fn told((kind, id): (&str, &str)) -> Vec<String> {
    let mut names = vec![format!("{kind} {id}"), format!("{} {id}", service(kind))];
    names.extend(id.rsplit_once('|').map(|(_, tail)| format!("{kind} {tail}")));
    names.extend(id.starts_with("arn:").then(|| id.to_owned()));
    names
}

/// The spellings of what was listed.
fn listed(item: &Found) -> BTreeSet<String> {
    let (kind, id) = (item.key.cell.kind.as_ref(), item.key.id.as_str());
    let tail = |text: &str| text.rsplit(['/', ':']).next().map(str::to_owned);
    let mut names = BTreeSet::from([id.to_owned(), item.name.clone()]);
    names.extend(tail(id));
    names.extend(item.arn.clone());
    names.extend(item.arn.as_deref().and_then(tail));
    let mut all: BTreeSet<String> = names.iter().map(|name| format!("{kind} {name}")).collect();
    all.insert(format!("{} {id}", service(kind)));
    all.extend(item.arn.clone());
    all
}

/// `AWS::DynamoDB` of `AWS::DynamoDB::GlobalTable`: a table either way.
fn service(kind: &str) -> &str {
    kind.rsplit_once("::").map_or(kind, |(service, _)| service)
}

//! Decides what is attached and, under `strict`, detached: within AWS's limits, and never what others made.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::{Planned, Target};
use super::{Action, Holder, Seen};
use crate::config::{NamedPolicy, PolicyType};

/// Adds the steps for every root, OU and account in question. `usable` are the policies that are, or will be, as declared.
pub(super) fn plan(
    target: &Target,
    seen: &Seen,
    wanted: &BTreeMap<Holder, BTreeSet<String>>,
    usable: &[NamedPolicy],
    planned: &mut Planned<Action>,
) {
    let strays = seen.attached.keys().filter_map(|id| Holder::known(target, id));
    let holders: BTreeSet<Holder> = wanted.keys().cloned().chain(strays).collect();
    for holder in holders {
        let declared = wanted.get(&holder);
        for kind in [PolicyType::Scp, PolicyType::Rcp, PolicyType::DeclarativeEc2] {
            let named = |policy: &&NamedPolicy| {
                policy.kind == kind && declared.is_some_and(|names| names.contains(&policy.name))
            };
            let declared: Vec<&str> = usable.iter().filter(named).map(|policy| policy.name.as_str()).collect();
            one(target, seen, &holder, kind, &declared, planned);
        }
    }
}

/// One kind of policies on one holder.
fn one(
    target: &Target,
    seen: &Seen,
    holder: &Holder,
    kind: PolicyType,
    declared: &[&str],
    planned: &mut Planned<Action>,
) {
    let have = present(seen, holder, kind);
    let new: Vec<&str> = declared.iter().copied().filter(|name| !have.contains(name)).collect();
    let old: Vec<&str> =
        have.iter().copied().filter(|name| target.strict() && is_stray(seen, kind, name, declared, target)).collect();
    let left = have.len() + new.len() - old.len();
    if left > kind.most() {
        let have: Vec<&str> = have.into_iter().collect();
        planned.problems.push(format!(
            "{holder} would have {left} policies of one kind ({kind}), and AWS allows {}: attached are {}, and {} would \
             come to them",
            kind.most(),
            have.join(", "),
            new.join(", ")
        ));
        return;
    }
    let crowded = have.len() + new.len() > kind.most();
    let attach = new.into_iter().map(|name| attach(seen, name, kind, holder));
    if left == 0 && kind.authorizes() && !old.is_empty() {
        let reason = format!("it is the last {kind} there, and AWS wants one to stay");
        planned.kept.push((format!("{} on {holder}", old.join(", ")), reason));
        return planned.steps.extend(attach);
    }
    let detach = old.into_iter().filter_map(|name| detach(seen, name, holder));
    match crowded {
        true => planned.steps.extend(detach.chain(attach)),
        false => planned.steps.extend(attach.chain(detach)),
    }
}

/// What the holder has, or will have when it is made and the kind is enabled: AWS's own policy allows everything.
fn present<'a>(seen: &'a Seen, holder: &Holder, kind: PolicyType) -> BTreeSet<&'a str> {
    let attached = holder.id().and_then(|id| seen.attached.get(id));
    match attached.filter(|_| seen.enabled.contains(&kind)) {
        Some(attached) => attached.iter().filter(|(found, _)| *found == kind).map(|(_, name)| name.as_str()).collect(),
        None if kind.authorizes() => BTreeSet::from(["AWS's own"]),
        None => BTreeSet::new(),
    }
}

/// Whether a policy of ours is attached where nothing says so. One that the file declares and that cannot be used as
/// things stand is none.
fn is_stray(seen: &Seen, kind: PolicyType, name: &str, declared: &[&str], target: &Target) -> bool {
    let ours = seen.policies.get(name).is_some_and(|found| found.ours && found.kind == kind);
    let other_kind = target.config.policy(name).is_some_and(|policy| policy.kind != kind);
    ours && !other_kind && !declared.contains(&name)
}

fn attach(seen: &Seen, name: &str, kind: PolicyType, holder: &Holder) -> Action {
    let id = seen.policies.get(name).map(|found| found.id.clone());
    Action::AttachPolicy { policy: name.to_owned(), kind, id, holder: holder.clone() }
}

fn detach(seen: &Seen, name: &str, holder: &Holder) -> Option<Action> {
    let id = seen.policies.get(name)?.id.clone();
    Some(Action::DetachPolicy { policy: name.to_owned(), id, holder: holder.clone() })
}

//! Decides what to do about roles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::{counted, document, list};
use super::action::{Action, short};
use super::model::{Found, Role, Wishes};
use crate::baseline::{Planned, Target};
use crate::types::Arn;

/// What brings the roles that there are to the wanted ones.
pub(in crate::baseline::aspects) fn plan(target: &Target, wishes: Wishes, seen: &Found) -> Planned<Action> {
    let mut planned = Planned::nothing();
    for (name, wish) in wishes {
        // `validate` refuses such names; a plan that would lock somebody out is not made in any case.
        match (target.config.owner_of_role(&name), wish) {
            (Some(owner), _) => planned.problems.push(format!("{name} belongs to {owner}: it is never changed")),
            (None, Err(unmet)) => planned.unmet(unmet),
            (None, Ok(wanted)) => one(target, &name, wanted, seen.get(&name), &mut planned),
        }
    }
    planned
}

/// The removal of a role.
pub(in crate::baseline::aspects) fn removal(name: &str, role: &Role) -> Action {
    Action::RemoveRole {
        role: name.to_owned(),
        policies: role.policies.clone(),
        inline: role.inline.keys().cloned().collect(),
    }
}

fn one(target: &Target, name: &str, wanted: Role, seen: Option<&Role>, planned: &mut Planned<Action>) {
    let known = is_known(target, &wanted.trust);
    let Some(seen) = seen else {
        planned.steps.push(Action::CreateRole { role: name.to_owned(), wanted, known });
        return;
    };
    let trust =
        if target.strict() { wanted.trust.clone() } else { document::beside_others(wanted.trust.clone(), &seen.trust) };
    let others = document::others(&wanted.trust, &trust);
    if others > 0 {
        let reason = format!(
            "its trust document has {} beside the file's: look whether that is meant; `enforce: strict` removes it",
            counted(others, "statement")
        );
        planned.kept.push((format!("who else may assume role {name}"), reason));
    }
    if !document::same(&trust, &seen.trust) {
        planned.steps.push(Action::SetTrust { role: name.to_owned(), trust, known });
    }
    planned.steps.extend(boundary(name, &wanted, seen));
    planned.steps.extend(missing(name, &wanted, seen));
    if target.strict() {
        planned.steps.extend(extra(name, &wanted, seen));
        // Without its boundary the role may do more than before: that is no tidying up.
        if let (None, Some(boundary)) = (&wanted.boundary, &seen.boundary) {
            let reason = "taking it away would widen what the role may do: declare `boundary`, or remove it by hand";
            planned.kept.push((format!("boundary {} of role {name}", short(boundary)), reason.to_owned()));
        }
    }
}

fn boundary(name: &str, wanted: &Role, seen: &Role) -> Option<Action> {
    let boundary = wanted.boundary.as_ref().filter(|boundary| seen.boundary.as_ref() != Some(boundary))?;
    Some(Action::SetBoundary { role: name.to_owned(), boundary: boundary.clone() })
}

fn missing(name: &str, wanted: &Role, seen: &Role) -> Vec<Action> {
    let role = || name.to_owned();
    let mut steps = Vec::new();
    let policies = wanted.policies.difference(&seen.policies);
    steps.extend(policies.map(|policy| Action::AttachPolicy { role: role(), policy: policy.clone() }));
    for (policy, document) in &wanted.inline {
        if !seen.inline.get(policy).is_some_and(|found| document::same(document, found)) {
            let (policy, document) = (policy.clone(), document.clone());
            steps.push(Action::PutPolicy { role: role(), policy, document });
        }
    }
    if let Some(seconds) = wanted.session.filter(|seconds| seen.session != Some(*seconds)) {
        steps.push(Action::SetSession { role: role(), seconds });
    }
    let differing: BTreeMap<String, String> = wanted
        .tags
        .iter()
        .filter(|(key, value)| seen.tags.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !differing.is_empty() {
        steps.push(Action::TagRole { role: role(), tags: differing });
    }
    steps
}

fn extra(name: &str, wanted: &Role, seen: &Role) -> Vec<Action> {
    let role = || name.to_owned();
    let policies = seen.policies.difference(&wanted.policies);
    let mut steps: Vec<Action> =
        policies.map(|policy| Action::DetachPolicy { role: role(), policy: policy.clone() }).collect();
    let inline = seen.inline.keys().filter(|policy| !wanted.inline.contains_key(*policy));
    steps.extend(inline.map(|policy| Action::DeletePolicy { role: role(), policy: policy.clone() }));
    let keys = seen.tags.keys().filter(|key| !wanted.tags.contains_key(*key) && !key.starts_with("aws:"));
    let keys: BTreeSet<String> = keys.cloned().collect();
    if !keys.is_empty() {
        steps.push(Action::UntagRole { role: role(), keys });
    }
    steps
}

/// Whether every account that the document names is of the forest. IAM refuses a principal that it does not know, and
/// of an account just created it does not know for a while.
fn is_known(target: &Target, trust: &Value) -> bool {
    let members = &target.forest.members;
    let of_forest = |arn: &Arn| members.iter().any(|member| member.id.as_ref() == arn.account());
    document::statements(trust).iter().all(|statement| {
        let principals = statement.get("Principal").map(|principal| list(principal, "AWS")).unwrap_or_default();
        let arns = principals.iter().filter_map(Value::as_str).filter_map(|arn| arn.parse().ok());
        arns.into_iter().all(|arn: Arn| of_forest(&arn))
    })
}

//! What to do about the trail: in the account that keeps it, and in the organization.

use serde_json::Value;

use super::wanted::{Settings, Wanted, administrator};
use super::{Action, Existing, Found, Role, delegation, document, log_bucket};
use crate::baseline::aspects::delegation::Delegation;
use crate::baseline::{Planned, Target};

/// The management account's part in a trail that another account keeps.
pub(super) fn organization(target: &Target, seen: &Delegation) -> Planned<Action> {
    let Some(name) = administrator(target) else { return Planned::nothing() };
    match target.account_of(name) {
        Some(account) => {
            let steps = seen.steps(delegation::CLOUDTRAIL, &account, target);
            Planned::steps(steps.into_iter().map(Action::Organization).collect())
        }
        None => Planned {
            kept: vec![("the administrator of CloudTrail".to_owned(), format!("there is no account {name} (yet)"))],
            ..Planned::nothing()
        },
    }
}

pub(super) fn account(target: &Target, wanted: Wanted, found: &Found) -> Planned<Action> {
    let bucket = log_bucket::plan(wanted.bucket.clone(), found.bucket.as_ref(), target.home(), target.strict());
    let mut planned = Planned {
        steps: bucket.steps.into_iter().map(Action::Bucket).collect(),
        kept: bucket.kept,
        problems: bucket.problems,
        ..Planned::nothing()
    };
    match &found.group {
        None => planned.steps.push(Action::CreateLogGroup { group: wanted.group.clone(), days: wanted.days }),
        Some(seen) if seen.days != Some(wanted.days.into()) => {
            planned.steps.push(Action::SetRetention { group: wanted.group.clone(), days: wanted.days });
        }
        Some(_) => {}
    }
    planned.steps.extend(role_steps(&wanted, found.role.as_ref()));
    if !planned.problems.is_empty() {
        return planned;
    }
    match &target.forest.organization {
        None if wanted.settings.organization => {
            let reason = "there is no organization in this mode; say `organization: false` for a trail of the account";
            planned.kept.push(("the organization's trail".to_owned(), reason.to_owned()));
        }
        Some(organization) if wanted.settings.organization && !found.delegation.lets(&target.account.id, target) => {
            let what = "the organization's trail".to_owned();
            if organization.management == target.account.id {
                let reason = "CloudTrail works in the organization only once this run is over".to_owned();
                planned.waits.push((what, reason));
            } else {
                planned.awaits.push((what, organization.management.clone()));
            }
        }
        Some(_) | None => planned.steps.extend(trail_steps(wanted, found.trail.as_ref())),
    }
    planned
}

fn role_steps(wanted: &Wanted, seen: Option<&Role>) -> Vec<Action> {
    let (role, trust, policy) = (&wanted.role, &wanted.trust, &wanted.role_policy);
    let Some(seen) = seen else {
        return vec![Action::CreateLogRole { role: role.clone(), trust: trust.clone(), policy: policy.clone() }];
    };
    let mut steps = Vec::new();
    if !document::same(trust, &seen.trust) {
        steps.push(Action::SetTrust { role: role.clone(), trust: trust.clone() });
    }
    if !document::same(policy, &seen.policy) {
        steps.push(Action::SetRolePolicy { role: role.clone(), policy: policy.clone() });
    }
    steps
}

fn trail_steps(wanted: Wanted, seen: Option<&Existing>) -> Vec<Action> {
    let fresh = Existing::default();
    let found = seen.unwrap_or(&fresh);
    let said = |member: &str| found.described.get(member).and_then(Value::as_str);
    let trail = said("TrailARN").unwrap_or(&wanted.settings.arn).to_owned();
    let to_logs = said("CloudWatchLogsLogGroupArn") == Some(&wanted.group_arn)
        && said("CloudWatchLogsRoleArn") == Some(&wanted.role_arn);
    let settings = Settings { arn: trail.clone(), ..wanted.settings };
    let mut steps = Vec::new();
    match seen {
        None => steps.push(Action::CreateTrail(settings)),
        Some(seen) => {
            if !settings.hold(&seen.described) {
                steps.push(Action::UpdateTrail(settings));
            }
            if let Some(selectors) = seen.selectors.with_management_events() {
                steps.push(Action::RecordManagementEvents { trail: trail.clone(), selectors });
            }
            if !seen.logging {
                steps.push(Action::StartLogging { trail: trail.clone() });
            }
        }
    }
    if !to_logs {
        steps.push(Action::SendToLogGroup { trail, group: wanted.group_arn, role: wanted.role_arn });
    }
    steps
}

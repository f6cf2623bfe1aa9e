//! The groups of the home account: their policy at home, and the mirrored roles that their members may assume.
//!
//! A mirrored role trusts the home account as a whole, which leaves it to the policies there who may assume it. So each
//! group has a policy that allows exactly the mirrored roles of its own, and, while a person is in one group only,
//! denies those of the others: `PowerUserAccess` alone would allow them all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::roles::{policy, short};
use super::super::{counted, document, texts};
use super::mirrored_elsewhere;
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::aspect::global_if;
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::Membership;
use crate::types::Region;

/// The groups that people are in.
pub struct Groups;

/// The policy that says which mirrored roles a group may assume.
const POLICY: &str = "ForesterMirrorRoles";

/// The letters of all policies of a group's own
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const SIZE: usize = 5120;

/// A group as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// The ARNs of its managed policies.
    policies: BTreeSet<String>,
    /// The names of its own policies.
    inline: BTreeSet<String>,
    /// The one about mirrored roles.
    roles: Option<Value>,
}

/// What can be done about groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes a group.
    CreateGroup {
        /// Its name.
        group: String,
    },
    /// Attaches a policy.
    AttachGroupPolicy {
        /// The group.
        group: String,
        /// The policy's ARN.
        policy: String,
    },
    /// Takes a policy away.
    DetachGroupPolicy {
        /// The group.
        group: String,
        /// The policy's ARN.
        policy: String,
    },
    /// Says which mirrored roles its members may assume.
    LetAssume {
        /// The group.
        group: String,
        /// The policy.
        document: Value,
        /// How many roles.
        roles: usize,
        /// How many roles of others it is denied.
        denied: usize,
    },
    /// Deletes a policy of its own.
    DeleteGroupPolicy {
        /// The group.
        group: String,
        /// The policy's name.
        policy: String,
    },
}

#[async_trait]
impl Aspect for Groups {
    const NAME: &'static str = "groups";
    type Facts = BTreeMap<String, Group>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.config.is_home(target.account.subject()))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<BTreeMap<String, Group>, CallError> {
        let mut found = BTreeMap::new();
        for name in target.config.identities.iter().flat_map(|identities| identities.groups.keys()) {
            let name = target.labelled(name);
            if let Some(group) = read(look, &name).await? {
                found.insert(name, group);
            }
        }
        Ok(found)
    }

    fn plan(target: &Target, seen: &BTreeMap<String, Group>) -> Planned<Action> {
        let mut planned = Planned::nothing();
        let Some(identities) = &target.config.identities else { return planned };
        let mirrored = mirrored_elsewhere(target);
        for (group, own) in &identities.groups {
            let name = target.labelled(group);
            let policy = match policy(target, own) {
                Ok(policy) => policy,
                Err(problem) => {
                    planned.problems.push(problem);
                    continue;
                }
            };
            let roles = mirrored.get(group).cloned().unwrap_or_default();
            let denied = match identities.membership {
                Membership::One => of_others(&mirrored, group),
                Membership::Several => BTreeSet::new(),
            };
            let (document, left) = document(target, &roles, &denied);
            if let Some(reason) = left {
                planned.kept.push((format!("the list of accounts in policy {POLICY} of group {name}"), reason));
            }
            let document = document.map(|document| (document, roles.len(), denied.len()));
            planned.steps.extend(steps(target, &name, policy, document, seen.get(&name)));
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (operation, params) = match action {
            Action::CreateGroup { group } => ("CreateGroup", json!({ "GroupName": group })),
            Action::AttachGroupPolicy { group, policy } => {
                ("AttachGroupPolicy", json!({ "GroupName": group, "PolicyArn": policy }))
            }
            Action::DetachGroupPolicy { group, policy } => {
                ("DetachGroupPolicy", json!({ "GroupName": group, "PolicyArn": policy }))
            }
            Action::LetAssume { group, document, .. } => {
                let document = document.to_string();
                ("PutGroupPolicy", json!({ "GroupName": group, "PolicyName": POLICY, "PolicyDocument": document }))
            }
            Action::DeleteGroupPolicy { group, policy } => {
                ("DeleteGroupPolicy", json!({ "GroupName": group, "PolicyName": policy }))
            }
        };
        let outcome = scope.call("iam", operation, params).await;
        match (action, outcome) {
            (_, Ok(_)) => Ok(Taken::Done),
            (Action::CreateGroup { .. }, Err(error)) if error.class == ErrorClass::Exists => Ok(Taken::AlreadySo),
            (Action::DetachGroupPolicy { .. } | Action::DeleteGroupPolicy { .. }, Err(error)) if error.is_gone() => {
                Ok(Taken::AlreadySo)
            }
            (Action::AttachGroupPolicy { group, policy }, Err(error)) if error.is_gone() => {
                let hint = format!("there is no policy {policy}, or no group {group}: look at `identities.groups`");
                Err(StepError::lasting(error, hint))
            }
            (_, Err(error)) => Err(error.into()),
        }
    }
}

async fn read(scope: &Scope, name: &str) -> Result<Option<Group>, CallError> {
    let attached = match scope.pages("iam", "ListAttachedGroupPolicies", json!({ "GroupName": name })).await {
        Err(error) if error.is_gone() => return Ok(None),
        pages => pages?,
    };
    let inline = scope.pages("iam", "ListGroupPolicies", json!({ "GroupName": name })).await?;
    let inline: BTreeSet<String> = inline.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let roles = match inline.contains(POLICY) {
        false => None,
        true => {
            let params = json!({ "GroupName": name, "PolicyName": POLICY });
            let answer = scope.call("iam", "GetGroupPolicy", params).await?;
            Some(document::decoded(answer.get("PolicyDocument").unwrap_or(&Value::Null)))
        }
    };
    Ok(Some(Group { policies: texts(&attached, "PolicyArn").into_iter().collect(), inline, roles }))
}

/// The names of roles that are mirrored for other groups, and not for this one.
fn of_others(mirrored: &BTreeMap<String, BTreeSet<(String, String)>>, group: &str) -> BTreeSet<String> {
    let names = |wanted: bool| {
        let groups = mirrored.iter().filter(move |(other, _)| (*other == group) == wanted);
        groups.flat_map(|(_, roles)| roles.iter().map(|(_, name)| name.clone())).collect::<BTreeSet<String>>()
    };
    names(false).difference(&names(true)).cloned().collect()
}

/// The policy about mirrored roles, if there is anything to say; and what it does not say as exactly as it should.
fn document(
    target: &Target,
    roles: &BTreeSet<(String, String)>,
    denied: &BTreeSet<String>,
) -> (Option<Value>, Option<String>) {
    let arns: BTreeSet<&String> = roles.iter().map(|(arn, _)| arn).collect();
    let whole = statements(target, json!(arns), None, denied);
    let size = whole.to_string().len();
    if roles.is_empty() && denied.is_empty() {
        return (None, None);
    }
    if size <= SIZE {
        return (Some(whole), None);
    }
    let names: BTreeSet<String> = roles.iter().map(|(_, name)| anywhere(target, name)).collect();
    let organization = target.forest.organization.as_ref().map(|organization| organization.id.as_str());
    let reason = format!(
        "{} accounts take {size} characters, and AWS takes {SIZE}: the role is allowed by its name in any account",
        arns.len()
    );
    (Some(statements(target, json!(names), organization, denied)), Some(reason))
}

/// A role by its name, in whichever account.
fn anywhere(target: &Target, name: &str) -> String {
    format!("arn:{}:iam::*:role/{name}", target.partition().id())
}

fn statements(target: &Target, allowed: Value, organization: Option<&str>, denied: &BTreeSet<String>) -> Value {
    let mut statements = Vec::new();
    if allowed.as_array().is_some_and(|allowed| !allowed.is_empty()) {
        let mut allow =
            json!({ "Sid": "ForesterOwn", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": allowed });
        if let (Some(id), Value::Object(allow)) = (organization, &mut allow) {
            allow.insert("Condition".to_owned(), json!({ "StringEquals": { "aws:ResourceOrgID": id } }));
        }
        statements.push(allow);
    }
    if !denied.is_empty() {
        let denied: Vec<String> = denied.iter().map(|name| anywhere(target, name)).collect();
        statements
            .push(json!({ "Sid": "ForesterOthers", "Effect": "Deny", "Action": "sts:AssumeRole", "Resource": denied }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn steps(
    target: &Target,
    name: &str,
    policy: String,
    document: Option<(Value, usize, usize)>,
    seen: Option<&Group>,
) -> Vec<Action> {
    let group = || name.to_owned();
    let absent = Group::default();
    let mut steps = Vec::new();
    if seen.is_none() {
        steps.push(Action::CreateGroup { group: group() });
    }
    let seen = seen.unwrap_or(&absent);
    if !seen.policies.contains(&policy) {
        steps.push(Action::AttachGroupPolicy { group: group(), policy: policy.clone() });
    }
    let same = |document: &Value| seen.roles.as_ref().is_some_and(|found| document::same(document, found));
    match document {
        Some((document, roles, denied)) if !same(&document) => {
            steps.push(Action::LetAssume { group: group(), document, roles, denied });
        }
        None if seen.roles.is_some() => {
            steps.push(Action::DeleteGroupPolicy { group: group(), policy: POLICY.to_owned() });
        }
        _ => {}
    }
    if target.strict() {
        let extra = seen.policies.iter().filter(|found| **found != policy);
        steps.extend(extra.map(|policy| Action::DetachGroupPolicy { group: group(), policy: policy.clone() }));
        let extra = seen.inline.iter().filter(|found| *found != POLICY);
        steps.extend(extra.map(|policy| Action::DeleteGroupPolicy { group: group(), policy: policy.clone() }));
    }
    steps
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateGroup { group } => write!(f, "create group {group}"),
            Self::AttachGroupPolicy { group, policy } => write!(f, "attach {} to group {group}", short(policy)),
            Self::DetachGroupPolicy { group, policy } => write!(f, "detach {} from group {group}", short(policy)),
            Self::LetAssume { group, roles: 0, denied, .. } => {
                write!(f, "deny group {group} {} of others", counted(*denied, "mirrored role"))
            }
            Self::LetAssume { group, roles, denied: 0, .. } => {
                write!(f, "let group {group} assume {}", counted(*roles, "mirrored role"))
            }
            Self::LetAssume { group, roles, denied, .. } => {
                let own = counted(*roles, "mirrored role");
                write!(f, "let group {group} assume {own}, and deny it {denied} of others")
            }
            Self::DeleteGroupPolicy { group, policy } => write!(f, "delete policy {policy} of group {group}"),
        }
    }
}

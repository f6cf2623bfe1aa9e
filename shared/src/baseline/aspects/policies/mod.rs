//! Policies of the organization: made from the file, and attached where the layers say.
//!
//! A policy is known by its name, and ours carry a tag, so that a policy of somebody else is neither changed nor
//! detached. They all belong to the baseline of the management account.

mod attach;
mod holder;
mod seen;

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::organization_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{document, unit};
use crate::aws::{CallError, Scope};
use crate::config::{Config, NamedPolicy, PolicyType, QUARANTINE};
use crate::types::{OuId, Region};

use holder::Wanted;

pub use holder::Holder;
pub use seen::{Found, Seen};

/// The tag that says that a policy is ours.
const TAG: (&str, &str) = ("forester", "managed");

/// The organization's policies.
pub struct Policies;

/// What can be done about policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets the organization have policies of a kind.
    EnablePolicyType {
        /// The root.
        root: OuId,
        /// The kind.
        kind: PolicyType,
    },
    /// Makes a policy.
    CreatePolicy {
        /// The policy.
        policy: NamedPolicy,
    },
    /// Replaces a policy's document.
    UpdatePolicy {
        /// The id of the one that is there.
        id: String,
        /// The policy as it is to be.
        policy: NamedPolicy,
    },
    /// Attaches a policy.
    AttachPolicy {
        /// Its name.
        policy: String,
        /// Its kind.
        kind: PolicyType,
        /// Its id, where it is there already.
        id: Option<String>,
        /// To what.
        holder: Holder,
    },
    /// Detaches a policy.
    DetachPolicy {
        /// Its name.
        policy: String,
        /// Its id.
        id: String,
        /// From what.
        holder: Holder,
    },
}

/// The names of the policies that the file puts into force.
fn in_force(config: &Config) -> BTreeSet<&str> {
    let given = config.policies_by_match().flat_map(|(_, names)| names.iter().map(String::as_str));
    given.chain(config.quarantines().then_some(QUARANTINE)).collect()
}

#[async_trait]
impl Aspect for Policies {
    const NAME: &'static str = "policies";
    type Facts = Seen;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        organization_if(target.is_management() && !in_force(&target.config).is_empty(), target)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Seen, CallError> {
        Seen::look(look, target, &in_force(&target.config)).await
    }

    fn plan(target: &Target, seen: &Seen) -> Planned<Action> {
        let Wanted { holders: wanted, kept, waits, problems } = Wanted::of(target, seen);
        let mut planned = Planned { kept, waits, problems, ..Planned::nothing() };
        let names: BTreeSet<&str> = wanted.values().flatten().map(String::as_str).collect();
        let documents: Vec<NamedPolicy> = names.into_iter().filter_map(|name| target.config.policy(name)).collect();
        let kinds: BTreeSet<PolicyType> = documents.iter().map(|document| document.kind).collect();
        for kind in kinds.difference(&seen.enabled) {
            planned.steps.push(Action::EnablePolicyType { root: seen.root.clone(), kind: *kind });
        }
        let mut usable = Vec::new();
        for policy in documents {
            match made(&policy, seen.policies.get(&policy.name)) {
                Ok(step) => {
                    planned.steps.extend(step);
                    usable.push(policy);
                }
                Err(problem) => planned.problems.push(problem),
            }
        }
        attach::plan(target, seen, &wanted, &usable, &mut planned);
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::EnablePolicyType { root, kind } => {
                let params = json!({ "RootId": root, "PolicyType": kind.api() });
                unless(scope, "EnablePolicyType", params, "PolicyTypeAlreadyEnabledException").await
            }
            Action::CreatePolicy { policy } => {
                let tags = json!([{ "Key": TAG.0, "Value": TAG.1 }]);
                let params = json!({ "Name": policy.name, "Type": policy.kind.api(), "Content": policy.text(),
                    "Description": policy.description, "Tags": tags });
                unless(scope, "CreatePolicy", params, "DuplicatePolicyException").await
            }
            Action::UpdatePolicy { id, policy } => {
                let params = json!({ "PolicyId": id, "Content": policy.text(), "Description": policy.description });
                scope.call("organizations", "UpdatePolicy", params).await?;
                Ok(Taken::Done)
            }
            Action::AttachPolicy { policy, kind, id, holder } => {
                let id = match id {
                    Some(id) => id.clone(),
                    None => seen::id_of(scope, policy, *kind).await?,
                };
                let params = json!({ "PolicyId": id, "TargetId": holder.find(scope).await? });
                let outcome = unless(scope, "AttachPolicy", params, "DuplicatePolicyAttachmentException").await;
                outcome.map_err(just_enabled)
            }
            Action::DetachPolicy { id, holder, .. } => {
                let params = json!({ "PolicyId": id, "TargetId": holder.find(scope).await? });
                unless(scope, "DetachPolicy", params, "PolicyNotAttachedException").await
            }
        }
    }
}

/// The step that makes the policy what it should be, if one is needed; or why it must not be touched.
fn made(policy: &NamedPolicy, found: Option<&Found>) -> Result<Option<Action>, String> {
    match found {
        None => Ok(Some(Action::CreatePolicy { policy: policy.clone() })),
        Some(found) if found.kind != policy.kind => Err(format!(
            "the organization has a {} called {}: give this {} another name",
            found.kind, policy.name, policy.kind
        )),
        Some(found) if document::same(&found.content, &policy.content) => Ok(None),
        Some(found) if found.ours => Ok(Some(Action::UpdatePolicy { id: found.id.clone(), policy: policy.clone() })),
        Some(_) => Err(format!(
            "the organization has a policy {} that Forester did not make, and it says something else: give one of them \
             another name, or hand it over by the tag {}={}",
            policy.name, TAG.0, TAG.1
        )),
    }
}

/// One call, for which `already` means that it was so.
async fn unless(scope: &Scope, operation: &str, params: Value, already: &str) -> Result<Taken, StepError> {
    match scope.call("organizations", operation, params).await {
        Ok(_) => Ok(Taken::Done),
        Err(error) if error.has_code(already) => Ok(Taken::AlreadySo),
        Err(error) if error.has_code("ConstraintViolationException") => {
            let hint = "AWS's limit for policies is reached: detach or merge some of those that are there";
            Err(StepError::lasting(error, hint))
        }
        Err(error) => Err(error.into()),
    }
}

/// A kind of policy that was just enabled takes a moment.
fn just_enabled(error: StepError) -> StepError {
    match error.cause.has_code("PolicyTypeNotEnabledException") {
        true => StepError { may_pass: true, hint: "nothing to do: the next run attaches it".to_owned(), ..error },
        false => error,
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnablePolicyType { kind, .. } => write!(f, "enable {kind} as a kind of policy"),
            Self::CreatePolicy { policy } => write!(f, "create the {} {}", policy.kind, policy.name),
            Self::UpdatePolicy { policy, .. } => write!(f, "update the {} {}", policy.kind, policy.name),
            Self::AttachPolicy { policy, holder, .. } => write!(f, "attach {policy} to {holder}"),
            Self::DetachPolicy { policy, holder, .. } => write!(f, "detach {policy} from {holder}"),
        }
    }
}

#[cfg(test)]
mod tests;

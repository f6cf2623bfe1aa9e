//! What there is of policies: their kinds, their documents, and what is attached where.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::super::super::observe::side_by_side;
use super::super::super::{StepError, Target};
use super::super::texts;
use super::{TAG, holder};
use crate::aws::{CallError, CallSite, ErrorClass, Scope};
use crate::config::PolicyType;
use crate::org::{AccountState, Member};
use crate::types::{AccountId, OuId};

const KINDS: [PolicyType; 3] = [PolicyType::Scp, PolicyType::Rcp, PolicyType::DeclarativeEc2];

/// Organizations allows few reads a second.
const AT_ONCE: usize = 4;

/// What there is.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The root.
    pub root: OuId,
    /// The kinds of policies that the organization may have.
    pub enabled: BTreeSet<PolicyType>,
    /// The policies by name, as far as they are asked for; under `strict` all that are not AWS's own.
    pub policies: BTreeMap<String, Found>,
    /// What is attached to the root, OUs and accounts in question, by their ids: kinds and names.
    pub attached: BTreeMap<String, BTreeSet<(PolicyType, String)>>,
    /// The tags of accounts, where a layer with policies goes by tags.
    pub tags: BTreeMap<AccountId, BTreeMap<String, String>>,
}

/// A policy that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: PolicyType,
    /// Whether Forester made it, or was handed it.
    pub ours: bool,
    /// Its document; nothing where that is not in question.
    pub content: Value,
}

impl Seen {
    /// Looks at the kinds of policies in use, at the policies called `names`, and at what they should be attached to.
    pub(super) async fn look(scope: &Scope, target: &Target, names: &BTreeSet<&str>) -> Result<Self, CallError> {
        let (root, enabled) = root(scope).await?;
        let mut seen =
            Self { root, enabled, policies: BTreeMap::new(), attached: BTreeMap::new(), tags: BTreeMap::new() };
        seen.tags = tags(scope, target).await?;
        let used = |kind: &PolicyType| {
            let named = || names.iter().filter_map(|name| target.config.policy(name));
            named().any(|policy| policy.kind == *kind) || target.strict() && seen.enabled.contains(kind)
        };
        let kinds: Vec<PolicyType> = KINDS.into_iter().filter(used).collect();
        let mut holders = BTreeSet::new();
        for kind in &kinds {
            let listed = scope.pages("organizations", "ListPolicies", json!({ "Filter": kind.api() })).await?;
            for (id, name) in listed.iter().filter(|policy| !is_awss(policy)).filter_map(identity) {
                if names.contains(name.as_str()) || target.strict() {
                    let found = found(scope, *kind, id, names.contains(name.as_str())).await?;
                    if found.ours && target.strict() {
                        holders.extend(targets(scope, &found.id).await?);
                    }
                    seen.policies.insert(name, found);
                }
            }
        }
        let wanted = holder::Wanted::of(target, &seen).holders.into_keys();
        holders.extend(wanted.chain(holder::intake(target)).filter_map(|holder| holder.id().map(str::to_owned)));
        seen.attached = attached(scope, holders, &kinds).await?;
        Ok(seen)
    }
}

async fn root(scope: &Scope) -> Result<(OuId, BTreeSet<PolicyType>), CallError> {
    let roots = scope.pages("organizations", "ListRoots", json!({})).await?;
    let id = roots.iter().find_map(|root| root.get("Id")?.as_str()?.parse().ok());
    let id = id.ok_or_else(|| {
        let site = CallSite::new("organizations", "ListRoots", scope.account(), scope.region());
        site.error(ErrorClass::Other, "the organization has no root")
    })?;
    let types: Vec<&Value> = roots.iter().filter_map(|root| root.get("PolicyTypes")?.as_array()).flatten().collect();
    let on = |kind: &PolicyType| {
        let fits = |found: &&&Value| found.get("Type").and_then(Value::as_str) == Some(kind.api());
        let status = types.iter().find(fits).and_then(|found| found.get("Status")?.as_str());
        matches!(status, Some("ENABLED" | "PENDING_ENABLE"))
    };
    Ok((id, KINDS.into_iter().filter(on).collect()))
}

async fn found(scope: &Scope, kind: PolicyType, id: String, asked: bool) -> Result<Found, CallError> {
    let tags = scope.pages("organizations", "ListTagsForResource", json!({ "ResourceId": id })).await?;
    let ours = tags.iter().filter_map(tag).any(|(key, value)| (key.as_str(), value.as_str()) == TAG);
    let mut content = Value::Null;
    if asked {
        let answer = scope.call("organizations", "DescribePolicy", json!({ "PolicyId": id })).await?;
        let text = answer.get("Policy").and_then(|policy| policy.get("Content")?.as_str());
        content = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    }
    Ok(Found { id, kind, ours, content })
}

async fn targets(scope: &Scope, policy: &str) -> Result<Vec<String>, CallError> {
    let found = scope.pages("organizations", "ListTargetsForPolicy", json!({ "PolicyId": policy })).await?;
    Ok(texts(&found, "TargetId"))
}

async fn attached(
    scope: &Scope,
    holders: BTreeSet<String>,
    kinds: &[PolicyType],
) -> Result<BTreeMap<String, BTreeSet<(PolicyType, String)>>, CallError> {
    let mut work = Vec::new();
    for holder in holders {
        for kind in kinds {
            let params = json!({ "TargetId": holder, "Filter": kind.api() });
            let (holder, kind) = (holder.clone(), *kind);
            work.push(
                async move { (holder, kind, scope.pages("organizations", "ListPoliciesForTarget", params).await) }
                    .boxed(),
            );
        }
    }
    let mut attached: BTreeMap<String, BTreeSet<(PolicyType, String)>> = BTreeMap::new();
    for (holder, kind, listed) in side_by_side(AT_ONCE, work).await {
        let names = texts(&listed?, "Name").into_iter().map(|name| (kind, name));
        attached.entry(holder).or_default().extend(names);
    }
    Ok(attached)
}

/// A call an account; so only where a layer with policies goes by tags.
async fn tags(scope: &Scope, target: &Target) -> Result<BTreeMap<AccountId, BTreeMap<String, String>>, CallError> {
    let asked = target.config.policies_by_match().any(|(matches, _)| !matches.tag.is_empty());
    let members = target.forest.members.iter().filter(|member| asked && member.state == AccountState::Active);
    let read = |member: &Member| {
        let id = member.id.clone();
        async move {
            let params = json!({ "ResourceId": id });
            (id, scope.pages("organizations", "ListTagsForResource", params).await)
        }
        .boxed()
    };
    let read = side_by_side(AT_ONCE, members.map(read).collect()).await;
    read.into_iter().map(|(id, found)| Ok((id, found?.iter().filter_map(tag).collect()))).collect()
}

/// The id of a policy that was just made.
pub(super) async fn id_of(scope: &Scope, name: &str, kind: PolicyType) -> Result<String, StepError> {
    let listed = scope.pages("organizations", "ListPolicies", json!({ "Filter": kind.api() })).await?;
    let id = listed.iter().filter_map(identity).find(|(_, found)| found == name).map(|(id, _)| id);
    id.ok_or_else(|| {
        let site = CallSite::new("organizations", "AttachPolicy", scope.account(), scope.region());
        site.error(ErrorClass::Conflict, format!("the policy {name} is not there")).into()
    })
}

fn identity(policy: &Value) -> Option<(String, String)> {
    Some((policy.get("Id")?.as_str()?.to_owned(), policy.get("Name")?.as_str()?.to_owned()))
}

fn is_awss(policy: &Value) -> bool {
    policy.get("AwsManaged") == Some(&Value::Bool(true))
}

fn tag(tag: &Value) -> Option<(String, String)> {
    Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.as_str()?.to_owned()))
}

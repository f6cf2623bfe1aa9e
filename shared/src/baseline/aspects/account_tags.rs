//! The tags that an account carries in Organizations.
//!
//! Keys that begin with `aws:` are AWS's own and cannot be changed
//! (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_TagResource.html>).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::organization_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::types::{AccountId, Region};

/// The account's tags.
pub struct AccountTags;

/// What can be done about tags.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Sets these tags and leaves the others.
    SetTags {
        /// The account.
        account: AccountId,
        /// The tags.
        tags: BTreeMap<String, String>,
    },
    /// Removes tags.
    RemoveTags {
        /// The account.
        account: AccountId,
        /// Their keys.
        keys: BTreeSet<String>,
    },
}

fn missing(target: &Target, seen: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let missing = |(key, value): &(&String, &String)| seen.get(*key) != Some(*value);
    target.entry.tags.iter().filter(missing).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Where the file gives an account no tag at all, it has nothing to say about those that are there.
fn extra(target: &Target, seen: &BTreeMap<String, String>) -> BTreeSet<String> {
    let declared = &target.entry.tags;
    let extra = |key: &&String| !declared.contains_key(*key) && !key.starts_with("aws:");
    if target.strict() && !declared.is_empty() { seen.keys().filter(extra).cloned().collect() } else { BTreeSet::new() }
}

#[async_trait]
impl Aspect for AccountTags {
    const NAME: &'static str = "account-tags";
    /// The tags that it has.
    type Facts = BTreeMap<String, String>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        let seen = &target.found.tags;
        let differ = !missing(target, seen).is_empty() || !extra(target, seen).is_empty();
        organization_if(differ, target)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Self::Facts, CallError> {
        let params = json!({ "ResourceId": target.account.id });
        let tags = look.pages("organizations", "ListTagsForResource", params).await?;
        let text = |tag: &Value, member: &str| Some(tag.get(member)?.as_str()?.to_owned());
        Ok(tags.iter().filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect())
    }

    fn plan(target: &Target, seen: &Self::Facts) -> Planned<Action> {
        let account = &target.account.id;
        let (tags, keys) = (missing(target, seen), extra(target, seen));
        let mut steps = Vec::new();
        if !tags.is_empty() {
            steps.push(Action::SetTags { account: account.clone(), tags });
        }
        if !keys.is_empty() {
            steps.push(Action::RemoveTags { account: account.clone(), keys });
        }
        Planned::steps(steps)
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::SetTags { account, tags } => {
                let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
                scope.call("organizations", "TagResource", json!({ "ResourceId": account, "Tags": tags })).await?;
            }
            Action::RemoveTags { account, keys } => {
                let params = json!({ "ResourceId": account, "TagKeys": keys });
                scope.call("organizations", "UntagResource", params).await?;
            }
        }
        Ok(Taken::Done)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetTags { tags, .. } => {
                let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "tag the account {}", tags.join(", "))
            }
            Self::RemoveTags { keys, .. } => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                write!(f, "remove the account's tags {}", keys.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::{FakeMember, FakeOrganization};
    use super::super::super::world::{World, id};

    fn world(enforce: &str) -> World {
        let file = format!(
            "accounts:\n  dev: {{id: \"444455556666\", tags: {{stage: dev}}}}\n\
             layers:\n- {{match: {{all: true}}, enforce: {enforce}}}\n\
             - {{match: {{tag: {{stage: dev}}}}, alias: \"acme-{{tag.stage}}\"}}\n"
        );
        let tags = [("aws:owned", "1"), ("extra", "1"), ("stage", "test")];
        let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let member = FakeMember { tags, ..FakeMember::new("dev", "") };
        World::organization(&file, FakeOrganization::new(&"111122223333".parse().unwrap(), &[]).with(&id(), member))
    }

    async fn check(enforce: &str, expect: &str) {
        let world = world(enforce);
        assert!(world.apply().await.is_clean());
        let tags = world.cloud.organization().members[&id()].tags.clone();
        let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(tags.join(" "), expect);
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn declared_tags_are_set_and_under_strict_others_are_removed_save_those_of_aws() {
        check("additive", "aws:owned=1 extra=1 stage=dev").await;
        check("strict", "aws:owned=1 stage=dev").await;
    }

    #[tokio::test]
    async fn layers_and_templates_go_by_the_declared_tags_before_they_are_set() {
        let world = world("additive");
        let plan = world.prepare().await.plan.to_string();
        assert!(plan.contains("tag the account stage=dev") && plan.contains("alias to acme-dev"), "{plan}");
    }
}

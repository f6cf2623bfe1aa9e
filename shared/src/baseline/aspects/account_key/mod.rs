//! Keys of the account: a KMS key in every governed region, known by its alias.
//!
//! Making a key makes another one every time
//! (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>), and the alias comes with a second call.
//! So each key carries the alias as a tag as well: one that was left without its alias is found again and gets it.

mod facts;
mod policy;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::document;
use crate::aws::{Accounts, CallError, ErrorClass, Scope};
use crate::config;
use crate::types::Region;

pub use facts::Key;

/// The tag that holds the alias of a key.
const TAG: &str = "forester:alias";

/// The declared keys.
pub struct AccountKey;

/// What can be done about keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes a key and gives it its alias.
    CreateKey {
        /// The alias.
        alias: String,
        /// Who may use it.
        policy: Value,
        /// Whether AWS gives it new material every year.
        rotate: bool,
    },
    /// Gives an alias to a key that was made for it.
    GiveAlias {
        /// The alias.
        alias: String,
        /// The key's id.
        key: String,
    },
    /// Replaces the key policy.
    SetKeyPolicy {
        /// The alias.
        alias: String,
        /// The key's id.
        key: String,
        /// The policy.
        policy: Value,
    },
    /// Lets AWS give it new material every year.
    RotateKey {
        /// The alias.
        alias: String,
        /// The key's id.
        key: String,
    },
}

/// The alias of a declared key in this account, as KMS writes it.
pub fn alias(target: &Target, name: &str) -> Option<String> {
    let declared = target.wanted.keys.as_ref()?.get(name)?;
    Some(format!("alias/{}", target.labelled(declared.alias(name))))
}

fn declared(target: &Target) -> impl Iterator<Item = (String, &config::Key)> {
    let with_alias = |(name, key): (&String, _)| Some((alias(target, name)?, key));
    target.wanted.keys.iter().flatten().filter_map(with_alias)
}

/// The ids of the declared keys that there are, in every governed region: what a reset must not delete.
pub async fn declared_keys(accounts: &dyn Accounts, target: &Target) -> Result<Vec<String>, CallError> {
    let aliases: Vec<String> = declared(target).map(|(alias, _)| alias).collect();
    let mut ids = Vec::new();
    for region in target.config.regions.govern.iter().filter(|_| !aliases.is_empty()) {
        let seen = match accounts.scope(&target.account.id, region).await {
            Ok(scope) => facts::keys(&scope, &aliases).await,
            Err(error) => Err(error),
        };
        match seen {
            Ok(keys) => ids.extend(keys.into_values().map(|key| key.id)),
            // A region that is not enabled holds nothing that could be deleted.
            Err(error) if error.class == ErrorClass::NotReady => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ids)
}

#[async_trait]
impl Aspect for AccountKey {
    const NAME: &'static str = "account-key";
    /// Volumes are encrypted with it by default, and that is a guard.
    const GUARD: bool = true;
    /// By alias.
    type Facts = BTreeMap<String, Key>;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let governed = enabled.iter().filter(|region| target.config.regions.govern.contains(region));
        regions_if(declared(target).next().is_some(), governed)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<BTreeMap<String, Key>, CallError> {
        let aliases: Vec<String> = declared(target).map(|(alias, _)| alias).collect();
        facts::keys(look, &aliases).await
    }

    fn plan(target: &Target, seen: &BTreeMap<String, Key>) -> Planned<Action> {
        let mut planned = Planned::nothing();
        for (alias, key) in declared(target) {
            match policy::wanted(target, &alias, key) {
                Ok(policy) => plan_key(target, alias, key, policy, seen, &mut planned),
                Err(unmet) => planned.unmet(unmet),
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::CreateKey { alias, policy, rotate } => {
                let key = create(scope, alias, policy).await?;
                give_alias(scope, alias, &key).await?;
                if *rotate {
                    scope.call("kms", "EnableKeyRotation", json!({ "KeyId": key })).await.map_err(not_known_yet)?;
                }
                Ok(Taken::Done)
            }
            Action::GiveAlias { alias, key } => give_alias(scope, alias, key).await,
            Action::SetKeyPolicy { key, policy, .. } => {
                let params = json!({ "KeyId": key, "PolicyName": "default", "Policy": policy.to_string() });
                scope.call("kms", "PutKeyPolicy", params).await?;
                Ok(Taken::Done)
            }
            Action::RotateKey { key, .. } => {
                scope.call("kms", "EnableKeyRotation", json!({ "KeyId": key })).await?;
                Ok(Taken::Done)
            }
        }
    }
}

fn plan_key(
    target: &Target,
    alias: String,
    declared: &config::Key,
    policy: Value,
    seen: &BTreeMap<String, Key>,
    planned: &mut Planned<Action>,
) {
    let rotate = declared.rotate == Some(true);
    let Some(key) = seen.get(&alias) else {
        planned.steps.push(Action::CreateKey { alias, policy, rotate });
        return;
    };
    match key.state.as_str() {
        "Enabled" => {}
        "Creating" | "Updating" => {
            planned.waits.push((format!("the key {alias}"), format!("it is {}", key.state.to_lowercase())));
            return;
        }
        "PendingDeletion" | "PendingReplicaDeletion" => {
            let way = "cancel that, or delete the alias, and a new key is made";
            planned.problems.push(format!("the key {alias} ({}) is about to be deleted: {way}", key.id));
            return;
        }
        state => {
            planned.problems.push(format!("the key {alias} ({}) is {state}: enable it", key.id));
            return;
        }
    }
    let id = || key.id.clone();
    if !key.aliased {
        planned.steps.push(Action::GiveAlias { alias: alias.clone(), key: id() });
    }
    let merge = if target.strict() { document::without_others } else { document::beside_others };
    let policy = merge(policy, &key.policy);
    if !document::same(&policy, &key.policy) {
        planned.steps.push(Action::SetKeyPolicy { alias: alias.clone(), key: id(), policy });
    }
    if rotate && !key.rotates {
        planned.steps.push(Action::RotateKey { alias, key: id() });
    }
}

async fn create(scope: &Scope, alias: &str, policy: &Value) -> Result<String, CallError> {
    let params = json!({
        "Description": format!("{} of this account", alias.trim_start_matches("alias/")),
        "Policy": policy.to_string(),
        "Tags": [{ "TagKey": TAG, "TagValue": alias }],
    });
    let answer = scope.call("kms", "CreateKey", params).await?;
    Ok(answer.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).unwrap_or_default().to_owned())
}

async fn give_alias(scope: &Scope, alias: &str, key: &str) -> Result<Taken, StepError> {
    match scope.call("kms", "CreateAlias", json!({ "AliasName": alias, "TargetKeyId": key })).await {
        Err(error) if error.class == ErrorClass::Exists => {
            // A repetition of a call whose answer was lost finds its own work.
            let aliases = scope.pages("kms", "ListAliases", json!({ "KeyId": key })).await?;
            if aliases.iter().any(|found| found.get("AliasName") == Some(&alias.into())) {
                return Ok(Taken::AlreadySo);
            }
            let hint =
                format!("somebody gave {alias} to another key meanwhile: delete the key {key}, which nothing uses");
            Err(StepError::lasting(error, hint))
        }
        // The tag leads the next run to the key.
        outcome => Ok(outcome.map(|_| Taken::Done).map_err(not_known_yet)?),
    }
}

/// KMS takes seconds, and at times minutes, to know a new key or alias everywhere
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency>).
pub(super) fn not_known_yet(error: CallError) -> StepError {
    match error.is_gone() {
        true => {
            let hint = "nothing to do: KMS takes a while to know a new key everywhere; the next run goes on".to_owned();
            StepError { cause: error, hint, may_pass: true }
        }
        false => error.into(),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateKey { alias, rotate: true, .. } => write!(f, "create the key {alias}, with yearly rotation"),
            Self::CreateKey { alias, rotate: false, .. } => write!(f, "create the key {alias}"),
            Self::GiveAlias { alias, key } => write!(f, "give {alias} to the key {key} that was made for it"),
            Self::SetKeyPolicy { alias, .. } => write!(f, "set the policy of the key {alias}"),
            Self::RotateKey { alias, .. } => write!(f, "rotate the key {alias} every year"),
        }
    }
}

#[cfg(test)]
mod tests;

//! New EBS volumes encrypted by default: a setting of each region
//! (<https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html>), so it is set in every region that
//! the account has enabled, governed or not: a volume can be made in any of them. A key of the account is the default
//! where there is one, in the governed regions.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::account_key;
use crate::aws::{CallError, Scope};
use crate::config::EbsEncryption as Declared;
use crate::types::Region;

/// EBS encryption by default.
pub struct EbsEncryption;

/// What there is in a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    on: bool,
    /// The default key, where one is declared for this region.
    key: Option<Key>,
}

/// The default key, as AWS tells it: a key or an alias, by its id, name or ARN.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    told: String,
    /// The id of the key behind the declared alias.
    behind: Option<String>,
}

/// What can be done about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes a key the default.
    SetDefaultKey {
        /// Its alias.
        alias: String,
    },
    /// Switches it on.
    EncryptByDefault,
}

fn declared(target: &Target) -> Option<&Declared> {
    target.wanted.defaults.as_ref()?.ebs_encryption.as_ref().filter(|declared| **declared != Declared::Plain(false))
}

/// The name of the declared key, and its alias where the key is declared for this account.
fn key(target: &Target) -> Option<(&str, Option<String>)> {
    match declared(target)? {
        Declared::Plain(_) => None,
        Declared::With { key } => Some((key, account_key::alias(target, key))),
    }
}

#[async_trait]
impl Aspect for EbsEncryption {
    const NAME: &'static str = "ebs-encryption";
    const GUARD: bool = true;
    type Facts = Found;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        regions_if(declared(target).is_some(), enabled)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Found, CallError> {
        let answer = look.call("ec2", "GetEbsEncryptionByDefault", json!({})).await?;
        let on = answer.get("EbsEncryptionByDefault") == Some(&Value::Bool(true));
        let governed = target.config.regions.govern.contains(look.region());
        let key = match key(target).filter(|_| governed) {
            Some((_, alias)) => Some(default_key(look, alias.as_deref()).await?),
            None => None,
        };
        Ok(Found { on, key })
    }

    fn plan(target: &Target, found: &Found) -> Planned<Action> {
        let mut planned = Planned::nothing();
        if declared(target).is_none() {
            return planned;
        }
        match (&found.key, key(target)) {
            (Some(found), Some((_, Some(alias)))) if !found.is(&alias) => {
                planned.steps.push(Action::SetDefaultKey { alias });
            }
            (Some(_), Some((name, None))) => {
                planned.problems.push(format!("no layer of this account declares the key `{name}` under `keys`"));
            }
            _ => {}
        }
        if !found.on {
            planned.steps.push(Action::EncryptByDefault);
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::SetDefaultKey { alias } => {
                // EC2 takes any name, and fails later when it is nobody's. So KMS is asked first.
                let known = scope.call("kms", "DescribeKey", json!({ "KeyId": alias })).await;
                known.map_err(account_key::not_known_yet)?;
                scope.call("ec2", "ModifyEbsDefaultKmsKeyId", json!({ "KmsKeyId": alias })).await?;
            }
            Action::EncryptByDefault => {
                scope.call("ec2", "EnableEbsEncryptionByDefault", json!({})).await?;
            }
        }
        Ok(Taken::Done)
    }
}

impl Key {
    fn is(&self, alias: &str) -> bool {
        let named = |name: &str, before: &str| {
            self.told == name || self.told.strip_suffix(name).is_some_and(|start| start.ends_with(before))
        };
        named(alias, ":") || self.behind.as_deref().is_some_and(|id| named(id, ":key/"))
    }
}

async fn default_key(scope: &Scope, alias: Option<&str>) -> Result<Key, CallError> {
    let answer = scope.call("ec2", "GetEbsDefaultKmsKeyId", json!({})).await?;
    let told = answer.get("KmsKeyId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let behind = match alias {
        // The alias itself says it all, and what is behind it is of no matter.
        Some(alias) if !told.ends_with(alias) => {
            match scope.call("kms", "DescribeKey", json!({ "KeyId": alias })).await {
                Ok(answer) => answer.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).map(str::to_owned),
                Err(error) if error.is_gone() => None,
                Err(error) => return Err(error),
            }
        }
        _ => None,
    };
    Ok(Key { told, behind })
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetDefaultKey { alias } => write!(f, "encrypt new EBS volumes with the key {alias}"),
            Self::EncryptByDefault => f.write_str("encrypt new EBS volumes by default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorClass;
    use crate::baseline::world::{REGIONS, World, id};

    const LAYER: &str = "  - match: {all: true}\n    keys: {account: {alias: acme-account}}\n    \
        defaults: {ebs_encryption: {key: account}}\n";

    #[tokio::test]
    async fn key_is_made_before_volumes_are_encrypted_with_it() {
        let world = World::fresh(LAYER);
        let report = world.apply().await;
        assert!(report.is_clean(), "{report}");
        let account = world.cloud.account(&id());
        let home = "eu-west-1".parse().unwrap();
        assert_eq!(account.encrypted.len(), REGIONS.len());
        let default = &account.ebs_keys[&home];
        assert!(default.ends_with(&account.aliases[&(home, "alias/acme-account".to_owned())]), "{default}");
        assert_eq!(account.ebs_keys.len(), 1, "regions that are not governed have no key");
        world.cloud.calls();
        assert_eq!(world.apply().await.steps, []);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn key_that_could_not_be_made_is_not_made_the_default() {
        let world = World::fresh(LAYER);
        world.cloud.fail("CreateKey", None, ErrorClass::Denied, "AccessDeniedException");
        let report = world.apply().await;
        assert_eq!(report.failed.len(), 2, "{report}");
        assert!(world.cloud.account(&id()).ebs_keys.is_empty());
        world.cloud.heal();
        assert!(world.apply().await.is_clean());
    }

    #[tokio::test]
    async fn key_that_is_not_known_everywhere_yet_comes_again() {
        let world = World::fresh(LAYER);
        world.cloud.fail("DescribeKey", None, ErrorClass::Gone, "NotFoundException");
        let report = world.apply().await;
        assert_eq!((report.failed.len(), report.may_pass()), (1, true), "{report}");
        world.cloud.heal();
        assert!(world.apply().await.is_clean());
        assert_eq!(world.cloud.account(&id()).ebs_keys.len(), 1);
    }

    #[tokio::test]
    async fn key_that_this_account_does_not_have_is_a_problem_and_encryption_goes_on() {
        let layers = "  - {match: {account: root}, keys: {account: {}}}\n  \
            - {match: {all: true}, defaults: {ebs_encryption: {key: account}}}\n";
        let world = World::fresh(layers);
        let report = world.apply().await;
        assert!(report.errors[0].reason.contains("declares the key `account`"), "{report}");
        assert_eq!(world.cloud.account(&id()).encrypted.len(), REGIONS.len());
    }
}

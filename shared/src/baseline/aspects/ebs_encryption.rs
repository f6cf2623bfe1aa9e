//! New EBS volumes encrypted by default: a setting of each region
//! (<https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html>), so it is set in every region that
//! the account has enabled, governed or not: a volume can be made in any of them.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::types::Region;

/// EBS encryption by default.
pub struct EbsEncryption;

/// What can be done about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Switches it on.
    EncryptByDefault,
}

fn declared(target: &Target) -> bool {
    target.wanted.defaults.as_ref().is_some_and(|defaults| defaults.ebs_encryption == Some(true))
}

#[async_trait]
impl Aspect for EbsEncryption {
    const NAME: &'static str = "ebs-encryption";
    const GUARD: bool = true;
    /// Whether it is on.
    type Facts = bool;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        regions_if(declared(target), enabled)
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<bool, CallError> {
        let answer = look.call("ec2", "GetEbsEncryptionByDefault", json!({})).await?;
        Ok(answer.get("EbsEncryptionByDefault") == Some(&Value::Bool(true)))
    }

    fn plan(target: &Target, on: &bool) -> Planned<Action> {
        match declared(target) && !on {
            true => Planned::steps(vec![Action::EncryptByDefault]),
            false => Planned::nothing(),
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::EncryptByDefault = action;
        scope.call("ec2", "EnableEbsEncryptionByDefault", json!({})).await?;
        Ok(Taken::Done)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EncryptByDefault => f.write_str("encrypt new EBS volumes by default"),
        }
    }
}

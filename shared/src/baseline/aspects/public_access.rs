//! S3 public access blocked in the whole account, whatever a bucket says.
//!
//! The call replaces all four settings at once, so all four are set
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html>).

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::types::Region;

const SETTINGS: [&str; 4] = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

/// The account's public access block.
pub struct PublicAccess;

/// What can be done about public access.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Switches all four settings on.
    BlockPublicAccess,
}

fn declared(target: &Target) -> bool {
    target.wanted.defaults.as_ref().is_some_and(|defaults| defaults.s3_block_public == Some(true))
}

#[async_trait]
impl Aspect for PublicAccess {
    const NAME: &'static str = "s3-public-access";
    const GUARD: bool = true;
    /// Whether all four settings are on.
    type Facts = bool;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(declared(target))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<bool, CallError> {
        let params = json!({ "AccountId": target.account.id });
        match look.call("s3control", "GetPublicAccessBlock", params).await {
            Ok(answer) => {
                let block = answer.get("PublicAccessBlockConfiguration").cloned().unwrap_or_default();
                Ok(SETTINGS.iter().all(|setting| block.get(setting) == Some(&Value::Bool(true))))
            }
            Err(error) if error.is_gone() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn plan(target: &Target, blocked: &bool) -> Planned<Action> {
        match declared(target) && !blocked {
            true => Planned::steps(vec![Action::BlockPublicAccess]),
            false => Planned::nothing(),
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::BlockPublicAccess = action;
        let block: Value = SETTINGS.iter().map(|setting| ((*setting).to_owned(), Value::Bool(true))).collect();
        let params = json!({ "AccountId": scope.account(), "PublicAccessBlockConfiguration": block });
        scope.call("s3control", "PutPublicAccessBlock", params).await?;
        Ok(Taken::Done)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockPublicAccess => f.write_str("block public access to S3 in the whole account"),
        }
    }
}

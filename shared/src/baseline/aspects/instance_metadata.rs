//! New instances that answer only IMDSv2, where neither the launch nor the image says otherwise. The call merges:
//! the hop limit and what else is set there stays
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataDefaults.html>).

use async_trait::async_trait;
use serde_json::json;

use super::setting::{Set, Setting, State, word};
use crate::aws::{CallError, Scope};
use crate::config::{Defaults, Imdsv2};

/// The default version of the instance metadata service.
pub struct InstanceMetadata;

#[async_trait]
impl Setting for InstanceMetadata {
    const NAME: &'static str = "instance-metadata";
    const WHAT: &'static str = "the default for IMDSv2";

    fn wanted(defaults: &Defaults) -> Option<Set> {
        let required = defaults.imdsv2 == Some(Imdsv2::Required);
        required.then_some(Set { action: "require-imdsv2", to: "required", summary: "require IMDSv2 of new instances" })
    }

    async fn read(scope: &Scope) -> Result<State, CallError> {
        let answer = scope.call("ec2", "GetInstanceMetadataDefaults", json!({})).await?;
        let tokens = match word(&answer, "/AccountLevel/HttpTokens") {
            "" => "no-preference",
            tokens => tokens,
        };
        Ok(State::new(tokens, answer.pointer("/AccountLevel/ManagedBy")))
    }

    async fn write(scope: &Scope, to: &str) -> Result<(), CallError> {
        scope.call("ec2", "ModifyInstanceMetadataDefaults", json!({ "HttpTokens": to })).await.map(drop)
    }
}

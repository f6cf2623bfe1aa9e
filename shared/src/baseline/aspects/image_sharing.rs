//! Images (AMIs) that nobody can share with everybody. Images that are public already stay so. AWS may take ten minutes
//! until it tells the new state, and setting it again meanwhile changes nothing
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html>).

use async_trait::async_trait;
use serde_json::json;

use super::setting::{Set, Setting, State, word};
use crate::aws::{CallError, Scope};
use crate::config::Defaults;

/// Public sharing of images.
pub struct ImageSharing;

#[async_trait]
impl Setting for ImageSharing {
    const NAME: &'static str = "image-sharing";
    const WHAT: &'static str = "public sharing of images";

    fn wanted(defaults: &Defaults) -> Option<Set> {
        let block = defaults.ami_block == Some(true);
        let summary = "block new public sharing of images";
        block.then_some(Set { action: "block-image-sharing", to: "block-new-sharing", summary })
    }

    async fn read(scope: &Scope) -> Result<State, CallError> {
        let answer = scope.call("ec2", "GetImageBlockPublicAccessState", json!({})).await?;
        Ok(State::new(word(&answer, "/ImageBlockPublicAccessState"), answer.get("ManagedBy")))
    }

    async fn write(scope: &Scope, to: &str) -> Result<(), CallError> {
        let params = json!({ "ImageBlockPublicAccessState": to });
        scope.call("ec2", "EnableImageBlockPublicAccess", params).await.map(drop)
    }
}

//! Documents of Systems Manager that nobody can share with everybody
//! (<https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-ssm-sharing.html>). Systems Manager takes
//! one change of its settings at a time and answers a second one with `TooManyUpdates`: the next run makes it.

use async_trait::async_trait;
use serde_json::json;

use super::setting::{Set, Setting, State, word};
use crate::aws::{CallError, Scope};
use crate::config::Defaults;

const SETTING: &str = "/ssm/documents/console/public-sharing-permission";

/// Public sharing of documents.
pub struct DocumentSharing;

#[async_trait]
impl Setting for DocumentSharing {
    const NAME: &'static str = "document-sharing";
    const WHAT: &'static str = "public sharing of documents of Systems Manager";

    fn wanted(defaults: &Defaults) -> Option<Set> {
        let block = defaults.ssm_document_block == Some(true);
        let summary = "block public sharing of documents of Systems Manager";
        block.then_some(Set { action: "block-document-sharing", to: "Disable", summary })
    }

    async fn read(scope: &Scope) -> Result<State, CallError> {
        let answer = scope.call("ssm", "GetServiceSetting", json!({ "SettingId": SETTING })).await?;
        Ok(State::new(word(&answer, "/ServiceSetting/SettingValue"), None))
    }

    async fn write(scope: &Scope, to: &str) -> Result<(), CallError> {
        let params = json!({ "SettingId": SETTING, "SettingValue": to });
        scope.call("ssm", "UpdateServiceSetting", params).await.map(drop)
    }
}

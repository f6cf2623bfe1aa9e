//! The SDK's configuration, made once: one HTTP client, one set of timeouts and retries for every client.

use aws_config::{BehaviorVersion, SdkConfig};

/// What every client of this process is made from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sdk {
    config: SdkConfig,
}

impl Sdk {
    /// Reads region, credentials and `AWS_ENDPOINT_URL[_<SERVICE>]` from the environment and the shared files.
    pub async fn load() -> Self {
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12()).load().await;
        Self { config }
    }

    /// The configuration that typed clients are made from.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }
}

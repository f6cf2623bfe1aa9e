//! The SDK's configuration, made once: one HTTP client, one set of timeouts and retries for every client.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::retry::RetryMode;
use aws_types::service_config::ServiceConfigKey;

use super::Meter;
use super::count::Counter;
use crate::types::Region;

/// How patient every client is.
#[derive(Clone, Debug, PartialEq)]
pub struct Patience {
    /// Whether the SDK's adaptive mode is used rather than its standard one. Not by default: the model-driven client has
    /// a pace of its own, and one throttle of a typed client must not hold a function up for half a minute.
    pub adaptive: bool,
    /// How often a call is made at most.
    pub attempts: u32,
    /// The first pause between two attempts; later ones grow.
    pub first_pause: Duration,
    /// How long one attempt may take.
    pub attempt: Duration,
    /// How long a call may take with all its attempts.
    pub call: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            adaptive: false,
            attempts: 6,
            first_pause: Duration::from_secs(1),
            attempt: Duration::from_secs(60),
            call: Duration::from_secs(240),
        }
    }
}

/// What every client of this process is made from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sdk {
    config: SdkConfig,
    meter: Meter,
}

impl Sdk {
    /// Reads region, credentials and `AWS_ENDPOINT_URL[_<SERVICE>]` from the environment and the shared files.
    pub async fn load() -> Self {
        Self::patient(Patience::default()).await
    }

    /// The same, with a patience of one's own.
    pub async fn patient(patience: Patience) -> Self {
        Self { config: defaults(&patience).load().await, meter: Meter::default() }
    }

    /// An SDK that knows nothing of the environment: one endpoint for everything, and an access key whose secret does
    /// not matter. For local stacks.
    pub async fn at(endpoint: &str, access_key: &str, region: &Region) -> Self {
        Self::at_with(endpoint, access_key, region, Patience::default()).await
    }

    /// The same, with a patience of one's own.
    pub async fn at_with(endpoint: &str, access_key: &str, region: &Region, patience: Patience) -> Self {
        let credentials = Credentials::from_keys(access_key, "local", None);
        let defaults = defaults(&patience)
            .endpoint_url(endpoint)
            .credentials_provider(credentials)
            .region(aws_config::Region::new(region.to_string()));
        Self { config: defaults.load().await, meter: Meter::default() }
    }

    /// The region that environment or shared files name.
    pub fn region(&self) -> Option<Region> {
        self.config.region().and_then(|region| region.as_ref().parse().ok())
    }

    /// Counts every call of every client made from this.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The configuration that typed clients are made from, together with [`Sdk::counter`].
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The interceptor that counts a client's calls.
    pub(crate) fn counter(&self) -> Counter {
        Counter(self.meter.clone())
    }

    /// The endpoint that environment or shared files give for a service (by its SDK id), if any.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub(crate) fn endpoint_url(&self, service_id: &str) -> Option<String> {
        let common = self.config.endpoint_url().map(str::to_owned);
        // One that was set in code stands above the environment.
        if self.config.get_origin("endpoint_url").is_client_config() {
            return common;
        }
        let key = ServiceConfigKey::builder().service_id(service_id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let own = key.build().ok().and_then(|key| self.config.service_config()?.load_config(key));
        own.or(common)
    }
}

impl Patience {
    fn retries(&self) -> RetryConfig {
        let mode = if self.adaptive { RetryMode::Adaptive } else { RetryMode::Standard };
        RetryConfig::standard()
            .with_retry_mode(mode)
            .with_max_attempts(self.attempts)
            .with_initial_backoff(self.first_pause)
    }

    fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_millis(3100))
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.call)
            .build()
    }
}

fn defaults(patience: &Patience) -> ConfigLoader {
    let defaults = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client())
        .retry_config(patience.retries())
        .timeout_config(patience.timeouts())
        // The default keeps 64 identities; an organization has more accounts than that.
        .identity_cache(IdentityCache::lazy().max_partitions(4096).load_timeout(Duration::from_secs(30)).build());
    match AppName::new("forester") {
        Ok(name) => defaults.app_name(name),
        Err(_) => defaults,
    }
}

/// One client for everything, or every service would open connections of its own. Unlike the SDK's default it honours
/// the proxy variables.
fn http_client() -> SharedHttpClient {
    let connector = |settings: Option<&HttpConnectorSettings>, components: Option<&RuntimeComponents>| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        if let Some(settings) = settings {
            builder = builder.connector_settings(settings.clone());
        }
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build()
    };
    Builder::new().build_with_connector_fn(connector)
}

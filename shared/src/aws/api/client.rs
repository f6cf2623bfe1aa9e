//! One account in one region, ready to be called: binds model, serializer and parser to the SDK's orchestrator.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::orchestrator::operation::Operation as Orchestrated;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthScheme};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::super::classify::{CallSite, nameless, request_id, unanswered};
use super::super::{Call, CallError, ErrorClass, Sdk};
use super::endpoint::{Target, target};
use super::errors::{Refusal, Retries, refusal};
use super::model::{Operation, Service};
use super::pace::{Pace, Paces};
use super::page::Pager;
use super::parse::{Answer, output};
use super::serialize::{Wire, request};
use super::validate::{Wrong, checked};
use super::{checksum, offered, quirks, s3};
use crate::types::{AccountId, Region};

/// Makes calls with one account's credentials in one region.
#[derive(Clone)]
pub(crate) struct Client {
    sdk: Sdk,
    account: AccountId,
    region: Region,
    credentials: SharedIdentityResolver,
    permits: Option<Permits>,
    paces: Paces,
}

/// How many calls may be under way at once, in all and in one account.
#[derive(Clone)]
pub(crate) struct Permits {
    pub all: Arc<Semaphore>,
    pub account: Arc<Semaphore>,
}

impl Permits {
    /// Waits for a place. The account's comes first, so that a slow account does not hold places of the others.
    async fn acquire(&self) -> Option<(SemaphorePermit<'_>, SemaphorePermit<'_>)> {
        // Neither semaphore is ever closed, so `None` does not come about.
        Some((self.account.acquire().await.ok()?, self.all.acquire().await.ok()?))
    }
}

#[async_trait]
impl Call for Client {
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        let site = CallSite::new(service, operation, &self.account, &self.region);
        let invalid = |wrong: Wrong| site.clone().error(ErrorClass::Invalid, wrong.0);
        let (service, operation) = find(service, operation).map_err(invalid)?;
        let mut params = checked(service, operation.1, params).map_err(invalid)?;
        quirks::params(service.service, &mut params);
        let encoded = s3::ask(service.service, operation.0, &mut params);
        let (target, wire) = self.prepare(service, operation, &params).map_err(invalid)?;
        let mut output = self.send(service, operation, target, wire, &site).await?;
        if encoded {
            s3::decode(&mut output);
        }
        Ok(output)
    }

    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        let site = CallSite::new(service, operation, &self.account, &self.region);
        let invalid = |wrong: Wrong| site.clone().error(ErrorClass::Invalid, wrong.0);
        let (model, (_, found)) = find(service, operation).map_err(invalid)?;
        let mut pager = Pager::new(model, found).map_err(invalid)?;
        // With the idempotency tokens, if any, so that every page has the same.
        let mut params = checked(model, found, params).map_err(invalid)?;
        let mut all = Vec::new();
        loop {
            let mut output = self.call(service, operation, Value::Object(params.clone())).await?;
            let next = pager.next(&params, &output).map_err(|wrong| site.clone().error(ErrorClass::Other, wrong.0))?;
            all.extend(pager.take(&mut output));
            match next {
                Some(next) => params = next,
                None => return Ok(all),
            }
        }
    }
}

pub(super) type Named = (&'static str, &'static Operation);

pub(super) fn find(service: &str, operation: &str) -> Result<(&'static Service, Named), Wrong> {
    let unknown = |what: String| Wrong(format!("{what}; `shared/models/operations.toml` lists what can be called"));
    let model =
        Service::named(service).ok_or_else(|| unknown(format!("there is no model of the service {service}")))?;
    let found = model.operations.get_key_value(operation);
    let (name, operation) = found.ok_or_else(|| unknown(format!("{service} has no operation {operation} here")))?;
    Ok((model, (name, operation)))
}

impl Client {
    /// A client without bounds; see [`Client::within`].
    pub(crate) fn new(sdk: &Sdk, account: AccountId, region: Region, credentials: SharedIdentityResolver) -> Self {
        Self { sdk: sdk.clone(), account, region, credentials, permits: None, paces: Paces::default() }
    }

    /// The same client, which waits for a place before each call, and whose pace others of the account share.
    pub(crate) fn within(self, permits: Permits, paces: Paces) -> Self {
        Self { permits: Some(permits), paces, ..self }
    }

    fn prepare(
        &self,
        service: &Service,
        (name, operation): Named,
        params: &Map<String, Value>,
    ) -> Result<(Target, Wire), Wrong> {
        let given = self.sdk.endpoint_url(service.id);
        let target = target(service, operation, params, &self.region, given.as_deref())?;
        let mut wire = request(service, (name, operation), target.uri, params)?;
        quirks::wire(service.service, &mut wire);
        checksum::add(operation, params, &mut wire)?;
        Ok((target, wire))
    }

    async fn send(
        &self,
        service: &'static Service,
        (name, operation): Named,
        target: Target,
        wire: Wire,
        site: &CallSite,
    ) -> Result<Value, CallError> {
        let pace = self.paces.of(self.region.as_ref(), service.service, name);
        let wait = pace.turn(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        // After the wait: what has to be slow must not take the places of what need not.
        let _places = match &self.permits {
            Some(permits) => permits.acquire().await,
            None => None,
        };
        let config = self.sdk.config();
        let mut builder = Orchestrated::builder()
            .service_name(service.service)
            .operation_name(name)
            .endpoint_url(&target.url)
            .runtime_plugin(self.plugin(service, target.signing_region, Arc::clone(&pace)))
            .serializer(|wire: Wire| Ok(http_request(wire)?))
            .deserializer(move |response| answered(service, operation, response));
        if let Some(version) = config.behavior_version() {
            builder = builder.behavior_version(version);
        }
        let output = match builder.build().invoke(wire).await {
            Ok(output) => output,
            Err(error) => {
                let nameless = nameless(&error);
                let mut error = explained(site.clone(), error);
                if nameless {
                    error.class = offered::nameless(service.service, &self.region).await;
                }
                return Err(error);
            }
        };
        pace.ease();
        Ok(output)
    }

    /// What the orchestrator needs beyond its defaults: signing, identity, retries, timeouts and headers.
    fn plugin(&self, service: &'static Service, signing_region: String, pace: Arc<Pace>) -> StaticRuntimePlugin {
        let config = self.sdk.config();
        let components = RuntimeComponentsBuilder::new("forester")
            .with_http_client(config.http_client())
            .with_sleep_impl(config.sleep_impl())
            .with_time_source(config.time_source())
            .with_identity_cache(config.identity_cache())
            .with_identity_resolver(SCHEME_ID, self.credentials.clone())
            .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            .with_retry_classifier(Retries { pace })
            .with_interceptor(self.sdk.counter());
        let headers = with(components, InvocationIdInterceptor::new());
        let headers = with(headers, RequestInfoInterceptor::new());
        let headers = with(headers, RecursionDetectionInterceptor::new());
        let headers = with(headers, UserAgentInterceptor::new());
        StaticRuntimePlugin::new().with_runtime_components(headers).with_config(self.layer(service, signing_region))
    }

    fn layer(&self, service: &'static Service, signing_region: String) -> FrozenLayer {
        let config = self.sdk.config();
        let mut layer = Layer::new("forester");
        let region = SigningRegion::from(aws_types::region::Region::new(signing_region));
        layer.store_put(region.clone());
        layer.store_put(SigningName::from(service.signing));
        layer.store_put(SigV4OperationSigningConfig {
            region: Some(region),
            region_set: None,
            name: Some(SigningName::from(service.signing)),
            signing_options: signing_options(service),
        });
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(ApiMetadata::new(service.service, service.version));
        layer.store_or_unset(config.app_name().cloned());
        layer.store_or_unset(config.retry_config().cloned());
        layer.store_or_unset(config.timeout_config().cloned());
        layer.store_or_unset(config.stalled_stream_protection());
        // The budget for retries is kept apart by account, region and service, as AWS counts them.
        layer.store_put(RetryPartition::new(format!("{}/{}/{}", self.account, self.region, service.service)));
        layer.freeze()
    }
}

fn with(components: RuntimeComponentsBuilder, interceptor: impl Intercept + 'static) -> RuntimeComponentsBuilder {
    components.with_interceptor(interceptor)
}

/// S3 signs paths as they are and wants the body's hash in a header.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
fn signing_options(service: &Service) -> SigningOptions {
    let mut options = SigningOptions::default();
    if service.signing == "s3" {
        options.double_uri_encode = false;
        options.normalize_uri_path = false;
        options.content_sha256_header = true;
    }
    options
}

fn http_request(wire: Wire) -> Result<HttpRequest, aws_smithy_runtime_api::http::HttpError> {
    let target = wire.target();
    let mut request = HttpRequest::new(SdkBody::from(wire.body));
    request.set_method(wire.method)?;
    request.set_uri(target)?;
    for (name, value) in wire.headers {
        request.headers_mut().try_insert(name, value)?;
    }
    Ok(request)
}

fn answered(
    service: &Service,
    operation: &Operation,
    response: &HttpResponse,
) -> Result<Value, OrchestratorError<Refusal>> {
    let headers = response.headers();
    let header = |name: &str| headers.get(name).map(str::to_owned);
    let answer = Answer {
        status: response.status().as_u16(),
        header: &header,
        headers: headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: response.body().bytes().unwrap_or_default(),
    };
    if let Some(refusal) = refusal(service, operation.method, &answer) {
        return Err(OrchestratorError::operation(refusal));
    }
    output(service, operation, &answer).map_err(|garbled| OrchestratorError::response(garbled.into()))
}

fn explained(site: CallSite, error: SdkError<Refusal, HttpResponse>) -> CallError {
    match error {
        SdkError::ServiceError(context) => {
            let from_header = request_id(context.raw()).map(str::to_owned);
            let refusal = context.into_err();
            CallError {
                code: Some(refusal.code).filter(|code| !code.is_empty()),
                request_id: refusal.request_id.or(from_header),
                ..site.error(refusal.class.unwrap_or(ErrorClass::Other), refusal.message)
            }
        }
        other => unanswered(site, &other),
    }
}

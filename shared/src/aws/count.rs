//! Counts calls where every client passes: in an interceptor.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::Meter;

/// Counts each call once, however often it is retried. Typed clients take it too:
/// `Builder::from(sdk.config()).interceptor(sdk.counter())`.
#[derive(Clone, Debug)]
pub struct Counter(pub(super) Meter);

#[dyn_dispatch_hint]
impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = config.load::<Metadata>() {
            // Typed clients call themselves `DynamoDB` and the like.
            self.0.count(&call.service().to_ascii_lowercase(), call.name());
        }
        Ok(())
    }
}

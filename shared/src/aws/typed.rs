//! Errors of the typed clients, sorted once for their adapters.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{CallError, ErrorClass};
use crate::types::{AccountId, Region};

/// Which call it was, for the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub service: &'static str,
    pub operation: &'static str,
    pub account: &'a AccountId,
    pub region: &'a Region,
}

/// The error, with AWS's code and request id.
pub(super) fn call_error<E>(place: Place<'_>, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let answer = error.as_service_error();
    let code = answer.and_then(|error| error.meta().code()).map(str::to_owned);
    let status = error.raw_response().map(|response| response.status().as_u16());
    let message = answer.and_then(|error| error.meta().message()).map(str::to_owned);
    let id = error.raw_response().and_then(|response| response.headers().get("x-amzn-requestid"));
    CallError {
        class: class(code.as_deref(), status),
        service: place.service.to_owned(),
        operation: place.operation.to_owned(),
        account: place.account.clone(),
        region: place.region.clone(),
        code,
        message: message.unwrap_or_else(|| DisplayErrorContext(error).to_string()),
        request_id: id.map(str::to_owned),
    }
}

fn class(code: Option<&str>, status: Option<u16>) -> ErrorClass {
    let code = code.unwrap_or_default();
    match (code, status) {
        _ if code.contains("NotFound") || code.contains("NonExistent") => ErrorClass::Gone,
        _ if code.contains("AccessDenied") || code.starts_with("Authorization") => ErrorClass::Denied,
        _ if code.contains("Throttl") || code.contains("TooManyRequests") => ErrorClass::Throttled,
        (_, Some(429)) => ErrorClass::Throttled,
        (_, Some(401 | 403)) => ErrorClass::Denied,
        (_, Some(404)) => ErrorClass::Gone,
        (_, Some(500..)) | ("", None) => ErrorClass::Transient,
        (_, Some(400..)) => ErrorClass::Invalid,
        _ => ErrorClass::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, status: u16, expect: ErrorClass) {
        assert_eq!(class(Some(code).filter(|code| !code.is_empty()), Some(status)), expect, "{code} {status}");
    }

    #[test]
    fn codes_come_before_the_status() {
        check("NotFoundException", 400, ErrorClass::Gone);
        check("AWS.SimpleQueueService.NonExistentQueue", 400, ErrorClass::Gone);
        check("AccessDeniedException", 400, ErrorClass::Denied);
        check("AuthorizationError", 403, ErrorClass::Denied);
        check("ThrottlingException", 400, ErrorClass::Throttled);
        check("InvalidParameter", 400, ErrorClass::Invalid);
        check("InternalErrorException", 500, ErrorClass::Transient);
    }

    #[test]
    fn no_answer_may_pass() {
        assert_eq!(class(None, None), ErrorClass::Transient);
    }
}

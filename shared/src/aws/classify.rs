//! Error codes, mapped once to what a caller can do; and typed SDK errors turned into `CallError`.
//!
//! AWS has no list of its codes: services make up names in a handful of manners. So the table is read from the top,
//! whole codes before parts of them, and what it does not know is judged by the HTTP status.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{CallError, ErrorClass};
use crate::types::{AccountId, Region};

/// How a rule looks at a code.
enum Rule {
    Is(&'static [&'static str]),
    Starts(&'static [&'static str]),
    Ends(&'static [&'static str]),
    Has(&'static [&'static str]),
}
use Rule::{Ends, Has, Is, Starts};

/// Read from the top; the first rule that fits decides.
const CODES: &[(Rule, ErrorClass)] = &[
    // Not activated yet, or not in this region. AWS gives the last five for good credentials, too, when a region is
    // not enabled in the account or a new account is not known to the service yet.
    (
        Is(&[
            "OptInRequired",
            "SubscriptionRequiredException",
            "SubscriptionRequired",
            "NotSignedUp",
            "PendingVerification",
            "FinalizingOrganizationException",
            "RegionDisabledException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "InvalidToken",
            "AuthFailure",
        ]),
        ErrorClass::NotReady,
    ),
    (
        Is(&[
            "LimitExceededException",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceededException",
            "ReduceYourRate",
            "RequestLimitExceeded",
            "BandwidthLimitExceeded",
            "SlowDown",
            "TransactionInProgressException",
        ]),
        ErrorClass::Throttled,
    ),
    (Has(&["Throttl", "TooManyRequests"]), ErrorClass::Throttled),
    (
        Is(&[
            "NotImplemented",
            "InvalidAction",
            "UnknownOperationException",
            "UnsupportedActionException",
            "TypeNotFoundException",
            "UnsupportedRegionException",
        ]),
        ErrorClass::Unavailable,
    ),
    (
        Starts(&["AccessDenied", "Unauthorized", "Forbidden", "ExplicitDeny", "ExpiredToken", "AuthorizationError"]),
        ErrorClass::Denied,
    ),
    (
        Is(&[
            "AllAccessDisabled",
            "InvalidAccessException",
            "NotAuthorized",
            "NotAuthorizedException",
            "RequestExpired",
            "SignatureDoesNotMatch",
        ]),
        ErrorClass::Denied,
    ),
    (Has(&["AccessDenied"]), ErrorClass::Denied),
    (Is(&["QueueNameExists", "QueueAlreadyExists", "BucketAlreadyOwnedByYou"]), ErrorClass::Exists),
    (Starts(&["Duplicate"]), ErrorClass::Exists),
    (Ends(&[".Duplicate"]), ErrorClass::Exists),
    (
        Has(&["AlreadyExist", "AlreadyEnabled", "AlreadyAssociated", "AlreadyIn", "AlreadyRegistered"]),
        ErrorClass::Exists,
    ),
    (Is(&["AccountRegisteredException"]), ErrorClass::Exists),
    (
        Is(&[
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
            "UnknownResourceException",
            "Gateway.NotAttached",
            "InvalidAMIID.Unavailable",
            "PolicyNotAttachedException",
        ]),
        ErrorClass::Gone,
    ),
    (Starts(&["NoSuch"]), ErrorClass::Gone),
    // `SourceParentNotFoundException` and kin say that something else than the thing asked for is missing.
    (Is(&["SourceParentNotFoundException", "DestinationParentNotFoundException"]), ErrorClass::Conflict),
    (Has(&["NotFound"]), ErrorClass::Gone),
    (Is(&["AWSOrganizationsNotInUseException"]), ErrorClass::Other),
    (
        Is(&[
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "DependencyException",
            "DependencyViolation",
            "EntityTemporarilyUnmodifiable",
            "IncorrectInstanceState",
            "IncorrectState",
            "KMSInvalidStateException",
            "OperationInProgressException",
            "PolicyChangesInProgressException",
            "QueueDeletedRecently",
            "StaleRequestException",
            "TooManyUpdates",
        ]),
        ErrorClass::Conflict,
    ),
    (
        Starts(&["DeleteConflict", "Concurrent", "OperationAborted", "InvalidState", "ConditionalRequestConflict"]),
        ErrorClass::Conflict,
    ),
    (Ends(&["State", "StateException", "StateFault", "InProgress"]), ErrorClass::Conflict),
    (Has(&["InUse", "Conflict", "NotEmpty", "BeingDeleted"]), ErrorClass::Conflict),
    (
        Is(&[
            "InternalError",
            "InternalFailure",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServerException",
            "ServiceException",
            "ServiceUnavailable",
            "Unavailable",
        ]),
        ErrorClass::Transient,
    ),
    (Starts(&["InternalServer", "InternalService", "ServiceFailure", "ServiceUnavailable"]), ErrorClass::Transient),
    (
        Is(&[
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "OperationNotPermitted",
            "PermanentRedirect",
            "SerializationException",
            "UnsupportedOperation",
        ]),
        ErrorClass::Invalid,
    ),
    (Starts(&["Invalid", "Malformed", "Missing", "Validation", "BadRequest", "MethodNotAllowed"]), ErrorClass::Invalid),
    (Ends(&["LimitExceeded", "QuotaExceededException", "ValidationException"]), ErrorClass::Invalid),
];

/// Sorts an answer by its code and message, or by its status where neither tells.
pub(crate) fn classify(code: &str, message: &str, status: u16) -> ErrorClass {
    if status == 501 {
        return ErrorClass::Unavailable;
    }
    // CloudFormation has one code for a stack that is gone and for a request that is wrong.
    if code == "ValidationError" && message.starts_with("Stack ") && message.contains("does not exist") {
        return ErrorClass::Gone;
    }
    let known = CODES.iter().find(|(rule, _)| rule.fits(code)).map(|(_, class)| *class);
    known.unwrap_or(match status {
        401 | 403 => ErrorClass::Denied,
        429 => ErrorClass::Throttled,
        500..=599 => ErrorClass::Transient,
        _ => ErrorClass::Other,
    })
}

impl Rule {
    fn fits(&self, code: &str) -> bool {
        match self {
            Is(codes) => codes.contains(&code),
            Starts(parts) => parts.iter().any(|part| code.starts_with(part)),
            Ends(parts) => parts.iter().any(|part| code.ends_with(part)),
            Has(parts) => parts.iter().any(|part| code.contains(part)),
        }
    }
}

/// Which call an error is about.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// The service by its SDK name.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The account called.
    pub account: AccountId,
    /// The region called.
    pub region: Region,
}

impl CallSite {
    /// The call `service:operation` in `account`, `region`.
    pub fn new(service: &str, operation: &str, account: &AccountId, region: &Region) -> Self {
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            account: account.clone(),
            region: region.clone(),
        }
    }

    /// An error that came about without an answer from AWS.
    pub fn error(self, class: ErrorClass, message: impl Into<String>) -> CallError {
        CallError {
            class,
            service: self.service,
            operation: self.operation,
            account: self.account,
            region: self.region,
            code: None,
            message: message.into(),
            request_id: None,
        }
    }
}

/// Turns a typed client's error into ours: `client.list_roots().send().await.map_err(|e| failed(site, e))`.
pub fn failed<E>(site: CallSite, error: SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let SdkError::ServiceError(context) = &error else { return unanswered(site, &error) };
    let (answer, response) = (context.err(), context.raw());
    let code = answer.code().unwrap_or_default();
    let message = answer.message().unwrap_or_default();
    CallError {
        code: answer.code().map(str::to_owned),
        request_id: answer.meta().extra("aws_request_id").or_else(|| request_id(response)).map(str::to_owned),
        ..site.error(classify(code, message, response.status().as_u16()), message)
    }
}

/// AWS's request id, under whichever name the service sends it.
pub(crate) fn request_id(response: &HttpResponse) -> Option<&str> {
    ["x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"].iter().find_map(|name| response.headers().get(*name))
}

/// A call that got no answer, or none that could be understood.
pub(crate) fn unanswered<E>(site: CallSite, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: std::error::Error + Send + Sync + 'static,
{
    // A credentials provider of ours that could not assume a role knows better than we what went wrong.
    if let Some(cause) = cause::<CallError>(error) {
        return CallError { code: cause.code.clone(), ..site.error(cause.class, cause.to_string()) };
    }
    let told = DisplayErrorContext(error).to_string();
    let class = match error {
        _ if cause::<aws_credential_types::provider::error::CredentialsError>(error).is_some() => ErrorClass::Denied,
        SdkError::ConstructionFailure(_) => ErrorClass::Invalid,
        _ => ErrorClass::Transient,
    };
    site.error(class, told)
}

/// Whether a call failed because its host has no name in DNS, as glibc and macOS put it. That may mean that the service is
/// not offered in the region, or that names do not resolve at all: see `api::offered`.
pub(crate) fn nameless<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: std::error::Error + Send + Sync + 'static,
{
    let SdkError::DispatchFailure(_) = error else { return false };
    let told = DisplayErrorContext(error).to_string();
    told.contains("Name or service not known") || told.contains("nodename nor servname provided")
}

/// The first error of type `T` in the chain of sources.
fn cause<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        at = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, status: u16, expect: ErrorClass) {
        assert_eq!(classify(code, "", status), expect, "{code}");
    }

    #[test]
    fn missing_things_are_gone() {
        for code in [
            "NoSuchEntity",
            "NoSuchBucket",
            "NoSuchPublicAccessBlockConfiguration",
            "InvalidVpcID.NotFound",
            "InvalidGroup.NotFound",
            "ResourceNotFoundException",
            "NotFoundException",
            "DBInstanceNotFound",
            "LoadBalancerNotFound",
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
            "NotFound",
            "PolicyNotAttachedException",
        ] {
            check(code, 400, ErrorClass::Gone);
        }
    }

    #[test]
    fn refusals_are_denied() {
        for code in [
            "AccessDenied",
            "AccessDeniedException",
            "AccessDeniedForDependencyException",
            "UnauthorizedOperation",
            "ExplicitDeny",
            "AuthorizationError",
            "KMSAccessDeniedException",
        ] {
            check(code, 400, ErrorClass::Denied);
        }
        check("403", 403, ErrorClass::Denied);
    }

    #[test]
    fn new_accounts_and_closed_regions_are_not_ready() {
        for code in [
            "OptInRequired",
            "SubscriptionRequiredException",
            "PendingVerification",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "AuthFailure",
        ] {
            check(code, 403, ErrorClass::NotReady);
        }
    }

    #[test]
    fn throttles_are_told_from_quotas() {
        for code in
            ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"]
        {
            check(code, 400, ErrorClass::Throttled);
        }
        check("LimitExceeded", 409, ErrorClass::Invalid);
        check("VpcLimitExceeded", 400, ErrorClass::Invalid);
    }

    #[test]
    fn things_in_the_way_are_conflicts() {
        for code in [
            "DependencyViolation",
            "ResourceInUse",
            "ResourceInUseException",
            "VolumeInUse",
            "InvalidGroup.InUse",
            "DeleteConflict",
            "ConcurrentModificationException",
            "ConcurrentModification",
            "ConflictException",
            "ResourceConflictException",
            "OperationAborted",
            "OperationAbortedException",
            "BucketNotEmpty",
            "RepositoryNotEmptyException",
            "InvalidDBInstanceState",
            "IncorrectInstanceState",
            "InvalidClusterState",
            "InvalidReplicationGroupState",
            "InvalidResourceStateException",
        ] {
            check(code, 400, ErrorClass::Conflict);
        }
        check("AWSOrganizationsNotInUseException", 400, ErrorClass::Other);
    }

    #[test]
    fn repetitions_find_it_existing() {
        for code in [
            "EntityAlreadyExists",
            "ResourceAlreadyExistsException",
            "BucketAlreadyOwnedByYou",
            "DuplicateRecordException",
            "DuplicatePolicyAttachmentException",
            "InvalidPermission.Duplicate",
            "PolicyTypeAlreadyEnabledException",
            "DefaultVpcAlreadyExists",
            "TrailAlreadyExistsException",
            "AccountRegisteredException",
            "AccountAlreadyRegisteredException",
        ] {
            check(code, 400, ErrorClass::Exists);
        }
    }

    #[test]
    fn wrong_requests_are_invalid() {
        for code in ["ValidationException", "ValidationError", "InvalidParameterValue", "MalformedPolicyDocument"] {
            check(code, 400, ErrorClass::Invalid);
        }
    }

    #[test]
    fn status_decides_where_the_code_does_not() {
        check("", 503, ErrorClass::Transient);
        check("Weird", 500, ErrorClass::Transient);
        check("Weird", 400, ErrorClass::Other);
        check("", 501, ErrorClass::Unavailable);
        check("TypeNotFoundException", 400, ErrorClass::Unavailable);
    }

    #[test]
    fn stack_that_does_not_exist_is_gone() {
        assert_eq!(classify("ValidationError", "Stack with id x does not exist", 400), ErrorClass::Gone);
        assert_eq!(classify("ValidationError", "Template format error", 400), ErrorClass::Invalid);
    }
}

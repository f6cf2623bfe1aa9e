//! What went wrong with a call, sorted once by what the caller can do about it.

use crate::types::{AccountId, Region};

/// What a caller can do about a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// The thing is not there (any more): for a delete this is success.
    Gone,
    /// Not allowed: by IAM, an SCP, a resource policy, or because the role cannot be assumed.
    Denied,
    /// Too many requests; the SDK's own retries are used up.
    Throttled,
    /// The account, region or service is not activated yet: `OptInRequired`, `SubscriptionRequiredException` and kin.
    NotReady,
    /// Something else holds it or is in the way: `DependencyViolation`, `ResourceInUse`, `ConcurrentModification`.
    Conflict,
    /// It exists already.
    Exists,
    /// The request itself is wrong; a repetition will fail in the same way.
    Invalid,
    /// The service does not know the operation, or is not offered in the region.
    Unavailable,
    /// A 5xx, a timeout, a broken connection: may pass.
    Transient,
    /// None of these.
    Other,
}

/// A failed AWS call. The message names the operation, the place, AWS's own words and the request id.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{service}:{operation} in {account}/{region}: {}{message}{}", Shown(code, ": "), Request(request_id))]
pub struct CallError {
    /// What the caller can do.
    pub class: ErrorClass,
    /// The service by its SDK name (`ec2`, `s3control`).
    pub service: String,
    /// The operation (`DescribeVpcs`).
    pub operation: String,
    /// The account the call was made in.
    pub account: AccountId,
    /// The region the call was made in.
    pub region: Region,
    /// AWS's error code, where there was an answer.
    pub code: Option<String>,
    /// AWS's message, or what happened instead of an answer.
    pub message: String,
    /// AWS's request id, for a support case.
    pub request_id: Option<String>,
}

impl CallError {
    /// Whether the call failed because the thing is not there.
    pub fn is_gone(&self) -> bool {
        self.class == ErrorClass::Gone
    }

    /// Whether a later repetition may succeed without anyone changing anything.
    pub fn may_pass(&self) -> bool {
        matches!(
            self.class,
            ErrorClass::Throttled | ErrorClass::NotReady | ErrorClass::Conflict | ErrorClass::Transient
        )
    }

    /// Whether AWS answered with this error code.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether AWS gave this reason, where one code stands for many (`ConstraintViolationException`).
    pub fn has_reason(&self, reason: &str) -> bool {
        self.message.split(':').next() == Some(reason)
    }
}

struct Shown<'a>(&'a Option<String>, &'static str);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |text| write!(f, "{text}{}", self.1))
    }
}

struct Request<'a>(&'a Option<String>);

impl std::fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |id| write!(f, " (request {id})"))
    }
}

//! What every function is: a job that takes one message and reports. The Lambda edge and `forester events replay`
//! drive the same jobs.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::event::{BadEvent, Message};

/// The circumstances of one invocation.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The Lambda request id, or one made up by the command line.
    pub request_id: String,
    /// When the work on this message began: the `now` of everything it plans.
    pub started: Timestamp,
    /// When the platform will stop it; work must be saved before.
    pub deadline: Timestamp,
}

/// One function's work.
#[async_trait]
pub trait Job: Send + Sync {
    /// Handles one message and returns the report that goes to the caller and into the log.
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure>;
}

/// Why a message was not handled. The variant is what the platform and the reader of the alarm can do about it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The message is not for this function or cannot be read; a repetition will not help, so it goes to the
    /// dead-letter queue.
    #[error(transparent)]
    BadEvent(#[from] BadEvent),
    /// The configuration or the environment is wrong.
    #[error("{0}")]
    Config(String),
    /// AWS refused; somebody has to grant something.
    #[error("{0}")]
    Denied(String),
    /// May pass by itself.
    #[error("{0}")]
    Retryable(String),
    /// Part of the work is done, part is not; the rest is named.
    #[error("{0}")]
    Partial(String),
}

impl Failure {
    /// The word in logs, metrics and the Lambda error type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadEvent(_) => "BadEvent",
            Self::Config(_) => "Config",
            Self::Denied(_) => "Denied",
            Self::Retryable(_) => "Retryable",
            Self::Partial(_) => "Partial",
        }
    }
}

impl From<crate::aws::CallError> for Failure {
    fn from(error: crate::aws::CallError) -> Self {
        use crate::aws::ErrorClass;
        match error.class {
            ErrorClass::Denied => Self::Denied(error.to_string()),
            _ => Self::Retryable(error.to_string()),
        }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Retryable(error.to_string())
    }
}

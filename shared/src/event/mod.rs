//! The only place that knows event envelopes: what arrived, bare or inside SQS and SNS, becomes `Message`s.
//!
//! Typed details of `aws_lambda_events` refuse real events (root console logins, composite alarms), so only its
//! envelopes are used; each capability reads the inner document leniently.

mod envelope;
mod subscription;

pub use envelope::{Batch, Message, open};

/// An event that its function cannot take. It is kept (failed batch item, dead-letter queue) and never retried blindly.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("this event is not one for this function: {problem}; expected {expected}")]
pub struct BadEvent {
    /// What was found.
    pub problem: String,
    /// What would have been taken.
    pub expected: &'static str,
}

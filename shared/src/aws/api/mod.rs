//! The model-driven client: any operation of any service in `shared/models`, as `call("ec2", "DescribeVpcs", params)`.
//!
//! It is the official SDK runtime (smithy's orchestrator: signing, retries, timeouts, credentials) with requests and
//! answers shaped by AWS's own service models. One typed crate a service would mean sixty crates, and `aws-sdk-ec2`
//! alone takes gigabytes to compile; an operation here costs about a kilobyte.

mod checksum;
mod client;
mod endpoint;
mod errors;
mod model;
mod offered;
mod pace;
mod page;
mod parse;
pub mod probe;
mod quirks;
mod s3;
mod serialize;
#[cfg(test)]
mod tests;
mod time;
mod validate;

pub(crate) use client::{Client, Permits};
pub(crate) use pace::Paces;
pub(crate) use time::parse_text as moment;

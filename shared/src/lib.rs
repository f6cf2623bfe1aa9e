//! Forester: the library behind every Lambda function and the `forester` command.
//!
//! Arrows point down only:
//!
//! ```text
//! functions, cli        wire, and nothing else
//!   live                functions whose file changes while they serve
//!   forester  file      Forester: the parts, wired from settings and the file
//!   handover            how a reset ends in the baseline
//!   function            the Lambda edge: batches, failures, logs
//!   baseline  reset  alert      the capabilities; they do not know each other
//!   org  config  event  store   what the capabilities decide on
//!   aws                 the only place that talks to AWS
//!   types  cis  pattern  telemetry   ids, regions, ARNs; the CIS benchmark; filter patterns; logs and metrics
//! ```
#![warn(missing_docs)]

pub mod alert;
pub mod aws;
pub mod baseline;
pub mod cis;
pub mod config;
pub mod event;
mod file;
mod forester;
pub mod function;
mod handover;
pub mod job;
mod live;
pub mod org;
pub mod pattern;
pub mod reset;
pub mod store;
pub mod telemetry;
pub mod types;

pub use file::Unreadable;
pub use forester::{Forester, Settings, SettingsError, StartError};
pub use handover::Unwired;
pub use live::{Refused, run};

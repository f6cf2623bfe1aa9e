//! The only place that talks to AWS: ports that the rest of the library sees, adapters behind them.
//!
//! Member accounts are reached by a model-driven client (`api`), because breadth counts there; the control plane's
//! fixed handful of calls goes through typed SDK crates, a file each.

mod accounts;
pub mod api;
pub mod budgets;
mod classify;
mod count;
pub mod dynamodb;
mod error;
#[cfg(test)]
mod loopback;
pub mod organizations;
mod port;
mod sdk;
pub mod sns;
pub mod sqs;

pub use accounts::{AccessRoles, Entry, SdkAccounts, Width};
pub use classify::{CallSite, failed};
pub use count::Counter;
pub use error::{CallError, ErrorClass};
pub use port::{Accounts, Call, Meter, RootTask, Scope};
pub use sdk::{Patience, Sdk};

//! Alerts: budget notifications, CloudWatch alarms, cost anomalies and CloudTrail events, to the people concerned.
//!
//! read (`sources`) -> observe (`enrich`, `causes`) -> plan (`route`, `incident`, `plan`) -> apply (`router` writes the
//! outbox) -> deliver (`delivery`, `channels`). Everything up to the plan is pure or only reads, so `alerts explain`
//! shows what would happen without doing it.

mod budget_facts;
mod causes;
pub mod channels;
mod cis;
mod claim;
mod delivery;
mod digest;
mod enrich;
mod episodes;
mod explain;
#[cfg(test)]
mod fakes;
mod heartbeat;
mod incident;
mod lint;
mod model;
mod noise;
mod outbox;
mod paths;
mod plan;
mod recent;
mod record;
mod route;
mod router;
mod rules;
mod settle;
mod sources;
mod spending;
mod text;
mod window;

pub use delivery::Deliverer;
pub use enrich::World;
pub use explain::explain;
pub use incident::Turn;
pub use lint::{Finding, Lint};
pub use model::{Alert, Evidence, Fact, Identity, Link, Severity, Status};
pub use noise::Noise;
pub use outbox::{Delivery, State, Ticket};
pub use plan::Plan;
pub use route::{Decision, Taken};
pub use router::Router;
pub use settle::Out;
pub use sources::{Incoming, SOURCES, Source, detect};
pub use spending::{Confirmation, Spending};
pub use text::Text;

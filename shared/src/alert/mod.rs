//! Alerts: budget notifications, CloudWatch alarms, cost anomalies and CloudTrail events, to the people concerned.
//!
//! read (`sources`) -> observe (`enrich`, `causes`) -> plan (`route`, `incident`, `plan`) -> apply (`router` writes the
//! outbox) -> deliver (`delivery`, `channels`). Everything up to the plan is pure or only reads, so `alerts explain`
//! shows what would happen without doing it.

mod ack;
mod actions;
mod again;
mod budget_facts;
mod causes;
pub mod channels;
mod cis;
mod claim;
mod course;
mod delivery;
mod digest;
mod enrich;
mod episodes;
mod errands;
mod explain;
#[cfg(test)]
mod fakes;
mod found;
mod heartbeat;
mod hold;
mod incident;
mod inhibit;
mod instead;
pub mod ladder;
mod lint;
mod model;
mod new_region;
mod noise;
mod open;
mod outbox;
mod owner;
mod paths;
mod plan;
mod recent;
mod record;
mod redrive;
mod route;
mod router;
mod rules;
mod settle;
pub mod silence;
mod sources;
mod spending;
mod sweep;
mod tally;
mod text;
mod timer;
mod waiting;
mod watch;
mod window;

pub use ack::Taken as Acknowledgement;
pub use actions::Actions;
pub use delivery::{Clock, Deliverer};
pub use enrich::World;
pub use explain::explain;
pub use incident::{Acknowledged, Incident, Place, Turn};
pub use instead::Instead;
pub use lint::{Finding, Lint};
pub use model::{Alert, Evidence, Extent, Fact, Identity, Link, Severity, Status};
pub use noise::Noise;
pub use open::{Dead, Owed};
pub use outbox::{Delivery, State, Ticket};
pub use plan::Plan;
pub use redrive::resend;
pub use route::{Decision, Taken, Terms};
pub use router::Router;
pub use settle::Out;
pub use sources::{Incoming, SOURCES, Source, detect};
pub use spending::{Confirmation, Spending};
pub use text::Text;
pub use watch::{Standing, Watched};

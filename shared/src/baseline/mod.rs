//! Baselines: every account brought to what is declared for it, and kept there.
//!
//! `observe` reads, `plan` decides, `apply` writes; each aspect does its part of the three in a file of its own
//! (`aspects/`). An event only says which account to look at: what is true is read from AWS, so lost, repeated and
//! disordered events do no harm.

mod apply;
mod aspect;
mod aspects;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod fake;
mod job;
mod ledger;
mod lock;
mod notice;
mod observe;
mod plan;
#[cfg(test)]
mod properties;
mod readiness;
mod request;
mod rounds;
mod service;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub use apply::{Failed, Hands, Report, Skipped, apply};
pub use aspect::{Aspect, Look, Place, Planned, StepError, Taken, Target, Unmet, part};
pub use aspects::{ASPECTS, Action, Facts, Kind, declared_names, declared_roles};
pub use job::BaselineJob;
pub use ledger::{Ledger, State};
pub use notice::{Notice, Notices, Unheard};
pub use observe::{Part, Seen, observe};
pub use plan::{Kept, Plan, PlanError, Step, Waiting, plan};
pub use request::{BaselineRequest, Errand};
pub use rounds::Outcome;
pub use service::{Baseline, Prepared};

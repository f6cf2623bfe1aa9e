//! Resets: empties a sandbox account in every region, proves that it is empty, and hands it to the baseline.
//!
//! ```text
//! guard      may this account be emptied at all? (before every slice)
//! slice      loads the checkpoint, drives the machine until the time is up, saves
//! freeze     keeps everybody else out while a run lasts; quarantine: after runs that failed
//! recreate   closes the account and makes another one in its place
//! drive      keeps many questions of the machine open at once
//! machine    asks and takes answers; order and progress decide, board knows what can be done now, state is the checkpoint
//! engine     answers: discover lists, steps, batches and hooks delete
//! catalogue  the types, as data
//! verdict    the ledger and what it proves
//! notice     who is told before, and what (letter); snooze: how it is put off
//! ending     costs, receipt (json, csv, html), and the letter after
//! people     the way to them, a port
//! ```

mod batch;
mod board;
mod book;
pub mod catalogue;
mod cloudcontrol;
mod contents;
#[cfg(test)]
mod contents_tests;
mod cost;
mod csv;
mod diary;
mod discover;
mod drive;
mod due;
mod ending;
mod engine;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod fake_beyond;
#[cfg(test)]
mod fake_organization;
mod flight;
mod freeze;
#[cfg(test)]
mod freeze_tests;
mod guard;
mod hold;
mod hooks;
mod html;
mod item;
mod job;
mod letter;
mod machine;
mod notice;
mod oracle;
mod order;
mod people;
mod plan;
mod progress;
mod protect;
mod quarantine;
mod receipt;
mod recreate;
mod rule;
#[cfg(test)]
mod rule_tests;
mod scp;
mod slice;
mod snooze;
mod state;
mod steps;
mod task;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_beyond;
#[cfg(test)]
mod tests_engine;
#[cfg(test)]
mod tests_faults;
mod unread;
mod verdict;
mod words;

pub use book::{Book, Head};
pub use cost::{Asked, Bill, Cost, Fate, NotKnown, ServiceCost, Spend, money, spend};
pub use csv::table;
pub use diary::{Diary, Moment, Told, Went};
pub use due::{Due, DueAccount, Skipped};
pub use engine::{Baseliner, Declared, EngineError};
pub use guard::Refusal;
pub use hold::{Hold, NoHold};
pub use html::page;
pub use notice::{NoticeReport, Outcome, Upcoming};
pub use oracle::{Heard, HeardAs, Uncovered};
pub use people::{Letter, Nobody, People};
pub use plan::{PlanReport, Planned, Unseen};
pub use protect::{Reserved, problems};
pub use quarantine::{Held, Standing};
pub use receipt::{GoneLine, KeptLine, Receipt};
pub use recreate::Pooled;
pub use scp::carries_our_tag;
pub use slice::{Clock, Next, Order, Reset, SliceError, SliceReport};
pub use snooze::{NoSnooze, PutOff, Snoozed, Snoozes, Wish, day};
pub use state::{End, Handover, Run};
pub use verdict::{LeftLine, Line, State, Verdict};

//! What a scan finds, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::catalogue::path::Facts;
use super::catalogue::{SpareAs, TypeName};
use super::cloudcontrol::Request;
use crate::types::Region;

/// What stands for the region of global types in ledgers and reports.
pub const GLOBAL: &str = "global";

/// One (region, type) of an account: the unit of a scan and of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellKey {
    /// A region code, or `global`.
    pub region: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: TypeName,
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemKey {
    /// Where it was listed.
    pub cell: CellKey,
    /// What makes it this one.
    pub id: String,
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cell.kind, self.id)
    }
}

/// A resource as a scan found it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Which one.
    pub key: ItemKey,
    /// The region that calls about it go to.
    pub region: Region,
    /// What people call it.
    pub name: String,
    /// Its ARN, where it has one.
    pub arn: Option<String>,
    /// Its tags; the error says why they could not be read.
    pub tags: Result<BTreeMap<String, String>, String>,
    /// When it was made, as AWS writes it.
    pub created: Option<String>,
    /// A time at or after that, as AWS writes it, where nothing better is told.
    #[serde(default)]
    pub changed: Option<String>,
    /// The region that it is in, or `global`; the error says why that is not known.
    #[serde(default = "unplaced")]
    pub place: Result<String, String>,
    /// Why it is left alone in any case.
    pub spare: Option<SpareAs>,
    /// Why nobody can delete it, if so.
    #[serde(default)]
    pub undeletable: Option<String>,
    /// Another account owns it.
    pub foreign: bool,
    /// A default that can be brought back to bare.
    pub trimmable: bool,
    /// The ids, names and ARNs of what it cannot do without.
    pub needs: BTreeSet<String>,
    /// The ids and ARNs of what it belongs to.
    pub with: BTreeSet<String>,
    /// What it holds: type and physical id of each.
    #[serde(default)]
    pub contents: BTreeSet<String>,
    /// Why what it holds could not be read, if so.
    #[serde(default)]
    pub unread: Option<String>,
    /// That was because it may not be read.
    #[serde(default)]
    pub barred: bool,
    /// What its steps need.
    pub facts: Facts,
}

fn unplaced() -> Result<String, String> {
    Err("its region was not read".to_owned())
}

/// The answer to one list.
#[derive(Clone, Debug, PartialEq)]
pub enum Listing {
    /// Everything, to the last page.
    Items(Vec<Found>),
    /// Not allowed: nothing is known.
    Denied(String),
    /// The service is not offered in the region, or not to this account: there can be nothing.
    Unavailable(String),
    /// It failed: nothing is known.
    Failed {
        /// What happened.
        reason: String,
        /// Whether a repetition may succeed.
        may_pass: bool,
    },
}

/// What is to become of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It goes.
    Delete,
    /// It cannot go, and is brought back to bare.
    Trim,
    /// It stays, and that is worth telling.
    Keep(String),
    /// It is not a thing of its own: gone already, a part, a default, AWS's.
    Ignore(SpareAs),
    /// Not enough is known to decide, so it stays, and the run is not clean.
    Unknown(String),
    /// The same, and all that is wrong is that somebody may not look.
    Barred(String),
}

/// What became of one attempt at a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is gone.
    Gone,
    /// AWS is deleting it; a list will tell.
    Accepted,
    /// A request is under way.
    Requested {
        /// By which it is followed.
        request: Request,
        /// When AWS wants to be asked again.
        until: Option<Timestamp>,
    },
    /// The steps before the delete are done.
    Prepared,
    /// More is to be done at once; something was achieved.
    More,
    /// A call for many did not delete it: it is tried alone.
    Alone,
    /// Not now; may pass.
    Later(String),
    /// Something holds it.
    Blocked {
        /// AWS's words.
        reason: String,
        /// What holds it, as far as it can be told: ids, and what they say of themselves.
        holders: Vec<Holder>,
    },
    /// It has to stay, because something that is kept needs it.
    Kept(String),
    /// Not allowed.
    Denied(String),
    /// It cannot be deleted by anybody (for now).
    Undeletable(String),
    /// It failed, and would fail again.
    Failed(String),
}

/// What holds a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Ids by which it may be known to the run.
    pub ids: Vec<String>,
    /// For people.
    pub text: String,
}

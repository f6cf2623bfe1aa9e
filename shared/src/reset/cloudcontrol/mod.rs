//! Cloud Control: one API that lists and deletes resources of more than a thousand types, for what has no entry in the
//! catalogue. It is slow and its rate is low, so it comes second, and only where a witness saw the service in use.
//!
//! A type becomes a [`Kind`] like any other, so that the run, the ledger and the rules make no difference; what differs is
//! how it is listed (`list`, and `below` where a list needs a parent), and that a delete is a request with a token,
//! followed across slices (`delete`). Which types there are is known from facts that come along (`known`), and what is
//! newer than these is learned from CloudFormation's registry (`registry`).
//! <https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/what-is-cloudcontrolapi.html>
//!
//! [`Kind`]: super::catalogue::Kind

mod below;
mod delete;
mod known;
mod list;
mod registry;
mod schema;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::TypeName;

pub use below::{Above, Told};
pub use delete::delete;
pub use known::{Known, kinds};
pub use list::CloudLister;
pub use registry::{Registry, Wish};

/// What is particular to a type that Cloud Control lists.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// What the list must be given: each of these values in turn; `{account}` stands for the account.
    pub given: BTreeMap<String, Vec<String>>,
    /// What the list must be given of each resource of another type.
    pub below: Option<Below>,
    /// Why it cannot be listed, where that is known.
    pub nameless: Option<String>,
    /// Patterns of identifiers that are defaults or AWS's own.
    pub spare: Vec<globset::GlobMatcher>,
}

/// The resources that a type is listed below, one list for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Below {
    /// What the list calls the one that it is below: `ApiId`.
    pub param: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TypeName,
}

/// What was asked of Cloud Control about one resource, and has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// By which its state is asked for. AWS keeps it for seven days.
    pub token: String,
    /// What was asked.
    pub doing: Doing,
    /// A protection was lifted before.
    pub lifted: bool,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// A protection is lifted.
    Lift,
    /// The resource is deleted.
    Delete,
}

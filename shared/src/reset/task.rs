//! One thing to do, with everything that it takes: a task outlives the moment at which the run gave it out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::catalogue::{Catalogue, TypeName};
use super::item::ItemKey;
use super::state::{Run, Seen, Work};

/// One thing to do to one resource, or to several at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What.
    pub action: Action,
    /// To which; all of one cell.
    pub items: Vec<(ItemKey, Work)>,
    /// What else counts.
    pub around: Arc<Around>,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The steps before the delete.
    Prepare,
    /// The delete, with what comes before it where that is not done.
    Delete,
    /// The delete of many in one call.
    Batch,
    /// Bringing it back to bare.
    Trim,
}

/// What a task must know of the rest of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// Types and names of what is kept, and of what has to be.
    pub kept: BTreeSet<(TypeName, String)>,
    /// Types of which some list could not be read: which of them are kept is not known.
    pub unread: BTreeSet<TypeName>,
    /// The most objects of one bucket that are deleted one by one.
    pub objects: u64,
    /// What tells this round of this run from all others: requests made twice by accident are one by it.
    pub seed: String,
}

impl Around {
    /// As the run stands.
    pub fn of(run: &Run, catalogue: &Catalogue) -> Self {
        // What people call it may be its `Name` tag; other resources refer to it by its id.
        let kept = run.kept.iter().flat_map(|(found, _)| {
            [&found.name, &found.key.id].map(|name| (found.key.cell.kind.clone(), name.clone()))
        });
        let reserved = run.reserved.iter().map(|reserved| (reserved.kind.clone(), reserved.name.clone()));
        let unread = run.cells.iter().filter(|(_, cell)| !matches!(cell.seen, Seen::Listed | Seen::Unavailable(_)));
        let unread = unread.map(|(key, _)| key.kind.clone()).filter(|kind| catalogue.kind(kind).is_some());
        Self {
            kept: kept.chain(reserved).collect(),
            unread: unread.collect(),
            objects: run.options.objects,
            seed: format!("{}/{}", run.id, run.scans),
        }
    }
}

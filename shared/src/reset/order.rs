//! What stands before what: by type where that is all that is known, item by item where the facts tell.
//!
//! Item by item is only safe where coming too early costs one refused call. EC2 refuses to delete what is in use
//! (`DependencyViolation`, `VolumeInUse`), so its types wait only for what names them. A role, on the other hand, is
//! deleted without a word while something still needs it, so everything else waits for whole types.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::catalogue::{Catalogue, Kind, Phase, TypeName};
use super::item::{CellKey, Found, GLOBAL, ItemKey};
use super::state::Work;

/// What must go before what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edges {
    /// Items, by number.
    pub items: BTreeSet<(usize, usize)>,
    /// Cells.
    pub cells: BTreeSet<(CellKey, CellKey)>,
}

/// When a type's turn is: what is paid by the hour goes with what makes other things again, before all else.
pub fn rank(kind: &Kind) -> Phase {
    if kind.hourly { Phase::Rebuilders } else { kind.phase }
}

/// Whether AWS refuses to delete an item of this type as long as something uses it.
pub fn is_forgiving(kind: &Kind) -> bool {
    kind.service == "ec2"
}

/// Whether two regions touch: global things touch everything.
fn near(one: &str, other: &str) -> bool {
    one == other || one == GLOBAL || other == GLOBAL
}

/// The ids of those others that each item names, by id, ARN or name; for items that name any. `known` are ids of what
/// goes beside these.
pub fn refs<'f>(
    doomed: impl Iterator<Item = &'f Found> + Clone,
    known: impl Iterator<Item = &'f str>,
) -> Vec<(ItemKey, Vec<String>)> {
    let told = |found: &'f Found| found.needs.iter().chain(&found.with).map(String::as_str);
    let wanted: HashSet<&str> = doomed.clone().flat_map(told).collect();
    let mut ids: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for id in known.filter(|id| wanted.contains(id)) {
        ids.entry(id).or_default().insert(id);
    }
    for found in doomed.clone() {
        let names = [Some(found.key.id.as_str()), found.arn.as_deref(), Some(found.name.as_str())];
        for name in names.into_iter().flatten().filter(|name| wanted.contains(name)) {
            ids.entry(name).or_default().insert(&found.key.id);
        }
    }
    let of = |found: &'f Found| -> Vec<String> {
        let named: BTreeSet<&str> = told(found).filter_map(|name| ids.get(name)).flatten().copied().collect();
        named.into_iter().filter(|id| *id != found.key.id).map(str::to_owned).collect()
    };
    doomed.map(|found| (found.key.clone(), of(found))).filter(|(_, refs)| !refs.is_empty()).collect()
}

/// The edges among what is still open.
pub fn edges(work: &BTreeMap<ItemKey, Work>, catalogue: &Catalogue) -> Edges {
    let mut edges = Edges::default();
    let told = between_items(work, catalogue, &mut edges.items);
    let cells: BTreeSet<&CellKey> = work.iter().filter(|(_, work)| work.open()).map(|(key, _)| &key.cell).collect();
    let mut by_kind: BTreeMap<&TypeName, Vec<&CellKey>> = BTreeMap::new();
    cells.iter().for_each(|cell| by_kind.entry(&cell.kind).or_default().push(cell));
    for then in &cells {
        edges.cells.extend(before_last(then, &cells, catalogue));
        let before = catalogue.after(&then.kind).filter_map(|kind| by_kind.get(kind)).flatten();
        let before = before.filter(|first| near(&first.region, &then.region) && !told.contains(&(**first, *then)));
        edges.cells.extend(before.map(|first| ((*first).clone(), (*then).clone())));
    }
    edges
}

/// What goes last waits for everything near, except for what waits for it.
fn before_last(then: &CellKey, cells: &BTreeSet<&CellKey>, catalogue: &Catalogue) -> Vec<(CellKey, CellKey)> {
    let is_last = |kind: &TypeName| catalogue.kind(kind).is_some_and(|kind| kind.last);
    if !is_last(&then.kind) {
        return Vec::new();
    }
    let mut waiting = BTreeSet::from([&then.kind]);
    loop {
        let known = waiting.len();
        let waits = |cell: &&&CellKey| catalogue.after(&cell.kind).any(|first| waiting.contains(first));
        let more: Vec<&TypeName> = cells.iter().filter(waits).map(|cell| &cell.kind).collect();
        waiting.extend(more);
        if waiting.len() == known {
            break;
        }
    }
    let first =
        |cell: &&&CellKey| near(&cell.region, &then.region) && !is_last(&cell.kind) && !waiting.contains(&cell.kind);
    cells.iter().filter(first).map(|first| ((*first).clone(), then.clone())).collect()
}

/// Edges from item to item. Returns the pairs of cells whose facts tell: where one item names another, all do.
fn between_items<'w>(
    work: &'w BTreeMap<ItemKey, Work>,
    catalogue: &Catalogue,
    into: &mut BTreeSet<(usize, usize)>,
) -> BTreeSet<(&'w CellKey, &'w CellKey)> {
    let open = || work.iter().filter(|(_, work)| work.open());
    let named: BTreeSet<&str> = open().flat_map(|(_, work)| &work.refs).map(String::as_str).collect();
    let mut by_id: HashMap<&str, Vec<(&ItemKey, &Work)>> = HashMap::new();
    for (key, work) in open().filter(|(key, _)| named.contains(key.id.as_str())) {
        by_id.entry(&key.id).or_default().push((key, work));
    }
    let goes_first = |first: &ItemKey, then: &ItemKey| {
        catalogue.kind(&then.cell.kind).is_some_and(is_forgiving)
            && catalogue.after(&then.cell.kind).any(|kind| *kind == first.cell.kind)
    };
    let mut told = BTreeSet::new();
    for (one, one_work) in open() {
        let others = one_work.refs.iter().filter_map(|id| by_id.get(id.as_str())).flatten();
        for (other, other_work) in others.filter(|(other, _)| near(&one.cell.region, &other.cell.region)) {
            for ((first, first_work), (then, then_work)) in
                [((one, one_work), (*other, *other_work)), ((*other, *other_work), (one, one_work))]
            {
                if goes_first(first, then) {
                    into.insert((first_work.number, then_work.number));
                    told.insert((&first.cell, &then.cell));
                }
            }
        }
    }
    told
}

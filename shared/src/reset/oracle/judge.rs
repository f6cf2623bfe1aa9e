//! How a run takes in what witnesses say.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::coverage::Coverage;
use super::names::Names;
use super::{HeardAs, Inquiry, Shown, Testimony, Uncovered, Use};
use crate::config::{CloudControl, Witness, Witnesses};
use crate::reset::catalogue::{Catalogue, TypeName};
use crate::reset::cloudcontrol::{Registry, Wish};
use crate::reset::freeze::note;
use crate::reset::item::{CellKey, GLOBAL};
use crate::reset::machine::later;
use crate::reset::state::{Run, Stage};
use crate::types::Region;

/// How often witnesses are asked after the last scan: they forget late.
const HEARINGS: u32 = 3;

impl Run {
    /// Whether anybody is asked at all.
    pub(in crate::reset) fn asks_witnesses(&self) -> bool {
        !self.options.witnesses.ask.is_empty()
    }

    /// Where Cloud Control is to list is known; what it can list, if the registry has nothing to add.
    pub(in crate::reset) fn chosen(&mut self, catalogue: &Catalogue) {
        self.choose(catalogue);
        self.enter(if self.wish(catalogue).is_open() { Stage::Learning } else { Stage::Scanning });
    }

    /// What the registry is asked for: types of the services that Cloud Control is to list.
    pub(in crate::reset) fn wish(&self, catalogue: &Catalogue) -> Wish {
        let used = || {
            let uses = self.testimony.uses.iter().filter(|seen| guides(catalogue, seen));
            uses.flat_map(|seen| Names::embedded().prefixes(&seen.service)).map(str::to_owned).collect()
        };
        let services = match self.options.cloud_control {
            CloudControl::Off => Some(BTreeSet::new()),
            CloudControl::All => None,
            CloudControl::Used => Some(used()),
        };
        Wish { services, registry: self.registry.clone() }
    }

    /// What the registry said: what it does not know stays known, and where it did not answer that is told.
    pub(in crate::reset) fn learned(&mut self, catalogue: &Catalogue, registry: Registry) {
        if let Some(remark) = registry.remark() {
            note(&mut self.remarks, &remark);
        }
        self.registry = registry;
        self.choose(&catalogue.with(&self.registry));
        self.enter(Stage::Scanning);
    }

    /// Where Cloud Control is to list, by what the witnesses said: cells are added, never taken away.
    fn choose(&mut self, catalogue: &Catalogue) {
        let mut chosen = BTreeSet::new();
        match self.options.cloud_control {
            CloudControl::Off => {}
            CloudControl::All => {
                chosen.extend(catalogue.beyond().flat_map(|kind| self.places(kind.global, None, &kind.name)));
            }
            CloudControl::Used => {
                for seen in self.testimony.uses.iter().filter(|seen| guides(catalogue, seen)) {
                    let prefixes: BTreeSet<&str> = Names::embedded().prefixes(&seen.service).collect();
                    let kinds = catalogue.beyond().filter(|kind| prefixes.contains(kind.name.service()));
                    chosen.extend(kinds.flat_map(|kind| self.places(kind.global, seen.region.as_deref(), &kind.name)));
                }
            }
        }
        self.with_parents(catalogue, &mut chosen);
        self.beyond.extend(chosen.iter().map(|cell| cell.kind.clone()));
        for cell in chosen {
            self.cells.entry(cell).or_default();
        }
        let unguided = self.options.cloud_control == CloudControl::Used && self.asks_witnesses();
        if unguided && self.testimony.heard.iter().all(|heard| heard.answer != HeardAs::Answered) {
            let nobody = "no witness could be asked what is in use, so types without an entry were looked for nowhere";
            note(&mut self.notes, nobody);
        }
    }

    /// What things are listed below is listed with them: where one of those is kept, they are.
    fn with_parents(&self, catalogue: &Catalogue, chosen: &mut BTreeSet<CellKey>) {
        let mut next: Vec<CellKey> = chosen.iter().cloned().collect();
        while let Some(cell) = next.pop() {
            let control = catalogue.kind(&cell.kind).and_then(|kind| kind.control.as_ref());
            let parent = control.and_then(|control| catalogue.kind(&control.below.as_ref()?.kind));
            let Some(parent) = parent.filter(|parent| parent.control.is_some()) else { continue };
            let cells = self.places(parent.global, Some(&cell.region), &parent.name);
            next.extend(cells.into_iter().filter(|cell| chosen.insert(cell.clone())));
        }
    }

    /// The cells of a type: the region that a witness named, or all of them where it named none.
    fn places(&self, global: bool, region: Option<&str>, kind: &TypeName) -> Vec<CellKey> {
        let cell = |region: &str| CellKey { region: region.to_owned(), kind: kind.clone() };
        if global {
            return vec![cell(GLOBAL)];
        }
        let named = region.and_then(|region| region.parse::<Region>().ok());
        let meant = |region: &&Region| named.as_ref().is_none_or(|named| named == *region);
        self.regions.iter().filter(meant).map(|region| cell(region.as_ref())).collect()
    }

    /// What is asked before the scans, or after the last one: then of those who know single resources.
    pub(in crate::reset) fn inquiry(&self, last: bool, now: Timestamp) -> Inquiry {
        let Witnesses { ask, days } = self.options.witnesses.clone();
        let paid = |witness| witness == Witness::Costs && self.testimony.answered(witness);
        let wanted = |witness: &Witness| if last { knows_resources(*witness) } else { !paid(*witness) };
        let ask = ask.into_iter().filter(wanted).collect();
        let length = SignedDuration::from_hours(24 * i64::from(days));
        let since = now.checked_sub(length).unwrap_or(Timestamp::MIN);
        Inquiry { ask, regions: self.regions.clone(), since, now }
    }

    /// What was said before the scans. What was paid for before is not asked for again, and stays.
    pub(in crate::reset) fn heard_first(&mut self, catalogue: &Catalogue, testimony: Testimony) {
        let old = std::mem::replace(&mut self.testimony, testimony);
        if old.answered(Witness::Costs) && !self.testimony.answered(Witness::Costs) {
            self.testimony.heard.retain(|heard| heard.witness != Witness::Costs);
            self.testimony.heard.extend(old.heard.into_iter().filter(|heard| heard.witness == Witness::Costs));
            self.testimony.heard.sort_by_key(|heard| heard.witness);
            self.testimony.uses.extend(old.uses.into_iter().filter(|seen| seen.witness == Witness::Costs));
        }
        self.chosen(catalogue);
    }

    /// What is in use and not covered, once the lists were read. What some said before is not asked of those who have
    /// said since what is left.
    pub(in crate::reset) fn weigh(&mut self, catalogue: &Catalogue, said_since: &BTreeSet<Witness>) {
        let coverage = Coverage::new(self, catalogue);
        let uses = self.testimony.uses.iter().filter(|seen| !said_since.contains(&seen.witness));
        let found = uses.filter_map(|seen| Some(uncovered(seen, coverage.problem(seen)?)));
        self.uncovered = found.collect();
    }

    /// After the last scan: what is still shown, and is neither kept nor spared. Asked again while that may be lateness.
    pub(in crate::reset) fn heard_last(
        &mut self,
        catalogue: &Catalogue,
        testimony: Testimony,
        shown: &[Shown],
        now: Timestamp,
    ) {
        let answered = testimony.heard.iter().filter(|heard| heard.answer == HeardAs::Answered);
        let said_since: BTreeSet<Witness> = answered.map(|heard| heard.witness).collect();
        for heard in testimony.heard {
            self.testimony.heard.retain(|before| before.witness != heard.witness);
            self.testimony.heard.push(heard);
        }
        self.testimony.heard.sort_by_key(|heard| heard.witness);
        self.weigh(catalogue, &said_since);
        let (mut late, mut found, mut gone) = (BTreeSet::new(), BTreeSet::new(), 0);
        let coverage = Coverage::new(self, catalogue);
        for shown in shown.iter().filter(|shown| !self.explains(shown)) {
            // Who deleted it saw it go, and two scans since did not see it again: the witness is late.
            if self.saw_go(shown) {
                gone += 1;
                continue;
            }
            let seen = shown.as_use();
            match coverage.problem(&seen) {
                Some(reason) => _ = found.insert(uncovered(&seen, reason)),
                None => _ = late.insert(uncovered(&seen, "is still shown, though no list shows it any more")),
            }
        }
        self.hearings += 1;
        if !late.is_empty() && self.hearings < HEARINGS {
            return self.enter(Stage::Verifying(later(now, self.options.rescan_after.length())));
        }
        self.uncovered.extend(found.into_iter().chain(late));
        if gone > 0 {
            self.remarks.push(format!("{gone} of the things that went are still shown by a witness, which is late"));
        }
        self.enter(if self.wants_vpcs() { Stage::Vpcs } else { Stage::Baseline });
    }
}

/// Whether a use says that Cloud Control is worth its calls there.
///
/// The access report counts every attempt, and our own lists are some: of a service that they ask, it only says that we
/// were there.
fn guides(catalogue: &Catalogue, seen: &Use) -> bool {
    let ours = |prefix: &str| catalogue.kinds().any(|kind| kind.name.service() == prefix);
    seen.witness != Witness::AccessReport || !Names::embedded().prefixes(&seen.service).any(ours)
}

/// Whether a witness shows resources one by one.
fn knows_resources(witness: Witness) -> bool {
    matches!(witness, Witness::Tags | Witness::Explorer)
}

fn uncovered(seen: &Use, reason: &str) -> Uncovered {
    Uncovered {
        service: seen.service.clone(),
        region: seen.region.clone().unwrap_or_default(),
        kind: seen.kind.clone().unwrap_or_default(),
        witness: seen.witness,
        example: seen.example.clone().unwrap_or_default(),
        reason: reason.to_owned(),
    }
}

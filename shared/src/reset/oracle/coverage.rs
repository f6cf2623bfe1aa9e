//! What the lists of a run cover, in the words of witnesses.

use std::collections::{BTreeMap, BTreeSet};

use super::Use;
use super::names::{Names, arn_words, fold};
use crate::config::Witness;
use crate::reset::catalogue::{Catalogue, TypeName};
use crate::reset::cloudcontrol::Known;
use crate::reset::item::{CellKey, GLOBAL};
use crate::reset::state::{Run, Seen};
use crate::types::Region;

/// What a run looks at.
pub struct Coverage<'r> {
    run: &'r Run,
    names: &'static Names,
    /// Types that have cells, by the folded name of their service in CloudFormation and in the SDK.
    types: BTreeMap<String, BTreeSet<&'r TypeName>>,
    /// `service:word` of the ARNs of these types, as their entries write them and as they were found.
    words: BTreeSet<String>,
}

impl<'r> Coverage<'r> {
    /// Of a run whose cells are known.
    pub fn new(run: &'r Run, catalogue: &Catalogue) -> Self {
        let mut types: BTreeMap<String, BTreeSet<&TypeName>> = BTreeMap::new();
        let mut words = run.words.clone();
        for kind in run.cells.keys().map(|cell| &cell.kind).collect::<BTreeSet<_>>() {
            types.entry(fold(kind.service())).or_default().insert(kind);
            let Some(entry) = catalogue.kind(kind) else { continue };
            types.entry(fold(&entry.service)).or_default().insert(kind);
            if let Some(arn) = entry.arn.as_deref().filter(|arn| arn.starts_with("arn:")) {
                words.insert(word_of(arn));
            }
        }
        Self { run, names: Names::embedded(), types, words }
    }

    /// What is the matter with a use, if anything is.
    pub fn problem(&self, seen: &Use) -> Option<&'static str> {
        if self.names.quiet(&seen.service) || self.names.record(&seen.service, seen.kind.as_deref()) {
            return None;
        }
        // This report counts attempts, and our own lists are some.
        let attempted = seen.witness == Witness::AccessReport;
        let region = seen.region.as_deref().filter(|region| !region.is_empty() && !region.contains(GLOBAL));
        let region: Option<Region> = region.and_then(|region| region.parse().ok());
        let region = region.filter(|region| !attempted || self.run.regions.contains(region));
        if region.as_ref().is_some_and(|region| !self.run.regions.contains(region)) {
            return Some("the region is not enabled in the account, so nothing in it was looked at");
        }
        let types = self.of_service(&seen.service);
        if types.is_empty() {
            return Some("nothing here knows how to list or delete what the service holds");
        }
        let types: BTreeSet<&TypeName> = types.into_iter().filter(|kind| self.looked(kind, region.as_ref())).collect();
        if types.is_empty() {
            return (!attempted).then_some("its lists say that the service is not offered there");
        }
        let covered = seen.kind.as_deref().is_none_or(|kind| self.covers(&seen.service, kind, &types));
        (!covered).then_some("nothing here knows how to list or delete this type")
    }

    fn of_service(&self, service: &str) -> BTreeSet<&'r TypeName> {
        let folded = fold(service);
        let names = self.names.prefixes(service).map(fold).chain([folded]);
        names.filter_map(|name| self.types.get(&name)).flatten().copied().collect()
    }

    /// Whether the type was looked for in the region, or once for all regions; anywhere, where no region is told.
    fn looked(&self, kind: &TypeName, region: Option<&Region>) -> bool {
        let all = self.run.regions.iter();
        let mut places =
            all.filter(|one| region.is_none_or(|region| region == *one)).map(Region::as_ref).chain([GLOBAL]);
        places.any(|place| {
            let cell = self.run.cells.get(&CellKey { region: place.to_owned(), kind: kind.clone() });
            cell.is_some_and(|cell| !matches!(cell.seen, Seen::Unavailable(_)))
        })
    }

    /// Whether a type is among those that are looked for, or goes with one of them: by its CloudFormation name, or by the
    /// word in its ARN.
    fn covers(&self, service: &str, kind: &str, types: &BTreeSet<&TypeName>) -> bool {
        let named = |name: &str| types.iter().any(|kind| kind.as_ref() == name);
        if kind.contains("::") {
            let whole = kind.parse().ok().and_then(|kind| Known::embedded().goes_with(&kind));
            return named(kind) || whole.is_some_and(|whole| named(whole.as_ref()));
        }
        let word = fold(kind);
        let own = |kind: &&TypeName| {
            let name = fold(kind.resource());
            name == word || word.strip_suffix('s').is_some_and(|one| one == name)
        };
        self.names.by_arn(service, kind).is_some_and(named)
            || self.words.contains(&format!("{service}:{kind}"))
            || types.iter().any(own)
    }
}

/// `service:word` of an ARN or of its template.
pub fn word_of(arn: &str) -> String {
    let (service, word) = arn_words(arn);
    format!("{service}:{word}")
}

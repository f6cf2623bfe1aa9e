//! Reads what there is: the regions of the account, then every declared aspect in every place, side by side. In a new
//! account only what is awake is asked.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};

use super::aspect::Look;
use super::{ASPECTS, Facts, Kind, Place, Target, part, readiness};
use crate::aws::{Accounts, CallError, Scope};
use crate::types::Region;

/// How many places are read at the same time; the way into accounts holds a bound of its own.
const AT_ONCE: usize = 24;

/// What was found in an account. A part that could not be read stands there with its error.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The regions that the account has enabled.
    pub enabled: Vec<Region>,
    /// In the order of work, then of places.
    pub parts: Vec<Part>,
}

/// Looks at everything that is declared. Fails when the account cannot be entered at all.
pub async fn observe(accounts: &dyn Accounts, target: &Target) -> Result<Seen, CallError> {
    let home = accounts.scope(&target.account.id, target.home()).await?;
    if target.newcomer {
        readiness::account(&home).await?;
    }
    let enabled = enabled_regions(&home).await?;
    let wanted: Vec<(Kind, Place)> = wanted(target, &enabled);
    let asleep = match target.newcomer {
        true => readiness::asleep(accounts, &target.account.id, &regions_of(&wanted)).await,
        false => BTreeMap::new(),
    };
    let looks = wanted.into_iter().map(|(kind, place)| match sleeping(&asleep, &place) {
        Some(error) => std::future::ready((kind, place, Err(error))).boxed(),
        None => look(accounts, target, kind, place).boxed(),
    });
    Ok(Seen { enabled, parts: side_by_side(AT_ONCE, looks.collect()).await })
}

/// Every part that is declared; on another try those that were open.
fn wanted(target: &Target, enabled: &[Region]) -> Vec<(Kind, Place)> {
    let places = |kind: &Kind| {
        let kind = *kind;
        kind.places(target, enabled).into_iter().map(move |place| (kind, place))
    };
    let open = |(kind, place): &(Kind, Place)| {
        target.only.as_ref().is_none_or(|parts| parts.contains(&part(kind.name(), place)))
    };
    ASPECTS.iter().flat_map(places).filter(open).collect()
}

fn regions_of(parts: &[(Kind, Place)]) -> Vec<Region> {
    let region = |(_, place): &(Kind, Place)| match place {
        Place::Region(region) => Some(region.clone()),
        Place::Global | Place::Root | Place::Organization | Place::OrganizationIn(_) => None,
    };
    let mut regions: Vec<Region> = parts.iter().filter_map(region).collect();
    regions.sort();
    regions.dedup();
    regions
}

fn sleeping(asleep: &BTreeMap<Region, CallError>, place: &Place) -> Option<CallError> {
    match place {
        Place::Region(region) => asleep.get(region).cloned(),
        Place::Global | Place::Root | Place::Organization | Place::OrganizationIn(_) => None,
    }
}

/// Looks at what Organizations holds about an account, for one that cannot be entered: a new account is put into
/// quarantine before it lets anybody in.
pub async fn from_outside(accounts: &dyn Accounts, target: &Target) -> Vec<Part> {
    let mut looks = Vec::new();
    for kind in ASPECTS {
        for place in kind.places(target, &[]).into_iter().filter(|place| *place == Place::Organization) {
            looks.push(look(accounts, target, *kind, place).boxed());
        }
    }
    side_by_side(AT_ONCE, looks).await
}

/// Awaits `work`, at most `bound` at a time, and returns the outcomes in its order.
pub(super) async fn side_by_side<T>(bound: usize, work: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(work).buffered(bound).collect().await
}

/// One aspect in one place.
pub type Part = (Kind, Place, Result<Facts, CallError>);

async fn look(accounts: &dyn Accounts, target: &Target, kind: Kind, place: Place) -> Part {
    let facts = match Look::at(accounts, &target.account.id, target.home(), &place).await {
        Ok(look) => kind.observe(&look, target).await,
        Err(error) => Err(error),
    };
    (kind, place, facts)
}

/// Without `AllRegions`, AWS tells the enabled ones
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html>).
async fn enabled_regions(scope: &Scope) -> Result<Vec<Region>, CallError> {
    let answer = scope.call("ec2", "DescribeRegions", json!({})).await?;
    let regions = answer.get("Regions").and_then(Value::as_array).into_iter().flatten();
    let enabled = regions.filter(|region| region.get("OptInStatus") != Some(&"not-opted-in".into()));
    let mut enabled: Vec<Region> =
        enabled.filter_map(|region| region.get("RegionName")?.as_str()?.parse().ok()).collect();
    enabled.sort();
    Ok(enabled)
}

//! Reads what there is: the regions of the account, then every declared aspect in every place, side by side.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};

use super::aspect::Look;
use super::{ASPECTS, Facts, Kind, Place, Target};
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
    let enabled = enabled_regions(&home).await?;
    let mut looks = Vec::new();
    for kind in ASPECTS {
        for place in kind.places(target, &enabled) {
            looks.push(look(accounts, target, *kind, place).boxed());
        }
    }
    Ok(Seen { enabled, parts: side_by_side(AT_ONCE, looks).await })
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

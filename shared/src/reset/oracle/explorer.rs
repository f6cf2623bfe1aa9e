//! Resource Explorer: resources of many types by ARN, where the account has a view. It finds a thousand at most for one
//! question, so a region is one question.
//! <https://docs.aws.amazon.com/resource-explorer/latest/apireference/API_Search.html>

use serde_json::{Value, json};

use super::{Oracle, Said, Shown, Silence, everywhere};
use crate::config::Witness;
use crate::types::Region;

/// What one question finds at most.
const MOST: usize = 1_000;

pub(super) async fn ask(oracle: &Oracle<'_>) -> Result<Said, Silence> {
    let home = oracle.home.clone();
    let indexed = oracle.scope(&home).await?.pages("resource-explorer-2", "ListIndexes", json!({})).await?;
    let of = |member: &str, index: &Value| index.get(member).and_then(Value::as_str).map(str::to_owned);
    let aggregator = indexed.iter().find(|index| of("Type", index).as_deref() == Some("AGGREGATOR"));
    let aggregator: Option<Region> = aggregator.and_then(|index| of("Region", index)?.parse().ok());
    let places: Vec<String> = indexed.iter().filter_map(|index| of("Region", index)).collect();
    if places.is_empty() {
        return Err(Silence::Absent("Resource Explorer has no index in the account".to_owned()));
    }
    let (found, mut note) = everywhere(oracle, |region| {
        // An aggregator knows all regions; otherwise each knows itself.
        let asked = aggregator.clone().unwrap_or_else(|| region.clone());
        let known = aggregator.is_some() || places.contains(&region.to_string());
        async move {
            if !known {
                return Ok(Vec::new());
            }
            let query = json!({ "QueryString": format!("region:{region}") });
            let found = oracle.scope(&asked).await?.pages("resource-explorer-2", "Search", query).await?;
            Ok(vec![(region, found)])
        }
    })
    .await?;
    for (region, _) in found.iter().filter(|(_, found)| found.len() >= MOST) {
        note = format!("{note}; only {MOST} resources are told of {region}").trim_start_matches("; ").to_owned();
    }
    let owner = oracle.account.as_ref();
    let shown = found.iter().flat_map(|(region, found)| found.iter().filter_map(|one| shown(one, region, owner)));
    Ok(Said { shown: shown.collect(), note, ..Said::default() })
}

/// One result, unless it belongs to another account: a view may be of the whole organization.
fn shown(found: &Value, region: &Region, owner: &str) -> Option<Shown> {
    let text = |member: &str| found.get(member).and_then(Value::as_str);
    if text("OwningAccountId").is_some_and(|other| other != owner) {
        return None;
    }
    Some(Shown {
        arn: text("Arn")?.to_owned(),
        region: text("Region").unwrap_or(region.as_ref()).to_owned(),
        kind: text("CfnResourceType").filter(|kind| !kind.is_empty()).map(str::to_owned),
        witness: Witness::Explorer,
    })
}

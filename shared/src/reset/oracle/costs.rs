//! Cost Explorer: what was billed to the account over the last days, by service and region. It is a day late, and a
//! request costs $0.01: so it is asked only where the file says so, once a run, and for a few pages.
//! <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html>

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Oracle, Said, Silence, Use};
use crate::config::Witness;

/// Pages that are paid for.
const PAGES: u32 = 10;

pub(super) async fn ask(oracle: &Oracle<'_>) -> Result<Said, Silence> {
    let scope = oracle.scope(&oracle.global()).await?;
    let day = |time: jiff::Timestamp| time.to_zoned(TimeZone::UTC).date().to_string();
    let mut params = json!({
        "TimePeriod": { "Start": day(oracle.inquiry.since), "End": day(oracle.inquiry.now) },
        "Granularity": "MONTHLY",
        "Metrics": ["UsageQuantity"],
        "GroupBy": [{ "Type": "DIMENSION", "Key": "SERVICE" }, { "Type": "DIMENSION", "Key": "REGION" }],
    });
    let (mut billed, mut note) = (BTreeSet::new(), String::new());
    for turn in 1.. {
        let page = scope.call("ce", "GetCostAndUsage", params.clone()).await?;
        let results = page.get("ResultsByTime").and_then(Value::as_array).into_iter().flatten();
        let groups = results.flat_map(|result| result.get("Groups").and_then(Value::as_array).into_iter().flatten());
        billed.extend(groups.filter(|group| !is_nothing(group)).filter_map(keys));
        match (page.get("NextPageToken"), params.as_object_mut()) {
            (Some(token), _) if token.is_string() && turn >= PAGES => {
                note = format!("only the first {PAGES} pages were read");
                break;
            }
            (Some(token), Some(params)) if token.is_string() && params.get("NextPageToken") != Some(token) => {
                params.insert("NextPageToken".to_owned(), token.clone());
            }
            _ => break,
        }
    }
    let uses = billed.into_iter().map(|(service, region)| Use {
        service,
        // `global` and `NoRegion` are told of what has none.
        region: Some(region).filter(|region| region.contains('-')),
        kind: None,
        witness: Witness::Costs,
        example: Some("was billed".to_owned()),
    });
    Ok(Said { uses: uses.collect(), note, ..Said::default() })
}

/// Whether a line of the bill is about no use at all.
fn is_nothing(group: &Value) -> bool {
    let amount = group.pointer("/Metrics/UsageQuantity/Amount").and_then(Value::as_str);
    amount.and_then(|amount| amount.parse::<f64>().ok()) == Some(0.0)
}

fn keys(group: &Value) -> Option<(String, String)> {
    let key = |n: usize| group.get("Keys")?.get(n)?.as_str().map(str::to_owned);
    Some((key(0)?, key(1).unwrap_or_default()))
}

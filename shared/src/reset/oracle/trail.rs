//! CloudTrail's event history: what was made in each region over the last days, and by whom. It answers two requests a
//! second and 50 events a request, so only the latest pages are read; it is there without any trail.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use std::time::Duration;

use serde_json::{Value, json};

use super::{Oracle, Said, Silence, Use, everywhere};
use crate::aws::CallError;
use crate::config::Witness;
use crate::types::Region;

/// Pages that are read of a region: a thousand events.
const PAGES: u32 = 20;

/// What a region allows is two requests a second.
const APART: Duration = Duration::from_millis(500);

/// Verbs of what makes things.
const MAKES: &[&str] =
    &["Create", "Run", "Allocate", "Import", "Launch", "Provision", "Purchase", "Register", "Restore"];

pub(super) async fn ask(oracle: &Oracle<'_>) -> Result<Said, Silence> {
    let (found, mut note) =
        everywhere(oracle, |region| async move { Ok(vec![history(oracle, region).await?]) }).await?;
    let cut: Vec<String> = found.iter().filter(|part| part.cut).map(|part| part.region.to_string()).collect();
    if !cut.is_empty() {
        let words = format!("only the latest {} events are told of {}", PAGES * 50, cut.join(", "));
        note = format!("{note}; {words}").trim_start_matches("; ").to_owned();
    }
    Ok(Said { uses: found.into_iter().flat_map(|part| part.uses).collect(), note, ..Said::default() })
}

struct Part {
    region: Region,
    uses: Vec<Use>,
    cut: bool,
}

async fn history(oracle: &Oracle<'_>, region: Region) -> Result<Part, CallError> {
    let scope = oracle.scope(&region).await?;
    let mut params = json!({
        "StartTime": oracle.inquiry.since.to_string(),
        "LookupAttributes": [{ "AttributeKey": "ReadOnly", "AttributeValue": "false" }],
    });
    let mut uses = Vec::new();
    for page in 0..PAGES {
        if page > 0 {
            tokio::time::sleep(APART).await;
        }
        let answer = scope.call("cloudtrail", "LookupEvents", params.clone()).await?;
        let events = answer.get("Events").and_then(Value::as_array).into_iter().flatten();
        uses.extend(events.filter(|event| makes(event)).filter_map(|event| seen(event, &region)));
        match (answer.get("NextToken").filter(|token| token.is_string()), params.as_object_mut()) {
            (Some(token), Some(params)) => params.insert("NextToken".to_owned(), token.clone()),
            _ => return Ok(Part { region, uses, cut: false }),
        };
    }
    Ok(Part { region, uses, cut: true })
}

fn makes(event: &Value) -> bool {
    let name = event.get("EventName").and_then(Value::as_str).unwrap_or_default();
    MAKES.iter().any(|verb| name.starts_with(verb)) && name != "CreateTags" && !failed(event)
}

/// What AWS refused made nothing. An event whose whole text cannot be read counts.
fn failed(event: &Value) -> bool {
    let text = event.get("CloudTrailEvent").and_then(Value::as_str);
    let whole: Option<Value> = text.and_then(|text| serde_json::from_str(text).ok());
    whole.is_some_and(|whole| whole.get("errorCode").is_some_and(Value::is_string))
}

/// The service. The resources that an event names are also those that were merely used, so they are left out.
fn seen(event: &Value, region: &Region) -> Option<Use> {
    let text = |member: &str| event.get(member).and_then(Value::as_str);
    let source = text("EventSource")?;
    let by = text("Username").unwrap_or("somebody");
    Some(Use {
        service: source.trim_end_matches(".amazonaws.com").to_owned(),
        region: Some(region.to_string()),
        kind: None,
        witness: Witness::Trail,
        example: Some(format!("{} by {by}", text("EventName").unwrap_or_default())),
    })
}

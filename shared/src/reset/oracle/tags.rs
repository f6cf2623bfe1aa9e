//! The tagging API: everything in a region that has tags, or once had. It shows what is gone for a while.
//! <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>

use serde_json::{Value, json};

use super::{Oracle, Said, Shown, Silence, everywhere};
use crate::config::Witness;

/// What a page holds at most.
const MOST: usize = 100;

pub(super) async fn ask(oracle: &Oracle<'_>) -> Result<Said, Silence> {
    let (shown, note) = everywhere(oracle, |region| async move {
        let scope = oracle.scope(&region).await?;
        let mappings =
            scope.pages("resourcegroupstaggingapi", "GetResources", json!({ "ResourcesPerPage": MOST })).await?;
        let arns = mappings.iter().filter_map(|mapping| mapping.get("ResourceARN").and_then(Value::as_str));
        let shown = arns.map(|arn| Shown {
            arn: arn.to_owned(),
            region: region.to_string(),
            kind: None,
            witness: Witness::Tags,
        });
        Ok(shown.collect())
    })
    .await?;
    Ok(Said { shown, note, ..Said::default() })
}

//! Whether members hold what their StackSets say. A stack that could not be brought to an account that came later is told to
//! nobody by itself.

use forester::aws::{CallError, Scope};
use serde_json::json;

use super::finding::Finding;
use crate::answer::word;
use crate::commands::deploy::MEMBERS;

/// A finding for each StackSet that `forester deploy --members` made.
pub async fn stacks(home: &Scope) -> Vec<Finding> {
    let what = "members hold what their StackSets say";
    let sets = match home.pages("cloudformation", "ListStackSets", json!({ "Status": "ACTIVE" })).await {
        Ok(sets) => sets,
        Err(error) => return vec![Finding::unknown(what, &error)],
    };
    let mut findings = Vec::new();
    for set in sets.iter().filter(|set| word(set, "Description") == MEMBERS) {
        let name = word(set, "StackSetName");
        findings.push(match behind(home, name).await {
            Ok(behind) if behind.is_empty() => Finding::ok(format_args!("members hold what the StackSet {name} says")),
            Ok(behind) => Finding::missing(
                format_args!("members hold what the StackSet {name} says"),
                format_args!("not in {}: `forester deploy --members` tries again", behind.join(", ")),
            ),
            Err(error) => Finding::unknown(what, &error),
        });
    }
    findings
}

/// The accounts and regions whose stack is not as it should be, and why.
async fn behind(home: &Scope, name: &str) -> Result<Vec<String>, CallError> {
    let instances = home.pages("cloudformation", "ListStackInstances", json!({ "StackSetName": name })).await?;
    let late = instances.iter().filter(|one| word(one, "Status") != "CURRENT");
    Ok(late
        .map(|one| format!("{}/{} ({})", word(one, "Account"), word(one, "Region"), word(one, "StatusReason")))
        .collect())
}

//! What a trail records. `PutEventSelectors` replaces all selectors, and a trail has basic or advanced ones, never both
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html>): what others chose to
//! record, such as data events, is sent back with ours.

use serde::Serialize;
use serde_json::{Value, json};

use super::list;

/// How many basic selectors a trail has.
const MOST: usize = 5;

/// The selectors of a trail.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Selectors {
    /// The basic ones.
    pub basic: Vec<Value>,
    /// The advanced ones.
    pub advanced: Vec<Value>,
}

impl Selectors {
    /// The same with all management events; `None` when they are recorded already.
    pub(super) fn with_management_events(&self) -> Option<Self> {
        if self.basic.iter().any(takes_all) || self.advanced.iter().any(takes_all_by_field) {
            return None;
        }
        let mut selectors = self.clone();
        match selectors.advanced.is_empty() {
            true => selectors.basic = with_management(&self.basic),
            false => selectors.advanced.push(json!({ "Name": "Management events",
                "FieldSelectors": [{ "Field": "eventCategory", "Equals": ["Management"] }] })),
        }
        Some(selectors)
    }

    /// The call's parameters.
    pub(super) fn described(&self, trail: &str) -> Value {
        match self.advanced.is_empty() {
            true => json!({ "TrailName": trail, "EventSelectors": self.basic }),
            false => json!({ "TrailName": trail, "AdvancedEventSelectors": self.advanced }),
        }
    }
}

/// Selectors of data events stay as they are: recording more of those costs money. An event that fits several selectors
/// is recorded once. Where there is no place for one more, the first one records management events as well.
fn with_management(basic: &[Value]) -> Vec<Value> {
    let all = |data: Value| json!({ "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": data });
    let mut kept: Vec<Value> = basic.iter().filter(|found| !list(found, "DataResources").is_empty()).cloned().collect();
    let full = kept.len() >= MOST;
    match kept.first_mut().filter(|_| full) {
        Some(first) => *first = all(first.get("DataResources").cloned().unwrap_or_default()),
        None => kept.push(all(json!([]))),
    }
    kept
}

fn takes_all(selector: &Value) -> bool {
    selector.get("IncludeManagementEvents") == Some(&true.into())
        && selector.get("ReadWriteType") == Some(&"All".into())
        && list(selector, "ExcludeManagementEventSources").is_empty()
}

fn takes_all_by_field(selector: &Value) -> bool {
    let management = |field: &Value| {
        field.get("Field") == Some(&"eventCategory".into()) && list(field, "Equals") == [Value::from("Management")]
    };
    // A field more, such as `readOnly`, would let only a part through.
    matches!(list(selector, "FieldSelectors"), [only] if management(only))
}

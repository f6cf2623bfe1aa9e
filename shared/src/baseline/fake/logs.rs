//! CloudWatch Logs of a fake account.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::Region;

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeLogGroup {
    pub days: Option<u64>,
    pub filters: BTreeMap<String, Value>,
}

pub(super) fn logs(account: &mut FakeAccount, region: &Region, operation: &str, params: &Value) -> Answer {
    const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "ResourceNotFoundException");
    let key = |name: &str| (region.clone(), name.to_owned());
    match operation {
        "DescribeLogGroups" => {
            let prefix = text(params, "logGroupNamePrefix");
            let here = account.log_groups.iter().filter(|((at, name), _)| at == region && name.starts_with(prefix));
            let group = |((_, name), group): (&(Region, String), &FakeLogGroup)| match group.days {
                Some(days) => json!({ "logGroupName": name, "retentionInDays": days }),
                None => json!({ "logGroupName": name }),
            };
            return Ok(json!({ "logGroups": here.map(group).collect::<Vec<_>>() }));
        }
        "CreateLogGroup" => {
            let key = key(text(params, "logGroupName"));
            if account.log_groups.contains_key(&key) {
                return Err((ErrorClass::Exists, "ResourceAlreadyExistsException"));
            }
            account.log_groups.insert(key, FakeLogGroup::default());
            return Ok(json!({}));
        }
        _ => {}
    }
    let group = account.log_groups.get_mut(&key(text(params, "logGroupName"))).ok_or(GONE)?;
    match operation {
        "PutRetentionPolicy" => group.days = params["retentionInDays"].as_u64(),
        "DescribeMetricFilters" => {
            return Ok(json!({ "metricFilters": group.filters.values().collect::<Vec<_>>() }));
        }
        "PutMetricFilter" => {
            group.filters.insert(text(params, "filterName").to_owned(), params.clone());
        }
        _ => panic!("the fake does not know logs:{operation}"),
    }
    Ok(json!({}))
}

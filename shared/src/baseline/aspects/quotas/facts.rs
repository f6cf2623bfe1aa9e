//! A quota as it is, and what was asked for.

use serde_json::{Value, json};

use super::precise;
use crate::aws::{CallError, Scope};
use crate::config::Quota;

/// A quota as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What it is called.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Whether anybody can raise it.
    pub adjustable: bool,
    /// What was asked for, the newest first; empty where the value is high enough.
    pub requests: Vec<Request>,
}

/// A request for more.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What was asked for.
    pub desired: f64,
    /// AWS's word for what became of it.
    pub status: String,
    created: String,
}

impl Request {
    /// Whether another request for `at_least` has no sense: this one is open, or had an answer that goes for it too. One
    /// that was refused says nothing about a lower value, and one that was granted nothing about a higher one.
    pub(super) fn settles(&self, at_least: u64) -> bool {
        match self.status.as_str() {
            "PENDING" | "CASE_OPENED" => true,
            "APPROVED" => self.desired >= precise(at_least),
            _ => self.desired <= precise(at_least),
        }
    }
}

/// `None` when Service Quotas does not know the quota here.
pub(super) async fn read(scope: &Scope, quota: &Quota) -> Result<Option<Found>, CallError> {
    let which = json!({ "ServiceCode": quota.service, "QuotaCode": quota.code });
    let Some(answer) = value(scope, &which).await? else { return Ok(None) };
    let told = answer.get("Quota").cloned().unwrap_or_default();
    let text = |member: &str| told.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found = Found {
        name: text("QuotaName"),
        value: told.get("Value").and_then(Value::as_f64).unwrap_or_default(),
        adjustable: told.get("Adjustable") != Some(&Value::Bool(false)),
        requests: Vec::new(),
    };
    if found.value < precise(quota.at_least) {
        let history = scope.pages("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota", which).await?;
        found.requests = history.iter().filter_map(request).collect();
        found.requests.sort_by(|one, other| other.created.cmp(&one.created));
    }
    Ok(Some(found))
}

/// The value that holds in the account, or AWS's default where none was ever set.
async fn value(scope: &Scope, which: &Value) -> Result<Option<Value>, CallError> {
    for operation in ["GetServiceQuota", "GetAWSDefaultServiceQuota"] {
        match scope.call("service-quotas", operation, which.clone()).await {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn request(told: &Value) -> Option<Request> {
    let text = |member: &str| told.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Request { desired: told.get("DesiredValue")?.as_f64()?, status: text("Status"), created: text("Created") })
}

//! Parameters and answers of calls, as JSON: put together, read, and read page by page.

use forester::aws::{CallError, Scope};
use serde_json::{Value, json};

/// The members of a call, and more of them.
pub fn with(mut members: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (members.as_object_mut(), more) {
        members.extend(more);
    }
    members
}

/// A member that is a text; what is not there is empty.
pub fn word<'a>(members: &'a Value, name: &str) -> &'a str {
    members.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// One page of CloudFormation's list `list`, and the token of the next: for who stops early, and for operations that are not
/// known to have pages.
pub async fn page(
    scope: &Scope,
    operation: &str,
    params: Value,
    list: &str,
    token: Option<String>,
) -> Result<(Vec<Value>, Option<String>), CallError> {
    let token = token.map_or(json!({}), |token| json!({ "NextToken": token }));
    let answer = scope.call("cloudformation", operation, with(params, token)).await?;
    let items = answer.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    Ok((items, Some(word(&answer, "NextToken").to_owned()).filter(|next| !next.is_empty())))
}

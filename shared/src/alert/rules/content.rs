//! What an event's content says about how bad it is.

use serde_json::Value;

use crate::alert::model::{Severity, text};

/// Changes of the organization after which something is gone.
const LOSSES: [&str; 9] = [
    "DeleteOrganization",
    "DeleteOrganizationalUnit",
    "DeletePolicy",
    "DetachPolicy",
    "DisablePolicyType",
    "EnableAllFeatures",
    "LeaveOrganization",
    "RemoveAccountFromOrganization",
    "CancelHandshake",
];

/// The severity of an event under a rule, and why it is not the rule's own.
pub(super) fn weighed(rule: &str, usual: Severity, record: &Value) -> (Severity, Option<&'static str>) {
    let name = text(record, "/eventName").unwrap_or_default();
    let refused = text(record, "/errorCode").is_some();
    let said = match rule {
        "cis-4.3" if is_assumed_root(record) => {
            Some((Severity::High, "it is a root session that the management account opened for one task"))
        }
        "cis-4.4" if !refused && gives_everything(record) => {
            Some((Severity::High, "the policy allows everything, or everything in IAM"))
        }
        "cis-4.5" if matches!(name, "CreateTrail" | "StartLogging") => {
            Some((Severity::Low, "more is recorded than before, not less"))
        }
        "cis-4.6" if text(record, "/userIdentity/type") == Some("Root") => {
            Some((Severity::High, "somebody tries the root user's password"))
        }
        "cis-4.8" if !refused && opens_bucket(record) => Some((Severity::High, "it lets everybody in")),
        "cis-4.10" if !refused && opens_to_the_internet(name, record) => {
            Some((Severity::High, "it lets the whole internet in"))
        }
        "cis-4.15" if !LOSSES.contains(&name) => Some((Severity::Medium, "nothing is taken away by it")),
        _ => None,
    };
    match said {
        Some((severity, because)) => (severity, Some(because)),
        None if refused && is_a_change(rule) => (Severity::Info, Some("it was refused")),
        None if refused && usual == Severity::Critical && rule != "cis-4.3" => (Severity::High, Some("it was refused")),
        None => (usual, None),
    }
}

/// Rules whose events are everyday changes: refused, they are no more than a denied call.
fn is_a_change(rule: &str) -> bool {
    matches!(rule, "cis-4.4" | "cis-4.8" | "cis-4.10" | "cis-4.11" | "cis-4.12" | "cis-4.13" | "cis-4.14")
}

/// A session of `sts:AssumeRoot`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-track-privileged-tasks.html>).
pub(super) fn is_assumed_root(record: &Value) -> bool {
    match record.pointer("/userIdentity/sessionContext/assumedRoot") {
        Some(Value::Bool(assumed)) => *assumed,
        Some(Value::String(assumed)) => assumed == "true",
        _ => false,
    }
}

/// An administrator's policy, by its name or by what it says.
fn gives_everything(record: &Value) -> bool {
    let managed = text(record, "/requestParameters/policyArn").and_then(|arn| arn.rsplit('/').next());
    let document = text(record, "/requestParameters/policyDocument").and_then(|text| serde_json::from_str(text).ok());
    matches!(managed, Some("AdministratorAccess" | "IAMFullAccess"))
        || document.is_some_and(|document| is_broad(&document))
}

fn is_broad(document: &Value) -> bool {
    let all = ["*", "*:*", "iam:*"];
    let has = |value: Option<&Value>, wanted: &[&str]| each(value).any(|text| wanted.contains(&text));
    statements(document).any(|statement| {
        allows(statement) && has(statement.get("Action"), &all) && has(statement.get("Resource"), &["*"])
    })
}

/// A bucket policy or list that lets everybody in, without a condition.
fn opens_bucket(record: &Value) -> bool {
    let parameters = record.get("requestParameters").unwrap_or(&Value::Null);
    let policy = parameters.get("bucketPolicy");
    let open = policy.is_some_and(|policy| {
        statements(policy).any(|statement| {
            let principal = statement.get("Principal");
            let anybody =
                each(principal).chain(each(principal.and_then(|principal| principal.get("AWS")))).any(|who| who == "*");
            allows(statement) && anybody && statement.get("Condition").is_none()
        })
    });
    let listed = || {
        let text = parameters.to_string();
        let canned = ["public-read", "public-read-write", "authenticated-read"].iter();
        let canned = canned.clone().any(|acl| text.contains(&format!("\"{acl}\"")));
        canned || text.contains("groups/global/AllUsers") || text.contains("groups/global/AuthenticatedUsers")
    };
    open || (policy.is_none() && listed())
}

fn opens_to_the_internet(name: &str, record: &Value) -> bool {
    let text = record.get("requestParameters").map(Value::to_string).unwrap_or_default();
    name == "AuthorizeSecurityGroupIngress" && (text.contains("\"0.0.0.0/0\"") || text.contains("\"::/0\""))
}

fn allows(statement: &Value) -> bool {
    text(statement, "/Effect") == Some("Allow")
}

/// The statements of a policy, one or several.
fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    let (one, several) = match policy.get("Statement") {
        Some(Value::Array(several)) => (None, several.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(several)
}

/// The texts of a value that is one or several.
fn each(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let (one, several) = match value {
        Some(Value::Array(several)) => (None, several.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(several).filter_map(Value::as_str)
}

//! What the policies of repositories, keys and registries say of ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::super::Target;
use super::super::document::{SID, is_ours, statements};
use super::super::{counted, sharing};
use crate::config::shares::EcrShare;
use crate::types::{AccountId, Arn, Region};

/// How the statement of ours in a key's policy is called. The key may be one that Forester keeps by another aspect.
pub(super) const KEY_SID: &str = "SharedByForesterEcr";

/// What a pull asks for: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html>.
const PULL: [&str; 3] = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// Who may pull; empty when nobody else may.
pub(super) fn pull<'a>(target: &Target, shares: impl Iterator<Item = &'a EcrShare>) -> Result<Value, String> {
    let statement = allowed(target, shares)?.map(|mut statement| {
        set(&mut statement, "Sid", format!("{SID}Pull").into());
        set(&mut statement, "Action", json!(PULL));
        statement
    });
    Ok(document(statement))
}

/// Who may decrypt what a key has encrypted, and only through ECR.
pub(super) fn decrypt<'a>(
    target: &Target,
    region: &Region,
    shares: impl Iterator<Item = &'a EcrShare>,
) -> Result<Option<Value>, String> {
    let statement = allowed(target, shares)?.map(|mut statement| {
        set(&mut statement, "Sid", KEY_SID.into());
        set(&mut statement, "Action", json!(["kms:Decrypt", "kms:DescribeKey"]));
        set(&mut statement, "Resource", "*".into());
        let mut condition = statement.get("Condition").cloned().unwrap_or_else(|| json!({}));
        let service = json!({ "kms:ViaService": format!("ecr.{region}.amazonaws.com") });
        set(&mut condition, "StringEquals", service);
        set(&mut statement, "Condition", condition);
        statement
    });
    Ok(statement.map(|statement| document(Some(statement))))
}

/// Which owners may write copies, and under which names.
pub(super) fn registry<'a>(target: &Target, region: &Region, shares: impl Iterator<Item = &'a EcrShare>) -> Value {
    let mut owners: BTreeMap<AccountId, BTreeSet<String>> = BTreeMap::new();
    for share in shares {
        let Some(owner) = target.account_of(&share.owner) else { continue };
        let name = format!("repository/{}*", share.prefix());
        let arn = Arn::of(target.partition(), "ecr", region.as_ref(), &target.account.id, &name);
        owners.entry(owner).or_default().insert(arn.to_string());
    }
    let statement = |(owner, names): (&AccountId, &BTreeSet<String>)| {
        json!({ "Sid": format!("{SID}Replication{owner}"), "Effect": "Allow",
            "Principal": { "AWS": Arn::iam(target.partition(), owner, "root") },
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"], "Resource": names })
    };
    document(owners.iter().map(statement))
}

/// A statement with its principals: the OUs by condition in an organization, else each account.
fn allowed<'a>(target: &Target, shares: impl Iterator<Item = &'a EcrShare>) -> Result<Option<Value>, String> {
    let (mut paths, mut roots) = (BTreeSet::new(), BTreeSet::new());
    for to in shares.filter_map(|share| share.pull.as_ref()) {
        match sharing::paths(target, to)? {
            Some(found) => paths.extend(found),
            None => roots.extend(sharing::accounts(target, to).map(|id| Arn::iam(target.partition(), id, "root"))),
        }
    }
    Ok(match (paths.is_empty(), roots.is_empty()) {
        (false, _) => Some(json!({ "Effect": "Allow", "Principal": { "AWS": "*" },
            "Condition": { "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": paths } } })),
        (true, false) => Some(json!({ "Effect": "Allow", "Principal": { "AWS": roots } })),
        (true, true) => None,
    })
}

fn set(value: &mut Value, key: &str, new: Value) {
    if let Value::Object(entries) = value {
        entries.insert(key.to_owned(), new);
    }
}

fn document(statements: impl IntoIterator<Item = Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements.into_iter().collect::<Vec<_>>() })
}

/// Those whom our statements let in, counted.
pub(super) fn who(policy: &Value) -> String {
    let ours = statements(policy).into_iter().filter(is_ours);
    let (mut units, mut accounts) = (BTreeSet::new(), BTreeSet::new());
    for statement in ours {
        match statement.pointer("/Condition/ForAnyValue:StringLike/aws:PrincipalOrgPaths") {
            Some(paths) => units.extend(texts(paths)),
            None => accounts.extend(statement.pointer("/Principal/AWS").map(texts).unwrap_or_default()),
        }
    }
    let told = |n: usize, noun: &str| (n > 0).then(|| counted(n, noun));
    let told: Vec<String> = told(units.len(), "OU").into_iter().chain(told(accounts.len(), "account")).collect();
    if told.is_empty() { "nobody else".to_owned() } else { told.join(" and ") }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

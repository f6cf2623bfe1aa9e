//! The policy of a key: the account decides over it, and other accounts may use it where they are named.
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::super::{Target, Unmet};
use super::super::document::SID;
use crate::config;
use crate::types::{AccountId, Arn};

/// What the key's policy says of our own.
pub(super) fn wanted(target: &Target, alias: &str, declared: &config::Key) -> Result<Value, Unmet> {
    let root = |id: &AccountId| Arn::iam(target.partition(), id, "root").to_string();
    let mut users = BTreeSet::new();
    for who in declared.use_by.iter().flatten() {
        let id = target.expect(who, format_args!("it is to use {alias}"))?;
        users.insert(root(&id));
    }
    let mut statements = vec![json!({ "Sid": format!("{SID}Account"), "Effect": "Allow",
        "Principal": { "AWS": root(&target.account.id) }, "Action": "kms:*", "Resource": "*" })];
    if !users.is_empty() {
        statements.push(json!({ "Sid": format!("{SID}Use"), "Effect": "Allow", "Principal": { "AWS": users },
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            "Resource": "*" }));
        // Services such as EC2 use a key on behalf of somebody by a grant.
        statements.push(json!({ "Sid": format!("{SID}Grant"), "Effect": "Allow", "Principal": { "AWS": users },
            "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*",
            "Condition": { "Bool": { "kms:GrantIsForAWSResource": "true" } } }));
    }
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
}

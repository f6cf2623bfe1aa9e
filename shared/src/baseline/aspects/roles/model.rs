//! A role as it is, or as it should be; and how what the file says becomes one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::document::SID;
use crate::baseline::{Target, Unmet};
use crate::config;
use crate::types::{AccountId, Arn};

/// A role as it is, or as it should be. What is absent from a wanted role is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Role {
    /// Who may assume it.
    pub trust: Value,
    /// The ARNs of its managed policies.
    pub policies: BTreeSet<String>,
    /// Its own policies by name.
    pub inline: BTreeMap<String, Value>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// How many seconds a session may last.
    pub session: Option<u64>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The roles that an aspect wants, by name; or why one cannot be had.
pub type Wishes = BTreeMap<String, Result<Role, Unmet>>;

/// The roles that there are, by name.
pub type Found = BTreeMap<String, Role>;

/// Who may assume a role. Conditions hold for people and roles; a service cannot meet them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline::aspects) struct Trust {
    /// ARNs of accounts, roles and users.
    pub principals: BTreeSet<String>,
    /// AWS services.
    pub services: BTreeSet<String>,
    /// Whether they must have signed in with a second factor.
    pub mfa: bool,
    /// What they must say to come in.
    pub external_id: Option<String>,
}

impl Trust {
    /// The account as a whole: whom it lets in is its own affair.
    pub fn account(target: &Target, id: &AccountId) -> Self {
        let principals = BTreeSet::from([Arn::iam(target.partition(), id, "root").to_string()]);
        Self { principals, ..Self::default() }
    }

    /// An AWS service.
    pub fn service(name: &str) -> Self {
        Self { services: [name.to_owned()].into(), ..Self::default() }
    }

    /// The trust document.
    pub fn document(&self) -> Value {
        let mut statements = Vec::new();
        if !self.principals.is_empty() {
            let principal = json!({ "AWS": self.principals });
            statements.push(lets_in(SID.to_owned(), &principal, "sts:AssumeRole", self.conditions()));
        }
        if !self.services.is_empty() {
            let principal = json!({ "Service": self.services });
            statements.push(lets_in(format!("{SID}Services"), &principal, "sts:AssumeRole", Map::new()));
        }
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    fn conditions(&self) -> Map<String, Value> {
        let mut conditions = Map::new();
        if self.mfa {
            conditions.insert("Bool".to_owned(), json!({ "aws:MultiFactorAuthPresent": "true" }));
        }
        if let Some(id) = &self.external_id {
            conditions.insert("StringEquals".to_owned(), json!({ "sts:ExternalId": id }));
        }
        conditions
    }
}

/// A statement of a trust document.
pub(in crate::baseline::aspects) fn lets_in(
    sid: String,
    principal: &Value,
    action: &str,
    conditions: Map<String, Value>,
) -> Value {
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action });
    if let (false, Value::Object(statement)) = (conditions.is_empty(), &mut statement) {
        statement.insert("Condition".to_owned(), Value::Object(conditions));
    }
    statement
}

/// The role that a layer declares.
pub(super) fn declared(target: &Target, name: &str, role: &config::Role) -> Result<Role, Unmet> {
    let who = role.trust.as_ref().ok_or_else(|| format!("no layer of this account says who may assume {name}"))?;
    let mut trust = Trust { mfa: role.mfa == Some(true), external_id: role.external_id.clone(), ..Trust::default() };
    for who in who {
        if config::is_service(who) {
            trust.services.insert(who.clone());
        } else {
            trust.principals.insert(principal(target, name, who)?);
        }
    }
    Ok(Role {
        trust: trust.document(),
        policies: policies(target, role.policies.iter().flatten())?,
        inline: role.inline.iter().map(|(name, document)| (name.clone(), document.clone().into())).collect(),
        boundary: role.boundary.as_ref().map(|boundary| policy(target, boundary)).transpose()?,
        session: role.session_hours.map(|hours| u64::from(hours) * 3600),
        tags: role.tags.clone(),
    })
}

fn principal(target: &Target, name: &str, who: &str) -> Result<String, Unmet> {
    if let Ok(arn) = who.parse::<Arn>() {
        return Ok(arn.to_string());
    }
    let id = target.expect(who, format_args!("{name} trusts it"))?;
    Ok(Arn::iam(target.partition(), &id, "root").to_string())
}

/// The ARNs of managed policies.
pub(in crate::baseline::aspects) fn policies<'a>(
    target: &Target,
    words: impl IntoIterator<Item = &'a String>,
) -> Result<BTreeSet<String>, String> {
    words.into_iter().map(|word| policy(target, word)).collect()
}

/// Policies of AWS whose path people forget
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html>).
const JOB_FUNCTIONS: &[&str] = &[
    "Billing",
    "DatabaseAdministrator",
    "DataScientist",
    "NetworkAdministrator",
    "SupportUser",
    "SystemAdministrator",
    "ViewOnlyAccess",
];

/// The ARN of a managed policy: AWS's by name, any by ARN, in which `{id}` stands for the account's own.
pub(in crate::baseline::aspects) fn policy(target: &Target, word: &str) -> Result<String, String> {
    match word.parse::<Arn>() {
        Ok(_) => target.account.subject().fill(word),
        Err(_) if JOB_FUNCTIONS.contains(&word) => {
            Ok(Arn::managed_policy(target.partition(), &format!("job-function/{word}")).to_string())
        }
        Err(_) => Ok(Arn::managed_policy(target.partition(), word).to_string()),
    }
}

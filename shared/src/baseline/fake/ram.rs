//! Resource Access Manager: shares of a fake account, and whether OUs can be named in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, FakeAccount, FakeOrganization, text};
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

/// A resource share.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeShare {
    pub name: String,
    pub arn: String,
    pub status: String,
    pub tags: BTreeMap<String, String>,
    pub external: bool,
    pub token: String,
    /// Kind (`RESOURCE`, `PRINCIPAL`), what, and the status.
    pub associations: BTreeMap<(String, String), String>,
}

impl FakeShare {
    pub fn held(&self, kind: &str) -> BTreeSet<String> {
        let here = self.associations.iter().filter(|((of, _), status)| of == kind && *status != "DISASSOCIATED");
        here.map(|((_, what), _)| what.clone()).collect()
    }

    pub fn put(&mut self, kind: &str, what: &str, status: &str) {
        self.associations.insert((kind.to_owned(), what.to_owned()), status.to_owned());
    }
}

pub(super) fn ram(
    (id, account): (&AccountId, &mut FakeAccount),
    organization: Option<&mut FakeOrganization>,
    region: &Region,
    operation: &str,
    params: &Value,
) -> Answer {
    if operation == "EnableSharingWithAwsOrganization" {
        let organization = organization.filter(|organization| organization.management == *id);
        let organization = organization.ok_or((ErrorClass::Other, "OperationNotPermittedException"))?;
        organization.services.insert("ram.amazonaws.com".to_owned());
        return Ok(json!({ "returnValue": true }));
    }
    let inside = organization.is_some_and(|organization| organization.services.contains("ram.amazonaws.com"));
    if operation.ends_with("Invitation")
        || operation.ends_with("Invitations")
        || params["resourceOwner"] == "OTHER-ACCOUNTS"
    {
        return received(account, operation, params);
    }
    let shares = account.shares.entry(region.clone()).or_default();
    match operation {
        "GetResourceShares" => {
            let named = shares.iter().filter(|share| share.name == text(params, "name"));
            Ok(json!({ "resourceShares": named.map(shown).collect::<Vec<_>>() }))
        }
        "GetResourceShareAssociations" => {
            let arn = params["resourceShareArns"][0].as_str().unwrap();
            let share = shares.iter().find(|share| share.arn == arn).ok_or(UNKNOWN)?;
            let of_kind = share.associations.iter().filter(|((kind, _), _)| kind == text(params, "associationType"));
            let shown = of_kind.map(
                |((_, what), status)| json!({ "associatedEntity": what, "status": status, "statusMessage": "as told" }),
            );
            Ok(json!({ "resourceShareAssociations": shown.collect::<Vec<_>>() }))
        }
        "CreateResourceShare" => {
            allowed(params, inside)?;
            let (name, token) = (text(params, "name").to_owned(), text(params, "clientToken").to_owned());
            if let Some(share) = shares.iter().find(|share| share.token == token) {
                return Ok(json!({ "resourceShare": shown(share) }));
            }
            let arn = format!("arn:aws:ram:{region}:{id}:resource-share/{}", shares.len());
            let tag = |tag: &Value| (text(tag, "key").to_owned(), text(tag, "value").to_owned());
            let tags = params["tags"].as_array().into_iter().flatten().map(tag).collect();
            let external = params["allowExternalPrincipals"].as_bool().unwrap();
            let status = "ACTIVE".to_owned();
            let mut share = FakeShare { name, arn, status, tags, external, token, ..FakeShare::default() };
            associate(&mut share, params, "ASSOCIATED");
            let answer = json!({ "resourceShare": shown(&share) });
            shares.push(share);
            Ok(answer)
        }
        "AssociateResourceShare" | "DisassociateResourceShare" => {
            let arn = text(params, "resourceShareArn");
            let share = shares.iter_mut().find(|share| share.arn == arn).ok_or(UNKNOWN)?;
            let adds = operation == "AssociateResourceShare";
            if adds {
                allowed(params, inside)?;
            }
            associate(share, params, if adds { "ASSOCIATED" } else { "DISASSOCIATED" });
            Ok(json!({}))
        }
        _ => panic!("the fake does not know ram:{operation}"),
    }
}

/// What others share with the account.
fn received(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetResourceShares" => {
            let named = account.received.iter().filter(|(_, name)| name == text(params, "name"));
            let shown =
                named.map(|(owner, name)| json!({ "name": name, "owningAccountId": owner, "status": "ACTIVE" }));
            Ok(json!({ "resourceShares": shown.collect::<Vec<_>>() }))
        }
        "GetResourceShareInvitations" => {
            let shown = account.invitations.iter().map(|(arn, (sender, name))| {
                json!({ "resourceShareInvitationArn": arn, "senderAccountId": sender, "resourceShareName": name,
                    "status": "PENDING" })
            });
            Ok(json!({ "resourceShareInvitations": shown.collect::<Vec<_>>() }))
        }
        "AcceptResourceShareInvitation" => {
            let accepted = account.invitations.remove(text(params, "resourceShareInvitationArn"));
            let gone = (ErrorClass::Gone, "ResourceShareInvitationArnNotFoundException");
            account.received.insert(accepted.ok_or(gone)?);
            Ok(json!({}))
        }
        _ => panic!("the fake does not know ram:{operation}"),
    }
}

const UNKNOWN: (ErrorClass, &str) = (ErrorClass::Gone, "UnknownResourceException");

/// OUs and organizations are unknown to RAM until it may look into the organization; roots always are.
fn allowed(params: &Value, inside: bool) -> Result<(), (ErrorClass, &'static str)> {
    let mut principals = params["principals"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let unknown =
        |principal: &str| principal.starts_with("arn:aws:organizations:") && (!inside || principal.contains(":root/"));
    if principals.any(unknown) { Err(UNKNOWN) } else { Ok(()) }
}

fn associate(share: &mut FakeShare, params: &Value, status: &str) {
    for (kind, member) in [("RESOURCE", "resourceArns"), ("PRINCIPAL", "principals")] {
        for what in params[member].as_array().into_iter().flatten() {
            share.put(kind, what.as_str().unwrap(), status);
        }
    }
}

fn shown(share: &FakeShare) -> Value {
    let tags: Vec<Value> = share.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({ "name": share.name, "resourceShareArn": share.arn, "status": share.status, "tags": tags })
}

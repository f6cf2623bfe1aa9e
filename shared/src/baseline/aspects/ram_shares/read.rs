//! Reads shares: the owner's with their subnets, and those that reach an account from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::{list, texts};
use super::TAG;
use crate::aws::{CallError, Scope};
use crate::config::shares::RamShare;
use crate::types::AccountId;

/// The subnets of an entry, and its share.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The ARNs of the tagged subnets, and whether AWS put the subnet into a default VPC.
    pub(super) subnets: BTreeMap<String, bool>,
    /// The living share.
    pub(super) share: Option<Found>,
    /// Shares of that name that were deleted lately.
    pub(super) deleted: BTreeSet<String>,
}

/// A share: its ARN, what is in it and who has it, each with a status and perhaps a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub(super) arn: String,
    pub(super) resources: Associations,
    pub(super) principals: Associations,
}

pub(super) type Associations = BTreeMap<String, (String, String)>;

/// How a share of another account stands here.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// It has arrived.
    Received,
    /// An invitation waits to be accepted; its ARN.
    Invited(String),
    /// Neither.
    Nothing,
}

pub(super) async fn read(scope: &Scope, share: &RamShare) -> Result<Seen, CallError> {
    let tags = share.subnets.tag.iter().map(|(key, value)| json!({ "Name": format!("tag:{key}"), "Values": [value] }));
    let subnets = scope.pages("ec2", "DescribeSubnets", json!({ "Filters": tags.collect::<Vec<_>>() })).await?;
    // What others share with this account is listed as well.
    let own = |subnet: &&Value| subnet.get("OwnerId") == Some(&scope.account().as_ref().into());
    let pair = |subnet: &Value| {
        Some((subnet.get("SubnetArn")?.as_str()?.to_owned(), subnet.get("DefaultForAz") == Some(&true.into())))
    };
    let name = share.called();
    let params = json!({ "resourceOwner": "SELF", "name": name });
    let shares = scope.pages("ram", "GetResourceShares", params).await?;
    let tag = json!({ "key": TAG, "value": name });
    let (living, dead): (Vec<Value>, Vec<Value>) = shares.into_iter().partition(|share| {
        share.get("status").and_then(Value::as_str).is_some_and(|status| ["PENDING", "ACTIVE"].contains(&status))
    });
    let ours = living.iter().filter(|share| list(share, "tags").contains(&tag));
    let arn = ours.filter_map(|share| share.get("resourceShareArn")?.as_str()).min();
    Ok(Seen {
        subnets: subnets.iter().filter(own).filter_map(pair).collect(),
        share: match arn {
            Some(arn) => Some(found(scope, arn).await?),
            None => None,
        },
        deleted: texts(&dead, "resourceShareArn").into_iter().collect(),
    })
}

async fn found(scope: &Scope, arn: &str) -> Result<Found, CallError> {
    let of = |kind: &str| json!({ "associationType": kind, "resourceShareArns": [arn] });
    let (resources, principals) = tokio::try_join!(
        scope.pages("ram", "GetResourceShareAssociations", of("RESOURCE")),
        scope.pages("ram", "GetResourceShareAssociations", of("PRINCIPAL")),
    )?;
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let told = |items: Vec<Value>| {
        let entry =
            |item: &Value| (text(item, "associatedEntity"), (text(item, "status"), text(item, "statusMessage")));
        items.iter().map(entry).filter(|(_, (status, _))| status != "DISASSOCIATED").collect()
    };
    Ok(Found { arn: arn.to_owned(), resources: told(resources), principals: told(principals) })
}

/// Whether a share of that name has come from the account. Only shares with accounts outside the organization, or of
/// one that does not share, need an invitation.
pub(super) async fn reach(scope: &Scope, name: &str, owner: &AccountId) -> Result<Reach, CallError> {
    let params = json!({ "resourceOwner": "OTHER-ACCOUNTS", "name": name, "resourceShareStatus": "ACTIVE" });
    let shares = scope.pages("ram", "GetResourceShares", params).await?;
    let is = |item: &Value, member: &str, value: &str| item.get(member) == Some(&value.into());
    if shares.iter().any(|share| is(share, "owningAccountId", owner.as_ref())) {
        return Ok(Reach::Received);
    }
    let invitations = scope.pages("ram", "GetResourceShareInvitations", json!({})).await?;
    let ours = invitations.iter().find(|found| {
        is(found, "senderAccountId", owner.as_ref())
            && is(found, "resourceShareName", name)
            && is(found, "status", "PENDING")
    });
    let arn = ours.and_then(|found| found.get("resourceShareInvitationArn")?.as_str());
    Ok(arn.map_or(Reach::Nothing, |arn| Reach::Invited(arn.to_owned())))
}

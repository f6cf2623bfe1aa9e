//! Reads zones here, and in the accounts that have a part of the domain.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::super::super::observe::side_by_side;
use super::super::super::{Look, Target};
use super::super::{list, texts};
use super::{Child, ChildZone, Facts, child, own_names, owned};
use crate::aws::{CallError, Scope};
use crate::config::Subject;
use crate::config::shares::DnsShare;
use crate::org::{AccountState, Member};

/// How many accounts are asked at the same time.
const AT_ONCE: usize = 8;

pub(super) async fn facts(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
    let mut facts = Facts::default();
    let parents = owned(target).map(|share| share.zone.clone());
    for name in own_names(target).into_iter().chain(parents) {
        let found = zones(look, &name).await?;
        facts.zones.insert(name, found);
    }
    for share in owned(target) {
        let parent = facts.zones.get(&share.zone).filter(|ids| ids.len() == 1).and_then(|ids| ids.first()).cloned();
        let members = target.forest.members.iter().filter(|member| member.state == AccountState::Active);
        let looks = members.map(|member| one(look, target, share, parent.as_deref(), member).boxed()).collect();
        let found = side_by_side(AT_ONCE, looks).await;
        let children = facts.children.entry(share.zone.clone()).or_default();
        for child in found {
            children.extend(child?);
        }
    }
    Ok(facts)
}

/// The part of an account, if it has one.
async fn one(
    look: &Look<'_>,
    target: &Target,
    share: &DnsShare,
    parent: Option<&str>,
    member: &Member,
) -> Result<Option<Child>, CallError> {
    if share.to.as_ref().is_some_and(|to| !to.covers(&member.ou)) {
        return Ok(None);
    }
    let tags = tags(look, target, share, member).await?;
    let subject = Subject { id: &member.id, name: &member.name, ou: &member.ou, tags: &tags };
    let Some(name) = child(share, subject) else { return Ok(None) };
    let zone = match look.elsewhere(&member.id, target.home()).await {
        Ok(scope) => served(&scope, &name).await,
        Err(error) => Err(error),
    };
    let zone = zone.unwrap_or_else(|error| ChildZone::Unread(error.to_string(), error.may_pass()));
    let delegated = match parent {
        Some(parent) => delegated(look, parent, &name).await?,
        None => BTreeSet::new(),
    };
    Ok(Some(Child { account: member.id.clone(), name, zone, delegated }))
}

/// The tags of an account: the file's, and where they do not tell enough, those in Organizations.
async fn tags(
    look: &Look<'_>,
    target: &Target,
    share: &DnsShare,
    member: &Member,
) -> Result<BTreeMap<String, String>, CallError> {
    let declared = target.config.accounts.get(&member.name).map(|entry| entry.tags.clone()).unwrap_or_default();
    if member.id == target.account.id && target.forest.organization.is_some() {
        return Ok(target.account.tags.clone());
    }
    if target.forest.organization.is_none() || share.tags().all(|key| declared.contains_key(key)) {
        return Ok(declared);
    }
    let scope = look.organization().await?;
    let listed = scope.pages("organizations", "ListTagsForResource", json!({ "ResourceId": member.id })).await?;
    let pair = |tag: &Value| Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.as_str()?.to_owned()));
    Ok(listed.iter().filter_map(pair).chain(declared).collect())
}

/// The ids of the public zones of a name. Zones are told in the order of their names, from the one asked for on.
pub(super) async fn zones(scope: &Scope, name: &str) -> Result<BTreeSet<String>, CallError> {
    let listed = scope.pages("route53", "ListHostedZonesByName", json!({ "DNSName": name })).await?;
    let named = |zone: &&Value| zone.get("Name").and_then(Value::as_str).map(host).as_deref() == Some(name);
    let public = |zone: &&Value| zone.pointer("/Config/PrivateZone") != Some(&true.into());
    let ids = listed.iter().filter(named).filter(public).filter_map(|zone| zone.get("Id")?.as_str());
    Ok(ids.map(plain).collect())
}

async fn served(scope: &Scope, name: &str) -> Result<ChildZone, CallError> {
    let ids = zones(scope, name).await?;
    let Some(id) = ids.first().filter(|_| ids.len() == 1) else {
        return Ok(if ids.is_empty() { ChildZone::Missing } else { ChildZone::Several(ids.len()) });
    };
    let answer = scope.call("route53", "GetHostedZone", json!({ "Id": id })).await?;
    let servers = answer.pointer("/DelegationSet/NameServers").and_then(Value::as_array);
    Ok(ChildZone::Servers(servers.into_iter().flatten().filter_map(Value::as_str).map(host).collect()))
}

/// The name servers that a zone names for one of its parts. Records are told from the one asked for on.
async fn delegated(scope: &Scope, zone: &str, name: &str) -> Result<BTreeSet<String>, CallError> {
    let from = json!({ "HostedZoneId": zone, "StartRecordName": name, "StartRecordType": "NS", "MaxItems": "1" });
    let answer = scope.call("route53", "ListResourceRecordSets", from).await?;
    let is = |record: &Value, member: &str, value: &str| {
        record.get(member).and_then(Value::as_str).is_some_and(|text| host(text) == value.to_lowercase())
    };
    let records = list(&answer, "ResourceRecordSets").iter();
    let found = records.filter(|record| is(record, "Name", name) && is(record, "Type", "NS"));
    Ok(found.flat_map(|record| texts(list(record, "ResourceRecords"), "Value")).map(|value| host(&value)).collect())
}

/// A name as people write it.
fn host(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

/// An id as requests take it: answers have a path before it.
pub(super) fn plain(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_owned()
}

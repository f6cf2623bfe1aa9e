//! Route 53 of a fake account.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;

/// A hosted zone; records by name and type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeZone {
    pub id: String,
    pub name: String,
    pub private: bool,
    pub records: BTreeMap<(String, String), BTreeSet<String>>,
}

impl FakeZone {
    pub fn new(id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), ..Self::default() }
    }

    /// Another four for each zone.
    pub fn servers(&self) -> BTreeSet<String> {
        (0..4).map(|n| format!("ns-{n}.{}-{}.example", self.id.to_lowercase(), self.name)).collect()
    }
}

/// Names compare from their end, as `com.example.www`.
fn reversed(name: &str) -> Vec<String> {
    name.trim_end_matches('.').rsplit('.').map(str::to_owned).collect()
}

pub(super) fn route53(account: &mut FakeAccount, id: &str, operation: &str, params: &Value) -> Answer {
    match operation {
        "ListHostedZonesByName" => {
            let from = reversed(text(params, "DNSName"));
            let mut zones: Vec<&FakeZone> = account.zones.iter().filter(|zone| reversed(&zone.name) >= from).collect();
            zones.sort_by_key(|zone| reversed(&zone.name));
            Ok(json!({ "HostedZones": zones.into_iter().map(shown).collect::<Vec<_>>() }))
        }
        "CreateHostedZone" => {
            let (name, reference) = (text(params, "Name").to_owned(), text(params, "CallerReference").to_owned());
            if !account.zone_references.insert(reference) {
                return Err((ErrorClass::Exists, "HostedZoneAlreadyExists"));
            }
            let number = account.zone_references.len();
            account.zones.push(FakeZone::new(&format!("Z{id}{number}"), &name));
            Ok(json!({ "HostedZone": account.zones.last().map(shown) }))
        }
        _ => {
            let wanted = params["Id"].as_str().or(params["HostedZoneId"].as_str()).unwrap();
            let zone = account.zones.iter_mut().find(|zone| zone.id == wanted);
            one_zone(zone.ok_or((ErrorClass::Gone, "NoSuchHostedZone"))?, operation, params)
        }
    }
}

fn shown(zone: &FakeZone) -> Value {
    json!({ "Id": format!("/hostedzone/{}", zone.id), "Name": format!("{}.", zone.name),
        "Config": { "PrivateZone": zone.private } })
}

fn one_zone(zone: &mut FakeZone, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetHostedZone" => Ok(json!({ "HostedZone": shown(zone), "DelegationSet": { "NameServers": zone.servers() } })),
        "ListResourceRecordSets" => {
            let from = (reversed(text(params, "StartRecordName")), text(params, "StartRecordType").to_owned());
            let records = zone.records.iter().filter(|((name, kind), _)| (reversed(name), kind.clone()) >= from);
            let shown = records.map(|((name, kind), values)| {
                let values: Vec<Value> = values.iter().map(|value| json!({ "Value": value })).collect();
                json!({ "Name": format!("{name}."), "Type": kind, "ResourceRecords": values })
            });
            Ok(json!({ "ResourceRecordSets": shown.collect::<Vec<_>>() }))
        }
        "ChangeResourceRecordSets" => {
            for change in params["ChangeBatch"]["Changes"].as_array().unwrap() {
                assert_eq!(change["Action"], "UPSERT");
                let record = &change["ResourceRecordSet"];
                let name = text(record, "Name").trim_end_matches('.').to_owned();
                let value = |value: &Value| text(value, "Value").trim_end_matches('.').to_owned();
                let values = record["ResourceRecords"].as_array().unwrap().iter().map(value).collect();
                zone.records.insert((name, text(record, "Type").to_owned()), values);
            }
            Ok(json!({}))
        }
        _ => panic!("the fake does not know route53:{operation}"),
    }
}

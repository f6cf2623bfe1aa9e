//! Which types Cloud Control can list and delete, from facts that come along.
//!
//! Types that are listed below resources of another type are left out: most of them go with those.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use globset::Glob;
use serde::Deserialize;
use serde_json::json;

use super::Control;
use crate::reset::catalogue::{Kind, TypeName};

/// The facts that come along; the file says from where.
const TEXT: &str = include_str!("../../../catalogue/cloudcontrol.json");

#[derive(Debug, Default, Deserialize)]
pub(super) struct Known {
    /// By service, the resources that can be listed and deleted.
    listed: BTreeMap<String, String>,
    /// What lists must be given: from resources of another type, or fixed values.
    given: BTreeMap<String, BTreeMap<String, Value>>,
    /// Types whose lists need what cannot be told.
    needy: String,
    /// Services and types that are settings of the account or belong to the organization.
    leave: String,
    /// Identifiers of what is a default, or AWS's own.
    spare: BTreeMap<String, Vec<String>>,
    /// Services that are listed once, by the region that answers.
    once: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Parent(#[expect(dead_code, reason = "only that there is one matters")] String),
    Each(Vec<String>),
}

impl Known {
    /// The facts. A file that cannot be read knows no type, and then a use of them is not covered.
    pub(super) fn embedded() -> &'static Self {
        static READ: OnceLock<Known> = OnceLock::new();
        READ.get_or_init(|| serde_json::from_str(TEXT).unwrap_or_default())
    }

    fn names(&self) -> impl Iterator<Item = TypeName> {
        let names = self.listed.iter().flat_map(|(service, resources)| {
            resources.split(' ').filter_map(move |resource| format!("AWS::{service}::{resource}").parse().ok())
        });
        names.filter(|name| !self.is_left(name) && !self.is_needy(name))
    }

    fn is_left(&self, name: &TypeName) -> bool {
        self.leave.split(' ').any(|left| left == name.service() || left == name.as_ref())
    }

    fn is_needy(&self, name: &TypeName) -> bool {
        self.needy.split(' ').any(|needy| needy == name.as_ref())
    }

    /// What is particular to a type; nothing where it is listed below another.
    fn control(&self, name: &TypeName) -> Option<Control> {
        let mut given = BTreeMap::new();
        for (param, value) in self.given.get(name.as_ref()).into_iter().flatten() {
            match value {
                Value::Each(values) => given.insert(param.clone(), values.clone()),
                Value::Parent(_) => return None,
            };
        }
        let spare = self.spare.get(name.as_ref()).into_iter().flatten();
        let spare = spare.filter_map(|pattern| Some(Glob::new(pattern).ok()?.compile_matcher()));
        Some(Control { given, spare: spare.collect() })
    }

    /// The region that answers for a service that is listed once.
    fn once(&self, service: &str) -> Option<&str> {
        let holds = |services: &String| services.split(' ').any(|once| once == service);
        self.once.iter().find(|(_, services)| holds(services)).map(|(region, _)| region.as_str())
    }
}

/// Every type that Cloud Control is to list: what comes along, without what has an entry.
pub fn kinds(has_entry: impl Fn(&TypeName) -> bool) -> Vec<Kind> {
    let known = Known::embedded();
    let names = known.names().filter(|name| !has_entry(name));
    names.filter_map(|name| kind(known, &name, known.control(&name)?)).collect()
}

fn kind(known: &Known, name: &TypeName, control: Control) -> Option<Kind> {
    let once = known.once(name.service());
    let mut kind: Kind = serde_json::from_value(json!({
        "name": name,
        "global": once.is_some(),
        "answers_in": once.filter(|region| *region != "us-east-1"),
        "phase": phase(name.service()),
        "list": { "operation": "ListResources", "params": { "TypeName": name }, "items": "ResourceDescriptions[]" },
        "id": "{Identifier}",
        "hook": "cloud-control",
    }))
    .ok()?;
    "cloudcontrol".clone_into(&mut kind.service);
    kind.control = Some(control);
    Some(kind)
}

/// When in a run such a type is worked on, as far as its service tells.
fn phase(service: &str) -> &'static str {
    match service {
        "EC2" | "NetworkFirewall" | "NetworkManager" | "VpcLattice" | "Route53Resolver" | "DirectConnect" => "network",
        "IAM" | "KMS" | "RolesAnywhere" | "ACMPCA" | "CertificateManager" => "identity",
        "Logs" | "CloudWatch" | "XRay" | "Oam" | "ApplicationSignals" | "RUM" | "Synthetics" => "logs",
        _ => "data",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(has_entry: &[&str]) -> BTreeSet<String> {
        kinds(|name| has_entry.contains(&name.as_ref())).into_iter().map(|kind| kind.name.to_string()).collect()
    }

    #[test]
    fn facts_are_read() {
        let all = names(&[]);
        assert!(all.len() > 900, "{}", all.len());
        assert!(all.contains("AWS::Synthetics::Canary") && all.contains("AWS::WAFv2::WebACL"));
        assert!(!all.contains("AWS::Organizations::Account"), "belongs to the organization");
        assert!(!all.contains("AWS::ECR::RegistryPolicy"), "is a setting of the account");
        assert!(!all.contains("AWS::ApiGateway::Authorizer"), "is listed below an API");
    }

    #[test]
    fn what_has_an_entry_is_left_to_it() {
        let all = names(&["AWS::ApiGateway::RestApi"]);
        assert!(!all.contains("AWS::ApiGateway::RestApi") && all.contains("AWS::ApiGateway::ApiKey"));
    }

    #[test]
    fn every_pattern_is_understood() {
        let known = Known::embedded();
        for (name, patterns) in &known.spare {
            let control = known.control(&name.parse().unwrap()).unwrap_or_default();
            assert!(control.spare.len() == patterns.len() || known.given.contains_key(name), "{name}");
        }
    }
}

//! Which types Cloud Control can list and delete, from facts that come along.
//!
//! Types that go with what they are listed below, and never hold it, are left out: listing them one parent at a time
//! would cost many calls and find nothing that needs a delete of its own.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use globset::Glob;
use serde::Deserialize;
use serde_json::json;

use super::{Below, Control};
use crate::reset::catalogue::{Kind, TypeName};

/// The facts that come along; the file says from where.
const TEXT: &str = include_str!("../../../catalogue/cloudcontrol.json");

/// Why a type is not listed of which only this is known.
const NAMELESS: &str = "Cloud Control lists it below another resource, and below which is not known here";

/// The facts.
#[derive(Debug, Default, Deserialize)]
pub struct Known {
    /// By service, the resources that can be listed and deleted.
    listed: BTreeMap<String, String>,
    /// What lists must be given: from resources of another type, or fixed values.
    given: BTreeMap<TypeName, BTreeMap<String, Value>>,
    /// Types that go with what they are listed below, and never hold it.
    parts: String,
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
    Parent(TypeName),
    Each(Vec<String>),
}

impl Known {
    /// The facts. A file that cannot be read knows no type, and then a use of them is not covered.
    pub fn embedded() -> &'static Self {
        static READ: OnceLock<Known> = OnceLock::new();
        READ.get_or_init(|| serde_json::from_str(TEXT).unwrap_or_default())
    }

    fn names(&self) -> impl Iterator<Item = TypeName> {
        let names = self.listed.iter().flat_map(|(service, resources)| {
            resources.split(' ').filter_map(move |resource| format!("AWS::{service}::{resource}").parse().ok())
        });
        names.filter(|name| !self.is_left(name) && !has(&self.parts, name))
    }

    /// Whether these facts tell anything of a type: then nobody else is asked about it.
    pub(super) fn tells(&self, name: &TypeName) -> bool {
        let listed = self.listed.get(name.service());
        self.is_left(name) || listed.is_some_and(|all| all.split(' ').any(|one| one == name.resource()))
    }

    /// Whether a type is a setting of the account, or belongs to the organization.
    pub(super) fn is_left(&self, name: &TypeName) -> bool {
        self.leave.split(' ').any(|left| left == name.service() || left == name.as_ref())
    }

    /// What a resource goes with that is not listed by itself.
    pub fn goes_with(&self, name: &TypeName) -> Option<&TypeName> {
        let values = has(&self.parts, name).then(|| self.given.get(name))??.values();
        values.into_iter().find_map(|value| match value {
            Value::Parent(parent) => Some(parent),
            Value::Each(_) => None,
        })
    }

    fn control(&self, name: &TypeName) -> Control {
        let mut control = Control::default();
        for (param, value) in self.given.get(name).into_iter().flatten() {
            match value {
                Value::Each(values) => _ = control.given.insert(param.clone(), values.clone()),
                Value::Parent(kind) => control.below = Some(Below { param: param.clone(), kind: kind.clone() }),
            }
        }
        control.nameless = has(&self.needy, name).then(|| NAMELESS.to_owned());
        let spare = self.spare.get(name.as_ref()).into_iter().flatten();
        control.spare = spare.filter_map(|pattern| Some(Glob::new(pattern).ok()?.compile_matcher())).collect();
        control
    }

    /// The region that answers for a service that is listed once.
    fn once(&self, service: &str) -> Option<&str> {
        let holds = |services: &String| services.split(' ').any(|once| once == service);
        self.once.iter().find(|(_, services)| holds(services)).map(|(region, _)| region.as_str())
    }
}

fn has(words: &str, name: &TypeName) -> bool {
    words.split(' ').any(|word| word == name.as_ref())
}

/// Every type that Cloud Control is to list: what comes along, without what has an entry.
pub fn kinds(has_entry: impl Fn(&TypeName) -> bool) -> Vec<Kind> {
    let known = Known::embedded();
    let names = known.names().filter(|name| !has_entry(name));
    names.filter_map(|name| kind(&name, known.control(&name))).collect()
}

/// A type that Cloud Control lists, in the form of an entry.
pub(super) fn kind(name: &TypeName, control: Control) -> Option<Kind> {
    let once = Known::embedded().once(name.service());
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
    use std::collections::BTreeMap;

    use super::*;

    fn all(has_entry: &[&str]) -> BTreeMap<String, Control> {
        let kinds = kinds(|name| has_entry.contains(&name.as_ref())).into_iter();
        kinds.map(|kind| (kind.name.to_string(), kind.control.unwrap())).collect()
    }

    #[test]
    fn facts_are_read() {
        let all = all(&[]);
        assert!(all.len() > 1_100, "{}", all.len());
        assert!(all.contains_key("AWS::Synthetics::Canary") && all.contains_key("AWS::WAFv2::WebACL"));
        assert!(!all.contains_key("AWS::Organizations::Account"), "belongs to the organization");
        assert!(!all.contains_key("AWS::ECR::RegistryPolicy"), "is a setting of the account");
        assert!(!all.contains_key("AWS::ApiGateway::Authorizer"), "goes with its API");
        assert!(all["AWS::DataZone::Environment"].nameless.is_some());
    }

    #[test]
    fn what_lists_are_given_is_known() {
        let all = all(&[]);
        let field = all["AWS::Cases::Field"].below.as_ref().unwrap();
        assert_eq!((field.param.as_str(), field.kind.as_ref()), ("DomainId", "AWS::Cases::Domain"));
        assert_eq!(all["AWS::WAFv2::WebACL"].given["Scope"], ["REGIONAL"]);
        let dangling: Vec<&String> = all
            .iter()
            .filter(|(_, control)| control.below.as_ref().is_some_and(|below| !all.contains_key(below.kind.as_ref())))
            .map(|(name, _)| name)
            .collect();
        assert!(dangling.is_empty(), "listed below what nobody lists: {dangling:?}");
    }

    #[test]
    fn parts_name_what_they_go_with() {
        let known = Known::embedded();
        for name in known.parts.split(' ') {
            assert!(known.goes_with(&name.parse().unwrap()).is_some(), "{name}");
        }
        assert_eq!(known.goes_with(&"AWS::SQS::Queue".parse().unwrap()), None);
    }

    #[test]
    fn what_has_an_entry_is_left_to_it() {
        let all = all(&["AWS::ApiGateway::RestApi"]);
        assert!(!all.contains_key("AWS::ApiGateway::RestApi") && all.contains_key("AWS::ApiGateway::ApiKey"));
    }

    #[test]
    fn every_pattern_is_understood() {
        let known = Known::embedded();
        for (name, patterns) in &known.spare {
            assert_eq!(known.control(&name.parse().unwrap()).spare.len(), patterns.len(), "{name}");
        }
    }
}

//! The policies of a fake organization: AWS's own that allow everything, and those that somebody makes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::organizations::FakeOrganization;
use super::{Answer, text};
use crate::aws::ErrorClass;

/// What an organization holds of policies.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::baseline) struct FakePolicies {
    pub enabled: BTreeSet<String>,
    pub made: BTreeMap<String, FakePolicy>,
    /// What is attached beside AWS's own, by the id of the root, OU or account.
    pub attached: BTreeMap<String, BTreeSet<String>>,
}

/// A policy that somebody made.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::baseline) struct FakePolicy {
    pub name: String,
    pub kind: String,
    pub content: Value,
    pub tags: BTreeMap<String, String>,
}

impl Default for FakePolicies {
    /// An organization with all features has service control policies on.
    fn default() -> Self {
        let enabled = ["SERVICE_CONTROL_POLICY".to_owned()].into();
        Self { enabled, made: BTreeMap::new(), attached: BTreeMap::new() }
    }
}

impl FakePolicies {
    /// A service control policy that somebody else made, attached to `targets`.
    pub fn strange(&mut self, name: &str, content: Value, targets: &[&str]) {
        let kind = "SERVICE_CONTROL_POLICY".to_owned();
        let id = format!("p-{:08}", self.made.len());
        for target in targets {
            self.attached.entry((*target).to_owned()).or_default().insert(id.clone());
        }
        self.made.insert(id, FakePolicy { name: name.to_owned(), kind, content, tags: BTreeMap::new() });
    }

    /// The names of what is attached beside AWS's own.
    pub fn names_at(&self, target: &str) -> Vec<&str> {
        self.attached.get(target).into_iter().flatten().map(|id| self.made[id].name.as_str()).collect()
    }

    fn own(&self, kind: &str) -> Option<Value> {
        let name = match kind {
            "SERVICE_CONTROL_POLICY" => "FullAWSAccess",
            "RESOURCE_CONTROL_POLICY" => "RCPFullAWSAccess",
            _ => return None,
        };
        let summary = json!({ "Id": format!("p-{name}"), "Name": name, "Type": kind, "AwsManaged": true });
        self.enabled.contains(kind).then_some(summary)
    }

    fn summary(&self, id: &String) -> Value {
        let FakePolicy { name, kind, .. } = &self.made[id];
        json!({ "Id": id, "Name": name, "Type": kind, "AwsManaged": false })
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a String> {
        self.made.iter().filter(move |(_, policy)| policy.kind == kind).map(|(id, _)| id)
    }

    fn most(kind: &str) -> usize {
        if kind == "DECLARATIVE_POLICY_EC2" { 10 } else { 5 }
    }
}

const MISSING: (ErrorClass, &str) = (ErrorClass::Gone, "PolicyNotFoundException");
const LIMIT: (ErrorClass, &str) = (ErrorClass::Other, "ConstraintViolationException");

pub(super) fn policies(organization: &mut FakeOrganization, operation: &str, params: &Value) -> Answer {
    let known = |target: &str| {
        organization.units.values().any(|unit| unit.as_ref() == target)
            || organization.members.keys().any(|id| id.as_ref() == target)
    };
    if let Some(target) = params["TargetId"].as_str().filter(|target| !known(target)) {
        panic!("there is no {target} to attach a policy to");
    }
    let root = organization.units[&"".parse().unwrap()].clone();
    let policies = &mut organization.policies;
    match operation {
        "ListRoots" => {
            let types = policies.enabled.iter().map(|kind| json!({ "Type": kind, "Status": "ENABLED" }));
            Ok(json!({ "Roots": [{ "Id": root, "Name": "Root", "PolicyTypes": types.collect::<Vec<_>>() }] }))
        }
        "EnablePolicyType" => match policies.enabled.insert(text(params, "PolicyType").to_owned()) {
            true => Ok(json!({})),
            false => Err((ErrorClass::Exists, "PolicyTypeAlreadyEnabledException")),
        },
        "ListPolicies" => {
            let kind = text(params, "Filter");
            let made = policies.of_kind(kind).map(|id| policies.summary(id));
            Ok(json!({ "Policies": policies.own(kind).into_iter().chain(made).collect::<Vec<_>>() }))
        }
        "DescribePolicy" => {
            let policy = policies.made.get(text(params, "PolicyId")).ok_or(MISSING)?;
            Ok(json!({ "Policy": { "Content": policy.content.to_string() } }))
        }
        "CreatePolicy" => create(policies, params),
        "UpdatePolicy" => {
            let policy = policies.made.get_mut(text(params, "PolicyId")).ok_or(MISSING)?;
            policy.content = content(&policy.kind, params)?;
            Ok(json!({}))
        }
        "ListTargetsForPolicy" => {
            let id = text(params, "PolicyId");
            let targets = policies.attached.iter().filter(|(_, attached)| attached.contains(id));
            let targets = targets.map(|(target, _)| json!({ "TargetId": target }));
            Ok(json!({ "Targets": targets.collect::<Vec<_>>() }))
        }
        "ListPoliciesForTarget" => {
            let (target, kind) = (text(params, "TargetId"), text(params, "Filter"));
            let attached = policies.attached.get(target).into_iter().flatten();
            let attached = attached.filter(|id| policies.made[*id].kind == kind).map(|id| policies.summary(id));
            Ok(json!({ "Policies": policies.own(kind).into_iter().chain(attached).collect::<Vec<_>>() }))
        }
        "AttachPolicy" => attach(policies, params),
        "DetachPolicy" => {
            let attached = policies.attached.entry(text(params, "TargetId").to_owned()).or_default();
            match attached.remove(text(params, "PolicyId")) {
                true => Ok(json!({})),
                false => Err((ErrorClass::Gone, "PolicyNotAttachedException")),
            }
        }
        _ => panic!("the fake does not know organizations:{operation}"),
    }
}

fn content(kind: &str, params: &Value) -> Result<Value, (ErrorClass, &'static str)> {
    let content = text(params, "Content");
    if content.len() > if kind == "DECLARATIVE_POLICY_EC2" { 10_000 } else { 5_120 } {
        return Err(LIMIT);
    }
    serde_json::from_str(content).map_err(|_| (ErrorClass::Invalid, "MalformedPolicyDocumentException"))
}

fn create(policies: &mut FakePolicies, params: &Value) -> Answer {
    let (name, kind) = (text(params, "Name").to_owned(), text(params, "Type").to_owned());
    let content = content(&kind, params)?;
    if policies.made.values().any(|policy| policy.name == name) {
        return Err((ErrorClass::Exists, "DuplicatePolicyException"));
    }
    let tags = params["Tags"].as_array().into_iter().flatten();
    let tags = tags.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned())).collect();
    let id = format!("p-{:08}", policies.made.len());
    policies.made.insert(id, FakePolicy { name, kind, content, tags });
    Ok(json!({}))
}

fn attach(policies: &mut FakePolicies, params: &Value) -> Answer {
    let (id, target) = (text(params, "PolicyId"), text(params, "TargetId"));
    let kind = policies.made.get(id).ok_or(MISSING)?.kind.clone();
    if !policies.enabled.contains(&kind) {
        return Err((ErrorClass::Other, "PolicyTypeNotEnabledException"));
    }
    let own = usize::from(policies.own(&kind).is_some());
    let attached = policies.attached.entry(target.to_owned()).or_default();
    let count = attached.iter().filter(|id| policies.made[*id].kind == kind).count();
    if attached.contains(id) {
        return Err((ErrorClass::Exists, "DuplicatePolicyAttachmentException"));
    }
    if count + own >= FakePolicies::most(&kind) {
        return Err(LIMIT);
    }
    attached.insert(id.to_owned());
    Ok(json!({}))
}

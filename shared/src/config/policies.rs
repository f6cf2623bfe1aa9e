//! Policies of AWS Organizations: those that Forester brings along, and those that the file adds.
//!
//! A policy in the file is a mapping in the place itself, so that one file is the whole truth wherever it is read from;
//! or it is a JSON file beside a configuration that is a file itself. A text that is a placeholder and nothing else
//! stands for a list: the governed regions, the roles that Forester enters by, the roles and the identity providers that
//! the layers declare.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::load::{Beside, Problems};
use super::yaml::Spot;
use super::{Config, Match};

/// A policy that the file adds, or that replaces one of the same name that Forester brings along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What kind of policy it is.
    #[serde(rename = "type")]
    pub kind: PolicyType,
    /// What it is for, in a line.
    #[serde(default)]
    pub description: Option<String>,
    /// The policy document, written here. A text that is `{regions.govern}`, `{access.roles}`, `{baseline.roles}` or
    /// `{baseline.providers}` and nothing else stands for the governed regions, for the ARNs of the roles that Forester
    /// enters accounts by, for those of all roles that the layers declare, and for those of their identity providers.
    #[serde(default)]
    pub content: Option<Value>,
    /// A JSON file with the document, beside this file; only where this file is on disk.
    #[serde(default)]
    pub file: Option<String>,
}

/// A kind of policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyType {
    /// A service control policy: the most that the principals of member accounts may do.
    Scp,
    /// A resource control policy: the most that anybody may do to the resources of member accounts.
    Rcp,
    /// A declarative policy: settings of EC2, VPC and EBS that hold by themselves.
    DeclarativeEc2,
}

/// A policy as it is to be: with its document, and nothing left to fill in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedPolicy {
    /// Its name.
    pub name: String,
    /// What kind of policy it is.
    pub kind: PolicyType,
    /// What it is for.
    pub description: String,
    /// The document.
    pub content: Value,
}

/// The name of the policy that new accounts wait under.
pub const QUARANTINE: &str = "quarantine";

/// What Forester brings along: name, kind, what it is for, document.
const SHIPPED: &[(&str, PolicyType, &str, &str)] = &[
    (
        "deny-leave-org",
        PolicyType::Scp,
        "Accounts cannot leave the organization or close themselves",
        include_str!("../../policies/deny-leave-org.json"),
    ),
    (
        "deny-regions",
        PolicyType::Scp,
        "Nothing but global services outside of the governed regions",
        include_str!("../../policies/deny-regions.json"),
    ),
    (
        "deny-vpc-changes",
        PolicyType::Scp,
        "VPCs, subnets and internet gateways come from elsewhere and stay as they are",
        include_str!("../../policies/deny-vpc-changes.json"),
    ),
    (
        "ec2-defaults",
        PolicyType::DeclarativeEc2,
        "IMDSv2, no public snapshots and images, no serial console",
        include_str!("../../policies/ec2-defaults.json"),
    ),
    (
        "protect-baseline",
        PolicyType::Scp,
        "Roles and settings of the baseline cannot be changed from within the account",
        include_str!("../../policies/protect-baseline.json"),
    ),
    (
        QUARANTINE,
        PolicyType::Scp,
        "Nobody works in a new account until it is guarded",
        include_str!("../../policies/quarantine.json"),
    ),
    (
        "sandbox-cleanable",
        PolicyType::Scp,
        "Nothing that a reset could not undo: commitments, locks, purchases",
        include_str!("../../policies/sandbox-cleanable.json"),
    ),
];

impl PolicyType {
    /// Its name in the API.
    pub fn api(self) -> &'static str {
        match self {
            Self::Scp => "SERVICE_CONTROL_POLICY",
            Self::Rcp => "RESOURCE_CONTROL_POLICY",
            Self::DeclarativeEc2 => "DECLARATIVE_POLICY_EC2",
        }
    }

    /// How many characters a document may have
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>).
    pub fn longest(self) -> usize {
        match self {
            Self::Scp | Self::Rcp => 5_120,
            Self::DeclarativeEc2 => 10_000,
        }
    }

    /// How many a root, an OU or an account may have; AWS's own `FullAWSAccess` counts
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>).
    pub fn most(self) -> usize {
        match self {
            Self::Scp | Self::Rcp => 5,
            Self::DeclarativeEc2 => 10,
        }
    }

    /// Whether it limits what can be done, and therefore never binds the management account.
    pub fn authorizes(self) -> bool {
        match self {
            Self::Scp | Self::Rcp => true,
            Self::DeclarativeEc2 => false,
        }
    }
}

impl std::fmt::Display for PolicyType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scp => "service control policy",
            Self::Rcp => "resource control policy",
            Self::DeclarativeEc2 => "declarative policy",
        })
    }
}

impl NamedPolicy {
    /// The document as it is sent: without a space too many.
    pub fn text(&self) -> String {
        self.content.to_string()
    }
}

impl Config {
    /// The policy that the file, or else Forester itself, calls so.
    pub fn policy(&self, name: &str) -> Option<NamedPolicy> {
        let written = || {
            let Policy { kind, description, content, .. } = self.policies.get(name)?;
            Some((*kind, description.clone().unwrap_or_default(), content.clone()?))
        };
        let shipped = || {
            let (_, kind, description, text) = SHIPPED.iter().find(|(shipped, ..)| *shipped == name)?;
            Some((*kind, (*description).to_owned(), serde_json::from_str(text).ok()?))
        };
        let (kind, description, content) = written().or_else(shipped)?;
        Some(NamedPolicy { name: name.to_owned(), kind, description, content: self.filled(content) })
    }

    /// The names of all policies that a layer can give.
    pub fn policy_names(&self) -> BTreeSet<&str> {
        SHIPPED.iter().map(|(name, ..)| *name).chain(self.policies.keys().map(String::as_str)).collect()
    }

    /// Which policies go where, in the order of the layers.
    pub fn policies_by_match(&self) -> impl Iterator<Item = (&Match, &[String])> {
        let given = self.layers.iter().filter_map(|layer| Some((&layer.matches, layer.policies.as_deref()?)));
        given.filter(|(_, names)| !names.is_empty())
    }

    /// A document with everything in it that is a placeholder filled in.
    pub(super) fn filled(&self, content: Value) -> Value {
        match content {
            Value::Array(items) => {
                let spread = |item: Value| match item.as_str().and_then(|text| self.stands_for(text)) {
                    Some(list) => list,
                    None => vec![self.filled(item)],
                };
                Value::Array(items.into_iter().flat_map(spread).collect())
            }
            Value::Object(entries) => {
                Value::Object(entries.into_iter().map(|(key, value)| (key, self.filled(value))).collect())
            }
            other => other.as_str().and_then(|text| self.stands_for(text)).map_or(other, Value::Array),
        }
    }

    /// The list that a placeholder stands for. The ARNs leave the partition open; so they hold in all of them.
    fn stands_for(&self, text: &str) -> Option<Vec<Value>> {
        let role = |name: &str| Value::from(format!("arn:*:iam::*:role/{name}"));
        Some(match text {
            "{regions.govern}" => self.regions.govern.iter().map(|region| region.as_ref().into()).collect(),
            "{access.roles}" => {
                std::iter::once(&self.access.role).chain(&self.access.fallback).map(|n| role(n)).collect()
            }
            "{baseline.roles}" => {
                let declared = self.layers.iter().flat_map(|layer| self.role_names(layer));
                let names: BTreeSet<String> = declared.map(|(name, _)| name).collect();
                names.iter().map(|name| role(name)).collect()
            }
            "{baseline.providers}" => {
                let declared = self.layers.iter().flat_map(|layer| layer.oidc.iter().flatten());
                let hosts: BTreeSet<&str> = declared.filter_map(|(_, provider)| provider.host()).collect();
                hosts.into_iter().map(|host| format!("arn:*:iam::*:oidc-provider/{host}").into()).collect()
            }
            _ => return None,
        })
    }
}

/// Reads the files that policies name.
pub(super) fn read(config: &mut Config, beside: &Beside<'_>, problems: &mut Problems) {
    for (name, policy) in &mut config.policies {
        let Some(file) = &policy.file else { continue };
        let spot = Spot::default().key("policies").key(name).key("file");
        if policy.content.is_some() {
            problems.add(&spot, "`content` is given as well; expected one of the two");
            continue;
        }
        let read = beside(file)
            .and_then(|text| serde_json::from_str(&text).map_err(|error| format!("{file} is not JSON: {error}")));
        match read {
            Ok(content) => policy.content = Some(content),
            Err(message) => problems.add(&spot, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(sections: &str) -> Config {
        let head = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1, us-east-1]}\n\
            access: {role: Admin, fallback: [Second]}\naccounts: {audit: {id: \"222233334444\"}}\n";
        Config::parse(&format!("{head}{sections}"), "f").unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn every_policy_that_comes_along_is_json_and_fits() {
        let config = config("");
        for (name, kind, ..) in SHIPPED {
            let document = config.policy(name).unwrap_or_else(|| panic!("{name} is no JSON"));
            assert!(document.content.is_object() && document.text().len() <= kind.longest(), "{name}");
            assert!(!document.text().contains(".roles}") && !document.text().contains(".govern}"), "{name}");
            assert!(!document.text().contains(".providers}"), "{name}");
        }
    }

    #[test]
    fn placeholders_are_lists_of_the_files_own_values() {
        let config =
            config("layers:\n- {match: {all: true}, roles: {Ops: {policies: [ReadOnlyAccess], trust: [audit]}}}\n");
        let regions = config.policy("deny-regions").unwrap().content;
        let condition = &regions["Statement"][0]["Condition"];
        assert_eq!(condition["StringNotEquals"]["aws:RequestedRegion"], json!(["eu-west-1", "us-east-1"]));
        let (own, second) = ("arn:*:iam::*:role/Admin", "arn:*:iam::*:role/Second");
        assert_eq!(condition["ArnNotLike"]["aws:PrincipalArn"], json!([own, second]));
        let baseline = config.policy("protect-baseline").unwrap().content;
        assert_eq!(baseline["Statement"][0]["Resource"], json!([own, second, "arn:*:iam::*:role/Ops"]));
    }

    /// Whom a policy spares is known by name, so nobody else may make or open a role of that name.
    #[test]
    fn policy_that_spares_the_roles_that_enter_lets_nobody_make_one() {
        let config = config("");
        for name in SHIPPED.iter().filter(|(_, kind, ..)| *kind == PolicyType::Scp).map(|(name, ..)| name) {
            let content = config.policy(name).unwrap().content;
            let statements = content["Statement"].as_array().unwrap();
            let spares = |statement: &&Value| statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].is_array();
            let denies = |action: &str| {
                let has = |list: &Value, word: &str| list.as_array().is_some_and(|list| list.contains(&word.into()));
                statements.iter().any(|statement| {
                    let resource = &statement["Resource"];
                    let on =
                        ["arn:*:iam::*:role/Admin", "arn:*:iam::*:role/Second"].iter().all(|arn| has(resource, arn));
                    (on || resource == "*") && (has(&statement["Action"], action) || statement["Action"] == "*")
                })
            };
            let closed = denies("iam:CreateRole") && denies("iam:UpdateAssumeRolePolicy");
            assert!(closed || statements.iter().find(spares).is_none(), "{name}");
        }
    }

    #[test]
    fn every_role_and_provider_of_the_baseline_is_protected() {
        let config = config(
            "identities: {home: audit, groups: {ops: AdministratorAccess}}\nlayers:\n- match: {all: true}\n  \
             mirror_roles: {prefix: cross-}\n  deploy_roles: {trust: audit}\n  oidc: {github: {url: \"https://id.acme.example\", \
             roles: {Publish: {subjects: [\"team:a\"]}}}}\n",
        );
        let protected = config.policy("protect-baseline").unwrap().content["Statement"][0]["Resource"].clone();
        for resource in [
            "role/Admin",
            "role/Second",
            "role/CodePipelineDeploy",
            "role/CloudFormationExec",
            "role/Publish",
            "role/cross-ops",
            "oidc-provider/id.acme.example",
        ] {
            let arn = json!(format!("arn:*:iam::*:{resource}"));
            assert!(protected.as_array().unwrap().contains(&arn), "{resource}: {protected}");
        }
    }

    #[test]
    fn document_in_a_file_beside_the_configuration_is_read() {
        let directory = std::env::temp_dir().join(format!("forester-policies-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("own.json"), r#"{"Version": "2012-10-17", "Statement": []}"#).unwrap();
        let name = directory.join("forester.yaml").display().to_string();
        let text = |file: &str| {
            format!(
                "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
                 access: {{role: Admin}}\npolicies: {{own: {{type: scp, file: {file}}}}}\n"
            )
        };
        let config = Config::parse_file(&text("own.json"), &name).unwrap();
        assert_eq!(config.policy("own").unwrap().content, json!({"Version": "2012-10-17", "Statement": []}));
        let errors = Config::parse_file(&text("none.json"), &name).unwrap_err().to_string();
        assert!(errors.contains("policies.own.file: cannot read") && errors.contains("none.json"), "{errors}");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn policy_of_the_file_replaces_one_that_comes_along() {
        let config = config(
            "policies:\n  deny-leave-org:\n    type: scp\n    content:\n      Version: 2012-10-17\n      Statement:\n      \
             - {Effect: Deny, Action: \"organizations:LeaveOrganization\", Resource: \"*\"}\n",
        );
        assert_eq!(config.policy("deny-leave-org").unwrap().content["Statement"].as_array().unwrap().len(), 1);
        assert!(config.policy("deny-regions").is_some() && config.policy("nothing").is_none());
    }
}

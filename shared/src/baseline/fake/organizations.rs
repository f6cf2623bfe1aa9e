//! A fake organization, and the directory that reads it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::account_requests::{FakeRequests, requests};
use super::policies::{FakePolicies, policies};
use super::{Answer, FakeCenter, FakeCloud, FakeTemplate, GONE, text};
use crate::aws::{CallError, ErrorClass};
use crate::org::{Account, AccountState, Directory, Forest, Member, Organization};
use crate::types::{AccountId, OuId, OuPath};

/// What an organization holds.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::baseline) struct FakeOrganization {
    pub management: AccountId,
    pub units: BTreeMap<OuPath, OuId>,
    pub members: BTreeMap<AccountId, FakeMember>,
    /// The services that may look into it.
    pub services: BTreeSet<String>,
    pub quota_template: FakeTemplate,
    pub policies: FakePolicies,
    /// Services and their administrators.
    pub administrators: BTreeSet<(String, AccountId)>,
    pub requests: FakeRequests,
    /// What of the root users is managed centrally.
    pub root_features: BTreeSet<String>,
    pub center: FakeCenter,
}

/// What Organizations knows of an account.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::baseline) struct FakeMember {
    pub name: String,
    pub ou: OuPath,
    pub state: AccountState,
    pub tags: BTreeMap<String, String>,
    pub joined: Timestamp,
}

impl FakeMember {
    pub fn new(name: &str, ou: &str) -> Self {
        let ou = ou.parse().unwrap();
        Self { name: name.to_owned(), ou, state: AccountState::Active, tags: BTreeMap::new(), joined: Timestamp::now() }
    }

    pub fn email(&self) -> String {
        format!("aws+{}@acme.example", self.name)
    }
}

impl FakeOrganization {
    /// An organization of these OUs, the parents first, and of its management account `root`.
    pub fn new(management: &AccountId, ous: &[&str]) -> Self {
        let members = [(management.clone(), FakeMember::new("root", ""))].into();
        let mut organization = Self {
            management: management.clone(),
            units: BTreeMap::new(),
            members,
            services: BTreeSet::new(),
            quota_template: FakeTemplate::default(),
            policies: FakePolicies::default(),
            administrators: BTreeSet::new(),
            requests: FakeRequests::default(),
            root_features: BTreeSet::new(),
            center: FakeCenter::default(),
        };
        for path in [""].iter().chain(ous) {
            organization.grow(path.parse().unwrap());
        }
        organization
    }

    pub fn with(mut self, id: &AccountId, member: FakeMember) -> Self {
        self.members.insert(id.clone(), member);
        self
    }

    fn grow(&mut self, path: OuPath) -> OuId {
        let number = self.units.len();
        let id = if path.is_root() { "r-ab12".to_owned() } else { format!("ou-ab12-{number:08}") };
        let id: OuId = id.parse().unwrap();
        self.units.insert(path, id.clone());
        id
    }

    fn path(&self, id: &str) -> Option<OuPath> {
        self.units.iter().find(|(_, unit)| unit.as_ref() == id).map(|(path, _)| path.clone())
    }
}

pub(super) fn organizations(
    organization: Option<&mut FakeOrganization>,
    caller: &AccountId,
    operation: &str,
    params: &Value,
) -> Answer {
    let organization = organization.ok_or((ErrorClass::Gone, "AWSOrganizationsNotInUseException"))?;
    if *caller != organization.management {
        return Err((ErrorClass::Denied, "AccessDeniedException"));
    }
    match operation {
        "ListParents" => parents(organization, params),
        "ListTagsForResource" => tags_of(organization, params).map(|tags| {
            let tag = |(key, value): (&String, &String)| json!({ "Key": key, "Value": value });
            json!({ "Tags": tags.iter().map(tag).collect::<Vec<_>>() })
        }),
        "CreateOrganizationalUnit" => create_unit(organization, params),
        "ListOrganizationalUnitsForParent" => units_below(organization, params),
        "MoveAccount" => moved(organization, params),
        "EnableAWSServiceAccess" => {
            organization.services.insert(text(params, "ServicePrincipal").to_owned());
            Ok(json!({}))
        }
        "ListAWSServiceAccessForOrganization" => {
            let enabled = organization.services.iter().map(|name| json!({ "ServicePrincipal": name }));
            Ok(json!({ "EnabledServicePrincipals": enabled.collect::<Vec<_>>() }))
        }
        "TagResource" => {
            let new = params["Tags"].as_array().unwrap().iter();
            let new = new.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()));
            tags_of(organization, params)?.extend(new);
            Ok(json!({}))
        }
        "UntagResource" => {
            let keys: Vec<&str> = params["TagKeys"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert!(!keys.iter().any(|key| key.starts_with("aws:")), "tags of AWS cannot be removed");
            tags_of(organization, params)?.retain(|key, _| !keys.contains(&key.as_str()));
            Ok(json!({}))
        }
        "ListDelegatedAdministrators" => {
            let service = text(params, "ServicePrincipal");
            let administrators = organization.administrators.iter().filter(|(of, _)| of == service);
            let administrators: Vec<Value> = administrators.map(|(_, id)| json!({ "Id": id })).collect();
            Ok(json!({ "DelegatedAdministrators": administrators }))
        }
        "RegisterDelegatedAdministrator" => registered(organization, params),
        "ListAccounts" => {
            let account = |(id, member): (&AccountId, &FakeMember)| json!({ "Id": id, "Email": member.email() });
            Ok(json!({ "Accounts": organization.members.iter().map(account).collect::<Vec<_>>() }))
        }
        "DescribeAccount" => {
            let known = text(params, "AccountId").parse().is_ok_and(|id| organization.members.contains_key(&id));
            if known { Ok(json!({ "Account": {} })) } else { Err((ErrorClass::Gone, "AccountNotFoundException")) }
        }
        "CreateAccount" | "DescribeCreateAccountStatus" | "ListCreateAccountStatus" => {
            requests(organization, operation, params)
        }
        _ => policies(organization, operation, params),
    }
}

/// IAM's calls about the organization, which need trusted access for IAM.
pub(super) fn root_features(organization: Option<&mut FakeOrganization>, operation: &str) -> Answer {
    let organization = organization.ok_or((ErrorClass::Gone, "OrganizationNotFoundException"))?;
    if !organization.services.contains("iam.amazonaws.com") {
        return Err((ErrorClass::Other, "ServiceAccessNotEnabledException"));
    }
    match operation {
        "ListOrganizationsFeatures" => {}
        "EnableOrganizationsRootCredentialsManagement" => {
            organization.root_features.insert("RootCredentialsManagement".to_owned());
        }
        "EnableOrganizationsRootSessions" => {
            organization.root_features.insert("RootSessions".to_owned());
        }
        _ => panic!("the fake does not know iam:{operation}"),
    }
    Ok(json!({ "EnabledFeatures": organization.root_features }))
}

fn parents(organization: &FakeOrganization, params: &Value) -> Answer {
    let child = text(params, "ChildId");
    let path = match child.parse::<AccountId>() {
        Ok(account) => organization.members.get(&account).map(|member| member.ou.clone()),
        Err(_) => organization.path(child).and_then(|path| above(&path)),
    };
    let path = path.ok_or((ErrorClass::Gone, "ChildNotFoundException"))?;
    let kind = if path.is_root() { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
    Ok(json!({ "Parents": [{ "Id": organization.units[&path], "Type": kind }] }))
}

fn above(path: &OuPath) -> Option<OuPath> {
    let parent = path.as_ref().rsplit_once('/').map_or("", |(parent, _)| parent);
    (!path.is_root()).then(|| parent.parse().unwrap())
}

/// The tags of an account or of a policy.
fn tags_of<'a>(
    organization: &'a mut FakeOrganization,
    params: &Value,
) -> Result<&'a mut BTreeMap<String, String>, (ErrorClass, &'static str)> {
    let resource = text(params, "ResourceId");
    let FakeOrganization { members, policies, .. } = organization;
    let tags = match resource.parse::<AccountId>() {
        Ok(account) => members.get_mut(&account).map(|member| &mut member.tags),
        Err(_) => policies.made.get_mut(resource).map(|policy| &mut policy.tags),
    };
    tags.ok_or((ErrorClass::Gone, "TargetNotFoundException"))
}

fn create_unit(organization: &mut FakeOrganization, params: &Value) -> Answer {
    let parent = organization.path(text(params, "ParentId")).ok_or((ErrorClass::Gone, "ParentNotFoundException"))?;
    let path = parent.child(text(params, "Name"));
    match organization.units.contains_key(&path) {
        true => Err((ErrorClass::Exists, "DuplicateOrganizationalUnitException")),
        false => Ok(json!({ "OrganizationalUnit": { "Id": organization.grow(path) } })),
    }
}

fn units_below(organization: &FakeOrganization, params: &Value) -> Answer {
    let parent = organization.path(text(params, "ParentId")).ok_or((ErrorClass::Gone, "ParentNotFoundException"))?;
    let below = organization.units.iter().filter(|(path, _)| above(path) == Some(parent.clone()));
    let unit = |(path, id): (&OuPath, &OuId)| json!({ "Id": id, "Name": path.as_ref().rsplit('/').next() });
    Ok(json!({ "OrganizationalUnits": below.map(unit).collect::<Vec<_>>() }))
}

fn registered(organization: &mut FakeOrganization, params: &Value) -> Answer {
    let service = text(params, "ServicePrincipal").to_owned();
    let account: AccountId = text(params, "AccountId").parse().unwrap();
    if !organization.services.contains(&service) || account == organization.management {
        return Err((ErrorClass::Other, "ConstraintViolationException"));
    }
    match organization.administrators.insert((service, account)) {
        true => Ok(json!({})),
        false => Err((ErrorClass::Exists, "AccountAlreadyRegisteredException")),
    }
}

fn moved(organization: &mut FakeOrganization, params: &Value) -> Answer {
    let source = organization.path(text(params, "SourceParentId"));
    let target = organization.path(text(params, "DestinationParentId"));
    let target = target.ok_or((ErrorClass::Conflict, "DestinationParentNotFoundException"))?;
    let account = text(params, "AccountId").parse().unwrap();
    let member = organization.members.get_mut(&account).ok_or(GONE)?;
    if source.as_ref() != Some(&member.ou) {
        return Err((ErrorClass::Conflict, "SourceParentNotFoundException"));
    }
    if member.ou == target {
        return Err((ErrorClass::Exists, "DuplicateAccountException"));
    }
    member.ou = target;
    Ok(json!({}))
}

/// The directory of the fake organization.
pub(in crate::baseline) struct FakeDirectory(pub FakeCloud);

#[async_trait]
impl Directory for FakeDirectory {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        let account = |(id, member): (AccountId, FakeMember)| Account {
            id,
            email: Some(member.email()),
            name: member.name,
            state: member.state,
            ou: member.ou,
            tags: member.tags,
            joined: Some(member.joined),
        };
        Ok(self.0.organization().members.into_iter().map(account).collect())
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        Ok(self.accounts().await?.into_iter().find(|account| account.id == *id))
    }

    async fn forest(&self) -> Result<Forest, CallError> {
        let FakeOrganization { management, units, .. } = self.0.organization();
        let member = |Account { id, name, email, state, ou, .. }: Account| Member { id, name, email, state, ou };
        let members = self.accounts().await?.into_iter().map(member).collect();
        let id = "o-exampleorgid".to_owned();
        Ok(Forest { organization: Some(Organization { id, management, units }), members })
    }

    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        Ok(vec![self.0.organization().management])
    }
}

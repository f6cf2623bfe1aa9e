//! Accounts in memory that behave like AWS where the baseline looks: they hold state, count calls and fail when told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::aws::{Accounts, Call, CallError, ErrorClass, Meter, Scope};
use crate::types::{AccountId, Region};

/// All accounts there are.
#[derive(Clone, Default)]
pub(super) struct FakeCloud {
    state: Arc<Mutex<State>>,
    meter: Meter,
}

#[derive(Default)]
struct State {
    accounts: BTreeMap<AccountId, FakeAccount>,
    calls: Vec<(AccountId, Region, String)>,
    faults: Vec<Fault>,
    taken_aliases: BTreeSet<String>,
}

struct Fault {
    operation: String,
    region: Option<Region>,
    class: ErrorClass,
    code: String,
}

/// What one account holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FakeAccount {
    pub regions: Vec<Region>,
    pub alias: Option<String>,
    pub password_policy: Option<Value>,
    pub public_access_block: Option<Value>,
    pub encrypted: BTreeSet<Region>,
    pub vpcs: BTreeMap<Region, FakeVpc>,
    pub roles: BTreeMap<String, FakeRole>,
    pub budgets: BTreeMap<String, FakeBudget>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FakeVpc {
    pub default: bool,
    /// Kind (`subnet`, `igw`, `eni`, …) and ids.
    pub content: BTreeMap<&'static str, BTreeSet<String>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FakeRole {
    pub trust: String,
    pub policies: BTreeSet<String>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FakeBudget {
    pub budget: Value,
    pub alerts: Vec<(Value, Vec<Value>)>,
}

/// A kind of thing in a VPC: the list's operation and key, the id's key, the delete's operation.
const IN_VPC: &[(&str, &str, &str, &str, &str)] = &[
    ("eni", "DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId", ""),
    ("endpoint", "DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId", ""),
    ("vgw", "DescribeVpnGateways", "VpnGateways", "VpnGatewayId", ""),
    ("peering", "DescribeVpcPeeringConnections", "VpcPeeringConnections", "VpcPeeringConnectionId", ""),
    ("igw", "DescribeInternetGateways", "InternetGateways", "InternetGatewayId", "DeleteInternetGateway"),
    (
        "eigw",
        "DescribeEgressOnlyInternetGateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
        "DeleteEgressOnlyInternetGateway",
    ),
    ("subnet", "DescribeSubnets", "Subnets", "SubnetId", "DeleteSubnet"),
    ("rtb", "DescribeRouteTables", "RouteTables", "RouteTableId", "DeleteRouteTable"),
    ("acl", "DescribeNetworkAcls", "NetworkAcls", "NetworkAclId", "DeleteNetworkAcl"),
    ("sg", "DescribeSecurityGroups", "SecurityGroups", "GroupId", "DeleteSecurityGroup"),
];

impl FakeVpc {
    /// As AWS makes it: a gateway, subnets, and the table, ACL and group that go with the VPC.
    pub fn fresh(region: &Region) -> Self {
        let ids = |kind: &str, n: usize| (0..n).map(|i| format!("{kind}-{region}-{i}")).collect();
        let content = [("igw", 1), ("subnet", 3), ("rtb", 1), ("acl", 1), ("sg", 1)];
        Self { default: true, content: content.iter().map(|(kind, n)| (*kind, ids(kind, *n))).collect() }
    }

    pub fn with(mut self, kind: &'static str, id: &str) -> Self {
        self.content.entry(kind).or_default().insert(id.to_owned());
        self
    }
}

impl FakeAccount {
    /// As AWS hands it out: a default VPC in every region and nothing else.
    pub fn fresh(regions: &[&str]) -> Self {
        let regions: Vec<Region> = regions.iter().map(|region| region.parse().unwrap()).collect();
        let vpcs = regions.iter().map(|region| (region.clone(), FakeVpc::fresh(region))).collect();
        Self { regions, vpcs, ..Self::default() }
    }
}

impl FakeCloud {
    pub fn with(self, id: &AccountId, account: FakeAccount) -> Self {
        self.lock().accounts.insert(id.clone(), account);
        self
    }

    pub fn account(&self, id: &AccountId) -> FakeAccount {
        self.lock().accounts[id].clone()
    }

    pub fn change(&self, id: &AccountId, change: impl FnOnce(&mut FakeAccount)) {
        change(self.lock().accounts.get_mut(id).unwrap());
    }

    /// Every call of `operation` fails from now on, in one region or in all.
    pub fn fail(&self, operation: &str, region: Option<&str>, class: ErrorClass, code: &str) {
        let region = region.map(|region| region.parse().unwrap());
        self.lock().faults.push(Fault { operation: operation.to_owned(), region, class, code: code.to_owned() });
    }

    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    pub fn take_alias(&self, alias: &str) {
        self.lock().taken_aliases.insert(alias.to_owned());
    }

    /// The operations called so far, and forgets them.
    pub fn calls(&self) -> Vec<(AccountId, Region, String)> {
        std::mem::take(&mut self.lock().calls)
    }

    /// The writes among the calls so far, and forgets them all.
    pub fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "List"];
        let write = |name: &String| !reads.iter().any(|read| name.starts_with(read));
        self.calls().into_iter().map(|(_, _, operation)| operation).filter(write).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[async_trait]
impl Accounts for FakeCloud {
    async fn scope(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError> {
        let client = FakeClient { cloud: self.clone(), account: account.clone(), region: region.clone() };
        if !self.lock().accounts.contains_key(account) {
            return Err(client.error("sts", "AssumeRole", ErrorClass::Denied, "AccessDenied"));
        }
        client.faulty("sts", "AssumeRole")?;
        Ok(Scope::new(account.clone(), region.clone(), Arc::new(client)))
    }

    async fn home(&self) -> Result<AccountId, CallError> {
        Ok("111122223333".parse().unwrap())
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

struct FakeClient {
    cloud: FakeCloud,
    account: AccountId,
    region: Region,
}

type Answer = Result<Value, (ErrorClass, &'static str)>;

const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "NoSuchEntity");
const EXISTS: (ErrorClass, &str) = (ErrorClass::Exists, "EntityAlreadyExists");

#[async_trait]
impl Call for FakeClient {
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        let mut answer = self.answer(service, operation, &params)?;
        // One call is one page, and pages are small here: whoever does not turn the page misses something.
        if let (true, Some((_, items))) = (operation.starts_with("List"), only_list(&mut answer)) {
            items.truncate(1);
        }
        Ok(answer)
    }

    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        let mut answer = self.answer(service, operation, &params)?;
        Ok(only_list(&mut answer).map(|(_, items)| std::mem::take(items)).unwrap_or_default())
    }
}

fn only_list(answer: &mut Value) -> Option<(String, &mut Vec<Value>)> {
    let entries = answer.as_object_mut()?;
    entries.iter_mut().find_map(|(key, value)| Some((key.clone(), value.as_array_mut()?)))
}

impl FakeClient {
    fn answer(&self, service: &str, operation: &str, params: &Value) -> Result<Value, CallError> {
        self.faulty(service, operation)?;
        let mut state = self.cloud.lock();
        let State { accounts, taken_aliases, .. } = &mut *state;
        let account = accounts.get_mut(&self.account).unwrap();
        let answer = match service {
            "iam" => iam(account, taken_aliases, operation, params),
            "s3control" => s3control(account, operation, params),
            "ec2" => ec2(account, &self.region, operation, params),
            "budgets" => budgets(account, operation, params),
            _ => panic!("the fake does not know {service}"),
        };
        drop(state);
        answer.map_err(|(class, code)| self.error(service, operation, class, code))
    }

    fn faulty(&self, service: &str, operation: &str) -> Result<(), CallError> {
        let mut state = self.cloud.lock();
        if operation != "AssumeRole" {
            state.calls.push((self.account.clone(), self.region.clone(), operation.to_owned()));
        }
        let here = |fault: &&Fault| {
            fault.operation == operation && fault.region.as_ref().is_none_or(|region| *region == self.region)
        };
        match state.faults.iter().find(here) {
            Some(fault) => Err(self.error(service, operation, fault.class, &fault.code)),
            None => Ok(()),
        }
    }

    fn error(&self, service: &str, operation: &str, class: ErrorClass, code: &str) -> CallError {
        CallError {
            class,
            service: service.to_owned(),
            operation: operation.to_owned(),
            account: self.account.clone(),
            region: self.region.clone(),
            code: Some(code.to_owned()),
            message: "as told".to_owned(),
            request_id: None,
        }
    }
}

fn text<'a>(params: &'a Value, member: &str) -> &'a str {
    params[member].as_str().unwrap_or_else(|| panic!("no {member} in {params}"))
}

fn iam(account: &mut FakeAccount, taken: &BTreeSet<String>, operation: &str, params: &Value) -> Answer {
    match operation {
        "ListAccountAliases" => Ok(json!({ "AccountAliases": account.alias.iter().collect::<Vec<_>>() })),
        "CreateAccountAlias" => {
            let alias = text(params, "AccountAlias").to_owned();
            if taken.contains(&alias) || account.alias.as_ref() == Some(&alias) {
                return Err(EXISTS);
            }
            account.alias = Some(alias);
            Ok(json!({}))
        }
        "GetAccountPasswordPolicy" => match &account.password_policy {
            Some(policy) => Ok(json!({ "PasswordPolicy": policy })),
            None => Err(GONE),
        },
        "UpdateAccountPasswordPolicy" => {
            account.password_policy = Some(params.clone());
            Ok(json!({}))
        }
        "CreateRole" => {
            let name = text(params, "RoleName").to_owned();
            if account.roles.contains_key(&name) {
                return Err(EXISTS);
            }
            let trust = text(params, "AssumeRolePolicyDocument").to_owned();
            account.roles.insert(name, FakeRole { trust, tags: tags(&params["Tags"]), ..FakeRole::default() });
            Ok(json!({}))
        }
        _ => {
            let name = text(params, "RoleName");
            let role = account.roles.get_mut(name).ok_or(GONE)?;
            one_role(role, name, operation, params)
        }
    }
}

fn tags(list: &Value) -> BTreeMap<String, String> {
    let pair = |tag: &Value| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned());
    list.as_array().into_iter().flatten().map(pair).collect()
}

fn one_role(role: &mut FakeRole, name: &str, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetRole" => {
            let trust = utf8_percent_encode(&role.trust, NON_ALPHANUMERIC).to_string();
            let tags: Vec<Value> = role.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            return Ok(json!({ "Role": { "RoleName": name, "AssumeRolePolicyDocument": trust, "Tags": tags } }));
        }
        "ListAttachedRolePolicies" => {
            let policies: Vec<Value> = role.policies.iter().map(|arn| json!({ "PolicyArn": arn })).collect();
            return Ok(json!({ "AttachedPolicies": policies }));
        }
        "UpdateAssumeRolePolicy" => role.trust = text(params, "PolicyDocument").to_owned(),
        "AttachRolePolicy" => {
            let policy = text(params, "PolicyArn").to_owned();
            if policy.ends_with("/NoSuchPolicy") {
                return Err(GONE);
            }
            role.policies.insert(policy);
        }
        "DetachRolePolicy" => {
            if !role.policies.remove(text(params, "PolicyArn")) {
                return Err(GONE);
            }
        }
        "TagRole" => role.tags.extend(tags(&params["Tags"])),
        "UntagRole" => {
            for key in params["TagKeys"].as_array().unwrap() {
                role.tags.remove(key.as_str().unwrap());
            }
        }
        _ => panic!("the fake does not know iam:{operation}"),
    }
    Ok(json!({}))
}

fn s3control(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetPublicAccessBlock" => match &account.public_access_block {
            Some(block) => Ok(json!({ "PublicAccessBlockConfiguration": block })),
            None => Err((ErrorClass::Gone, "NoSuchPublicAccessBlockConfiguration")),
        },
        "PutPublicAccessBlock" => {
            account.public_access_block = Some(params["PublicAccessBlockConfiguration"].clone());
            Ok(json!({}))
        }
        _ => panic!("the fake does not know s3control:{operation}"),
    }
}

fn ec2(account: &mut FakeAccount, region: &Region, operation: &str, params: &Value) -> Answer {
    match operation {
        "DescribeRegions" => {
            let regions: Vec<Value> = account
                .regions
                .iter()
                .map(|r| json!({"RegionName": r, "OptInStatus": "opt-in-not-required"}))
                .collect();
            Ok(json!({ "Regions": regions }))
        }
        "GetEbsEncryptionByDefault" => Ok(json!({ "EbsEncryptionByDefault": account.encrypted.contains(region) })),
        "EnableEbsEncryptionByDefault" => {
            account.encrypted.insert(region.clone());
            Ok(json!({ "EbsEncryptionByDefault": true }))
        }
        "DescribeVpcs" => {
            let vpc = account.vpcs.get(region).map(|vpc| json!({ "VpcId": "vpc-1", "IsDefault": vpc.default }));
            Ok(json!({ "Vpcs": vpc.into_iter().collect::<Vec<_>>() }))
        }
        "DeleteVpc" => {
            let vpc = account.vpcs.get(region).ok_or((ErrorClass::Gone, "InvalidVpcID.NotFound"))?;
            let goes_along = |kind: &str| matches!(kind, "rtb" | "acl" | "sg");
            if vpc.content.iter().any(|(kind, ids)| !ids.is_empty() && (!goes_along(kind) || ids.len() > 1)) {
                return Err((ErrorClass::Conflict, "DependencyViolation"));
            }
            account.vpcs.remove(region);
            Ok(json!({}))
        }
        "DetachInternetGateway" => Ok(json!({})),
        _ => in_vpc(account.vpcs.get_mut(region), operation, params),
    }
}

fn in_vpc(vpc: Option<&mut FakeVpc>, operation: &str, params: &Value) -> Answer {
    let entry = IN_VPC.iter().find(|(_, list, .., delete)| *list == operation || *delete == operation);
    let (kind, list, key, id, _) = entry.unwrap_or_else(|| panic!("the fake does not know ec2:{operation}"));
    let Some(vpc) = vpc else { return Ok(json!({ *key: [] })) };
    let ids = vpc.content.entry(kind).or_default();
    if operation != *list {
        let found = ids.remove(text(params, id));
        return if found { Ok(json!({})) } else { Err((ErrorClass::Gone, "Invalid.NotFound")) };
    }
    let here = json!([{ "VpcId": "vpc-1", "State": "attached" }]);
    let item = |(n, name): (usize, &String)| {
        json!({ *id: name, "VpcId": "vpc-1", "Attachments": here, "VpcAttachments": here, "IsDefault": n == 0,
            "GroupName": if n == 0 { "default" } else { "other" }, "Associations": [{ "Main": n == 0 }],
            "Status": { "Code": "active" } })
    };
    Ok(json!({ *key: ids.iter().enumerate().map(item).collect::<Vec<_>>() }))
}

fn budgets(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "NotFoundException");
    if operation == "CreateBudget" {
        let name = text(&params["Budget"], "BudgetName").to_owned();
        if account.budgets.contains_key(&name) {
            return Err((ErrorClass::Exists, "DuplicateRecordException"));
        }
        let alert = |alert: &Value| {
            let subscribers = alert["Subscribers"].as_array().unwrap().clone();
            (alert["Notification"].clone(), subscribers)
        };
        let alerts = params["NotificationsWithSubscribers"].as_array().into_iter().flatten().map(alert).collect();
        account.budgets.insert(name, FakeBudget { budget: params["Budget"].clone(), alerts });
        return Ok(json!({}));
    }
    if operation == "UpdateBudget" {
        let new = &params["NewBudget"];
        account.budgets.get_mut(text(new, "BudgetName")).ok_or(GONE)?.budget = new.clone();
        return Ok(json!({}));
    }
    let budget = account.budgets.get_mut(text(params, "BudgetName")).ok_or(GONE)?;
    let at = budget.alerts.iter().position(|(alert, _)| *alert == params["Notification"]);
    match (operation, at) {
        ("DescribeBudget", _) => return Ok(json!({ "Budget": budget.budget })),
        ("DescribeNotificationsForBudget", _) => {
            let alerts: Vec<&Value> = budget.alerts.iter().map(|(alert, _)| alert).collect();
            return Ok(json!({ "Notifications": alerts }));
        }
        ("CreateNotification", Some(_)) => return Err((ErrorClass::Exists, "DuplicateRecordException")),
        ("CreateNotification", None) => {
            if budget.alerts.len() == 5 {
                return Err((ErrorClass::Invalid, "CreationLimitExceededException"));
            }
            let subscribers = params["Subscribers"].as_array().unwrap().clone();
            budget.alerts.push((params["Notification"].clone(), subscribers));
        }
        (_, None) => return Err(GONE),
        ("DeleteNotification", Some(at)) => drop(budget.alerts.remove(at)),
        (_, Some(at)) => return subscribers(&mut budget.alerts[at].1, operation, params),
    }
    Ok(json!({}))
}

fn subscribers(all: &mut Vec<Value>, operation: &str, params: &Value) -> Answer {
    match operation {
        "DescribeSubscribersForNotification" => return Ok(json!({ "Subscribers": all })),
        "CreateSubscriber" => all.push(params["Subscriber"].clone()),
        "DeleteSubscriber" => all.retain(|who| *who != params["Subscriber"]),
        "UpdateSubscriber" => {
            all.retain(|who| *who != params["OldSubscriber"]);
            all.push(params["NewSubscriber"].clone());
        }
        _ => panic!("the fake does not know budgets:{operation}"),
    }
    Ok(json!({}))
}

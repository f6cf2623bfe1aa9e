//! An organization that behaves: policies with AWS's limits, accounts that close and come about in their own time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::aws::ErrorClass;

type Refused = (ErrorClass, &'static str);

/// A policy that somebody made.
#[derive(Clone, Debug, PartialEq)]
pub struct FakePolicy {
    pub name: String,
    pub content: String,
    pub tags: Value,
}

/// An account of the organization.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeMember {
    pub name: String,
    pub email: String,
    pub state: &'static str,
    pub parent: String,
    pub tags: BTreeMap<String, String>,
}

/// A request for an account.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeRequest {
    pub name: String,
    pub email: String,
    pub tags: BTreeMap<String, String>,
    pub polls: u32,
    pub outcome: Option<Result<String, &'static str>>,
}

/// The state.
#[derive(Debug)]
pub struct FakeOrganization {
    pub policies: BTreeMap<String, FakePolicy>,
    /// Policy, target.
    pub attached: BTreeSet<(String, String)>,
    /// How many policies of somebody else are on every account.
    pub foreign: usize,
    pub members: BTreeMap<String, FakeMember>,
    pub requests: Vec<FakeRequest>,
    /// Closes that AWS took.
    pub closed: Vec<String>,
    pub quota: usize,
    /// How often one has to look until something has happened.
    pub slow: u32,
    pub looks: BTreeMap<String, u32>,
    /// Addresses that accounts elsewhere have.
    pub taken: BTreeSet<String>,
    /// Lists of accounts that leave out the new ones.
    pub unlisted: u32,
    made: u64,
}

impl Default for FakeOrganization {
    fn default() -> Self {
        Self {
            policies: BTreeMap::new(),
            attached: BTreeSet::new(),
            foreign: 1,
            members: BTreeMap::new(),
            requests: Vec::new(),
            closed: Vec::new(),
            quota: 250,
            slow: 2,
            looks: BTreeMap::new(),
            taken: BTreeSet::new(),
            unlisted: 0,
            made: 0,
        }
    }
}

const CONSTRAINT: fn(&'static str) -> Refused = |reason| (ErrorClass::Other, reason);

impl FakeOrganization {
    /// The names of the policies on a target.
    pub fn on(&self, target: &str) -> Vec<String> {
        let there = self.attached.iter().filter(|(_, at)| at == target);
        there.map(|(policy, _)| self.policies[policy].name.clone()).collect()
    }

    pub fn call(&mut self, operation: &str, params: &Value) -> Result<Value, Refused> {
        let text = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
        match operation {
            "CreatePolicy" => {
                if self.policies.values().any(|policy| policy.name == text("Name")) {
                    return Err((ErrorClass::Exists, "DuplicatePolicyException"));
                }
                assert!(text("Content").len() <= 5_120, "AWS takes no more");
                self.made += 1;
                let id = format!("p-{}", self.made);
                let policy = FakePolicy { name: text("Name"), content: text("Content"), tags: params["Tags"].clone() };
                self.policies.insert(id.clone(), policy);
                Ok(json!({ "Policy": { "PolicySummary": { "Id": id } } }))
            }
            "UpdatePolicy" => {
                let policy = self.policies.get_mut(&text("PolicyId"));
                policy.ok_or((ErrorClass::Gone, "PolicyNotFoundException"))?.content = text("Content");
                Ok(json!({}))
            }
            "DeletePolicy" => {
                let id = text("PolicyId");
                if self.attached.iter().any(|(policy, _)| *policy == id) {
                    return Err((ErrorClass::Conflict, "PolicyInUseException"));
                }
                self.policies.remove(&id).ok_or((ErrorClass::Gone, "PolicyNotFoundException"))?;
                Ok(json!({}))
            }
            "AttachPolicy" => {
                let pair = (text("PolicyId"), text("TargetId"));
                let there = self.attached.iter().filter(|(_, target)| *target == pair.1).count();
                if self.attached.contains(&pair) {
                    return Err((ErrorClass::Exists, "DuplicatePolicyAttachmentException"));
                }
                if there + self.foreign >= 5 {
                    return Err(CONSTRAINT("ConstraintViolationException/MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"));
                }
                self.attached.insert(pair);
                Ok(json!({}))
            }
            "DetachPolicy" => {
                let there = self.attached.remove(&(text("PolicyId"), text("TargetId")));
                if there { Ok(json!({})) } else { Err((ErrorClass::Gone, "PolicyNotAttachedException")) }
            }
            _ => self.account_call(operation, params),
        }
    }

    /// Whether it has an account of this id.
    pub fn knows(&self, id: &Value) -> bool {
        id.as_str().is_some_and(|id| self.members.contains_key(id))
    }

    fn account_call(&mut self, operation: &str, params: &Value) -> Result<Value, Refused> {
        let text = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
        match operation {
            "DescribeAccount" => {
                let id = text("AccountId");
                self.pass(&id);
                let member = self.members.get(&id).ok_or((ErrorClass::Gone, "AccountNotFoundException"))?;
                Ok(json!({ "Account": shown(&id, member) }))
            }
            "CloseAccount" => self.close(&text("AccountId")),
            "CreateAccount" => {
                let tags = tags(&params["Tags"]);
                let (name, email) = (text("AccountName"), text("Email"));
                self.requests.push(FakeRequest { name, email, tags, polls: 0, outcome: None });
                Ok(json!({ "CreateAccountStatus": self.status(self.requests.len() - 1) }))
            }
            "DescribeCreateAccountStatus" => {
                let n: usize = text("CreateAccountRequestId").trim_start_matches("car-").parse().unwrap();
                self.make(n);
                Ok(json!({ "CreateAccountStatus": self.status(n) }))
            }
            "MoveAccount" => {
                let member =
                    self.members.get_mut(&text("AccountId")).ok_or((ErrorClass::Gone, "AccountNotFoundException"))?;
                if member.parent != text("SourceParentId") {
                    return Err((ErrorClass::Conflict, "SourceParentNotFoundException"));
                }
                member.parent = text("DestinationParentId");
                Ok(json!({}))
            }
            "TagResource" => {
                let member =
                    self.members.get_mut(&text("ResourceId")).ok_or((ErrorClass::Gone, "TargetNotFoundException"))?;
                member.tags.extend(tags(&params["Tags"]));
                Ok(json!({}))
            }
            other => panic!("the fake organization does not know {other}"),
        }
    }

    fn close(&mut self, id: &str) -> Result<Value, Refused> {
        let pending = self.members.values().filter(|member| member.state == "PENDING_CLOSURE").count();
        let member = self.members.get_mut(id).ok_or((ErrorClass::Gone, "AccountNotFoundException"))?;
        match member.state {
            "ACTIVE" if self.closed.len() >= self.quota => {
                return Err(CONSTRAINT("ConstraintViolationException/CLOSE_ACCOUNT_QUOTA_EXCEEDED"));
            }
            "ACTIVE" if pending >= 3 => {
                return Err(CONSTRAINT("ConstraintViolationException/CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED"));
            }
            "ACTIVE" => {}
            "PENDING_CLOSURE" => return Err((ErrorClass::Conflict, "ConflictException")),
            _ => return Err((ErrorClass::Other, "AccountAlreadyClosedException")),
        }
        member.state = "PENDING_CLOSURE";
        self.closed.push(id.to_owned());
        Ok(json!({}))
    }

    /// A closing account is closed after some looks.
    fn pass(&mut self, id: &str) {
        let slow = self.slow;
        if let Some(member) = self.members.get_mut(id).filter(|member| member.state == "PENDING_CLOSURE") {
            let looks = self.looks.entry(id.to_owned()).or_default();
            *looks += 1;
            if *looks > slow {
                member.state = "SUSPENDED";
            }
        }
    }

    /// A request comes to its end after some looks.
    fn make(&mut self, n: usize) {
        let known: BTreeSet<String> =
            self.members.values().map(|member| member.email.clone()).chain(self.taken.iter().cloned()).collect();
        let slow = self.slow;
        let request = &mut self.requests[n];
        request.polls += 1;
        if request.outcome.is_some() || request.polls <= slow {
            return;
        }
        if known.contains(&request.email) {
            request.outcome = Some(Err("EMAIL_ALREADY_EXISTS"));
            return;
        }
        let id = format!("7777{n:08}");
        request.outcome = Some(Ok(id.clone()));
        let FakeRequest { name, email, tags, .. } = request.clone();
        self.members.insert(id, FakeMember { name, email, state: "ACTIVE", parent: "r-root".to_owned(), tags });
    }

    fn status(&self, n: usize) -> Value {
        let request = &self.requests[n];
        let mut status = json!({ "Id": format!("car-{n}"), "AccountName": request.name, "State": "IN_PROGRESS",
            "RequestedTimestamp": "2027-01-15T08:00:00Z" });
        match &request.outcome {
            Some(Ok(id)) => (status["State"], status["AccountId"]) = ("SUCCEEDED".into(), id.as_str().into()),
            Some(Err(reason)) => (status["State"], status["FailureReason"]) = ("FAILED".into(), (*reason).into()),
            None => {}
        }
        status
    }

    pub fn list(&mut self, operation: &str, params: &Value) -> Value {
        let text = |name: &str| params[name].as_str().unwrap_or_default();
        match operation {
            "ListPolicies" => {
                let policy = |(id, policy): (&String, &FakePolicy)| json!({ "Id": id, "Name": policy.name });
                self.policies.iter().map(policy).collect()
            }
            "ListTagsForResource" => match self.policies.get(text("ResourceId")) {
                Some(policy) => policy.tags.clone(),
                None => self.members.get(text("ResourceId")).map_or(json!([]), |member| {
                    member.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
                }),
            },
            "ListAccounts" => {
                let hides = self.unlisted > 0;
                self.unlisted = self.unlisted.saturating_sub(1);
                let all = self.members.iter().filter(|(id, _)| !hides || !id.starts_with("7777"));
                all.map(|(id, member)| shown(id, member)).collect()
            }
            "ListParents" => json!([{ "Id": self.members[text("ChildId")].parent, "Type": "ORGANIZATIONAL_UNIT" }]),
            "ListCreateAccountStatus" => {
                (0..self.requests.len()).for_each(|n| self.make(n));
                (0..self.requests.len()).map(|n| self.status(n)).collect()
            }
            other => panic!("the fake organization does not list {other}"),
        }
    }
}

fn tags(list: &Value) -> BTreeMap<String, String> {
    let pair = |tag: &Value| (tag["Key"].as_str().unwrap().to_owned(), tag["Value"].as_str().unwrap().to_owned());
    list.as_array().into_iter().flatten().map(pair).collect()
}

fn shown(id: &str, member: &FakeMember) -> Value {
    json!({ "Id": id, "Name": member.name, "Email": member.email, "State": member.state })
}

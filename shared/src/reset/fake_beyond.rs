//! The part of the fake cloud that the catalogue does not know: Cloud Control, CloudFormation's registry, and witnesses.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::aws::ErrorClass;

type Refused = (ErrorClass, &'static str);

#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub region: &'static str,
    pub kind: &'static str,
    pub id: String,
    pub properties: Value,
}

#[derive(Debug)]
struct Request {
    id: String,
    polls: u32,
    fails: Option<(&'static str, &'static str)>,
    patch: Option<Value>,
    done: bool,
}

/// Its state.
#[derive(Default)]
pub struct Beyond {
    pub resources: Vec<Resource>,
    /// Types that are listed below others: the parameter that names one of those, and their type.
    pub below: Vec<(&'static str, &'static str, &'static str)>,
    /// What is listed below something holds it.
    pub holds: bool,
    /// Types in CloudFormation's registry, with their schemas.
    pub offered: Vec<(&'static str, Value)>,
    /// What the tagging API shows: the region, the ARN, and the resource that it stands for, if any.
    pub tagged: Vec<(&'static str, String, Option<&'static str>)>,
    /// How often it shows that; `None` is for ever.
    pub shows: Option<u32>,
    /// What Resource Explorer finds, in its index in eu-west-1.
    pub indexed: Vec<Value>,
    pub report: Vec<Value>,
    pub billed: Vec<(&'static str, &'static str)>,
    pub events: Vec<(&'static str, Value)>,
    /// How often a request is in progress before it ends.
    pub polls: u32,
    /// How the next requests end, other than well.
    pub fails: VecDeque<(&'static str, &'static str)>,
    requests: Vec<Request>,
    tokens: BTreeMap<String, usize>,
    /// Requests that were made, not counting repetitions with the same client token.
    pub made: Vec<String>,
}

impl Beyond {
    pub fn resource(region: &'static str, kind: &'static str, id: &str, properties: Value) -> Resource {
        Resource { region, kind, id: id.to_owned(), properties }
    }

    pub fn ids(&self) -> Vec<&str> {
        self.resources.iter().map(|resource| resource.id.as_str()).collect()
    }

    /// Pages of what comes in pages.
    pub fn list(&mut self, region: &str, operation: &str, params: &Value) -> Option<Vec<Value>> {
        Some(match operation {
            "ListResources" => self.listed(region, params),
            "ListTypes" if params["Visibility"] != "PUBLIC" || params["Filters"]["Category"] != "AWS_TYPES" => {
                vec![json!({"TypeName": "Acme::Private::Thing"})]
            }
            "ListTypes" if params["ProvisioningType"] != "FULLY_MUTABLE" => Vec::new(),
            "ListTypes" => self.offered.iter().map(|(name, _)| json!({"TypeName": name, "Type": "RESOURCE"})).collect(),
            "GetResources" if region == "eu-west-1" && self.shows == Some(0) => Vec::new(),
            "GetResources" => {
                if region == "eu-west-1" {
                    self.shows = self.shows.map(|left| left - 1);
                }
                let there = |of: &Option<&str>| of.is_none_or(|id| self.ids().contains(&id));
                let shown = self.tagged.iter().filter(|(place, _, of)| *place == region && there(of));
                shown.map(|(_, arn, _)| json!({ "ResourceARN": arn })).collect()
            }
            "ListIndexes" if self.indexed.is_empty() => Vec::new(),
            "ListIndexes" if params["Regions"] == json!(["us-east-1"]) => Vec::new(),
            "ListIndexes" => vec![json!({"Arn": "index", "Region": "eu-west-1", "Type": "AGGREGATOR"})],
            "Search" => {
                let place =
                    |found: &&Value| params["QueryString"] == format!("region:{}", found["Region"].as_str().unwrap());
                self.indexed.iter().filter(place).cloned().collect()
            }
            "ListParents" => vec![json!({"Id": if params["ChildId"] == "ou-1" { "r-1" } else { "ou-1" }})],
            _ => return None,
        })
    }

    /// Whether a list fails: for want of what it is below, or because that is not there.
    pub fn refuses(&self, region: &str, operation: &str, params: &Value) -> Option<Refused> {
        let (_, param, parent) = *self.below.iter().find(|(kind, ..)| params["TypeName"] == *kind)?;
        if operation != "ListResources" {
            return None;
        }
        let model: Value =
            params["ResourceModel"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        let Some(name) = model[param].as_str() else { return Some((ErrorClass::Invalid, "InvalidRequestException")) };
        let named = |one: &&Resource| {
            one.region == region && one.kind == parent && (one.id == name || one.properties[param] == name)
        };
        self.resources.iter().find(named).is_none().then_some((ErrorClass::Gone, "ResourceNotFoundException"))
    }

    /// Whether something is listed below a resource.
    fn has_below(&self, id: &str) -> bool {
        let kind = self.resources.iter().find(|one| one.id == id).map(|one| one.kind);
        let below = self.below.iter().filter(|(.., parent)| Some(*parent) == kind);
        below
            .into_iter()
            .any(|(kind, param, _)| self.resources.iter().any(|one| one.kind == *kind && one.properties[*param] == id))
    }

    fn listed(&self, region: &str, params: &Value) -> Vec<Value> {
        let model: Value =
            params["ResourceModel"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        let below = |resource: &&Resource| {
            let given = model.as_object().into_iter().flatten();
            given.into_iter().all(|(name, value)| resource.properties[name] == *value)
        };
        let of = |resource: &&Resource| resource.region == region && params["TypeName"] == resource.kind;
        let found = self.resources.iter().filter(of).filter(below);
        // A list says little: the identifier, and the name.
        let found = found.map(|resource| {
            let little = json!({"Name": resource.properties["Name"]});
            json!({ "Identifier": resource.id, "Properties": little.to_string() })
        });
        found.collect()
    }

    /// Everything else, if it is known here.
    pub fn execute(&mut self, region: &str, operation: &str, params: &Value) -> Option<Result<Value, Refused>> {
        Some(match operation {
            "GetResource" => self.find(params).map(|resource| {
                json!({"ResourceDescription": {"Identifier": resource.id, "Properties": resource.properties.to_string()}})
            }),
            "DeleteResource" | "UpdateResource" => self.request(operation, params),
            "DescribeType" => {
                let schema = self.offered.iter().find(|(name, _)| params["TypeName"] == *name);
                let schema = schema.ok_or((ErrorClass::Unavailable, "TypeNotFoundException"));
                schema.map(|(_, schema)| json!({"Schema": schema.to_string(), "Type": "RESOURCE"}))
            }
            "GetResourceRequestStatus" => self.status(params),
            "DeleteIndex" => {
                self.indexed.clear();
                Ok(json!({}))
            }
            "DescribeOrganization" => Ok(json!({"Organization": {"Id": "o-1"}})),
            "GenerateOrganizationsAccessReport" => {
                let path = params["EntityPath"].as_str().unwrap();
                assert!(path.starts_with("o-1/r-1/ou-1/") && path.ends_with("/555566667777"), "{path}");
                Ok(json!({"JobId": "job"}))
            }
            "GetOrganizationsAccessReport" => Ok(json!({"JobStatus": "COMPLETED", "AccessDetails": self.report})),
            "GetCostAndUsage" if params["GroupBy"].as_array().is_some_and(|by| by.len() == 2) => {
                let groups: Vec<Value> = self.billed.iter().map(|(name, place)| json!({"Keys": [name, place]})).collect();
                Ok(json!({"ResultsByTime": [{"Groups": groups}]}))
            }
            "LookupEvents" => {
                let events = self.events.iter().filter(|(place, _)| *place == region).map(|(_, event)| event);
                Ok(json!({"Events": events.collect::<Vec<_>>()}))
            }
            _ => return None,
        })
    }

    fn find(&self, params: &Value) -> Result<&Resource, Refused> {
        let named = |resource: &&Resource| params["Identifier"] == resource.id && params["TypeName"] == resource.kind;
        self.resources.iter().find(named).ok_or((ErrorClass::Gone, "ResourceNotFoundException"))
    }

    fn request(&mut self, operation: &str, params: &Value) -> Result<Value, Refused> {
        let id = self.find(params)?.id.clone();
        let client = params["ClientToken"].as_str().unwrap().to_owned();
        if let Some(known) = self.tokens.get(&client) {
            return Ok(self.event(*known));
        }
        let busy = |(n, request): (usize, &Request)| request.id == id && self.state(n) == "IN_PROGRESS";
        if self.requests.iter().enumerate().any(busy) {
            return Err((ErrorClass::Conflict, "ConcurrentOperationException"));
        }
        let patch = params["PatchDocument"].as_str().map(|text| serde_json::from_str(text).unwrap());
        self.made.push(format!("{operation} {id}"));
        self.tokens.insert(client, self.requests.len());
        let held = self.holds && self.has_below(&id);
        let fails = self.fails.pop_front().or_else(|| held.then_some(("ResourceConflict", "has something below it")));
        self.requests.push(Request { id, polls: self.polls, fails, patch, done: false });
        self.finish(self.requests.len() - 1);
        Ok(self.event(self.requests.len() - 1))
    }

    fn state(&self, n: usize) -> &'static str {
        match &self.requests[n] {
            Request { polls: 1.., .. } => "IN_PROGRESS",
            Request { fails: Some(_), .. } => "FAILED",
            _ => "SUCCESS",
        }
    }

    fn event(&self, n: usize) -> Value {
        let (code, message) = self.requests[n].fails.unwrap_or_default();
        json!({"ProgressEvent": {"RequestToken": n.to_string(), "OperationStatus": self.state(n),
            "ErrorCode": code, "StatusMessage": message}})
    }

    fn status(&mut self, params: &Value) -> Result<Value, Refused> {
        let n: usize = params["RequestToken"].as_str().unwrap().parse().unwrap();
        self.requests[n].polls = self.requests[n].polls.saturating_sub(1);
        self.finish(n);
        Ok(self.event(n))
    }

    /// Does what was asked, once nothing is in progress any more.
    fn finish(&mut self, n: usize) {
        if self.state(n) == "SUCCESS" && !std::mem::replace(&mut self.requests[n].done, true) {
            let id = self.requests[n].id.clone();
            match self.requests[n].patch.take() {
                None => {
                    // What is below goes with it.
                    let kind = self.resources.iter().find(|resource| resource.id == id).map(|resource| resource.kind);
                    let below: Vec<_> =
                        self.below.iter().filter(|(.., parent)| Some(*parent) == kind).copied().collect();
                    let goes = |one: &Resource| {
                        below.iter().any(|(kind, param, _)| one.kind == *kind && one.properties[*param] == *id)
                    };
                    self.resources.retain(|resource| resource.id != id && !goes(resource));
                }
                Some(patch) => self.patch(&id, &patch),
            }
        }
    }

    fn patch(&mut self, id: &str, patch: &Value) {
        let resource = self.resources.iter_mut().find(|resource| resource.id == id).unwrap();
        for change in patch.as_array().unwrap() {
            assert_eq!(change["op"], "replace");
            let name = change["path"].as_str().unwrap().trim_start_matches('/').to_owned();
            resource.properties[name.as_str()] = change["value"].clone();
        }
    }
}

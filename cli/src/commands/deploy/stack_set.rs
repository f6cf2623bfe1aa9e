//! One service-managed StackSet: made or updated, brought to its OUs and taken from others, one operation after the other,
//! because CloudFormation takes one at a time. What failed before is tried again.

use std::collections::{BTreeMap, BTreeSet};

use forester::aws::{CallError, Scope};
use forester::types::OuId;
use serde_json::{Value, json};

use super::pace::Pace;
use super::stack::as_parameters;
use crate::answer::{page, with, word};
use crate::output::{Problem, note};

/// By this description StackSets of ours are known.
pub const MEMBERS: &str = "What members hold for Forester";

const TEMPLATE: &str = include_str!("../../../../infra/member.yaml");
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackInstances.html>
const MOST_UNITS: usize = 50;

/// A StackSet of member.yaml as it should be.
pub struct StackSet<'a> {
    /// The management account in the region of Forester's stack.
    pub scope: &'a Scope,
    /// Its name.
    pub name: String,
    /// The inputs of member.yaml.
    pub parameters: BTreeMap<String, String>,
    /// Where its stacks are.
    pub units: Vec<OuId>,
    /// In which regions, the one of the roles first.
    pub regions: Vec<String>,
}

/// OUs, and regions that they have in common.
type Targets = Vec<(Vec<String>, Vec<String>)>;

/// What is to be done about a StackSet.
#[derive(Debug, Default, PartialEq)]
pub struct Work {
    /// OUs and regions that stacks are taken from.
    leave: Targets,
    /// OUs and regions that stacks are brought to.
    arrive: Targets,
    /// Whether it is there.
    exists: bool,
    /// Whether template or inputs are others.
    changes: bool,
    /// Stacks that are not as the StackSet says, because an earlier operation failed.
    stale: Vec<String>,
    /// Stacks that no operation can mend.
    broken: Vec<String>,
}

impl StackSet<'_> {
    /// Looks what there is of it.
    pub async fn work(&self) -> Result<Work, Problem> {
        let Some(set) = self.described().await? else {
            let arrive = self.grouped(self.units.iter().map(|unit| (unit.as_ref().to_owned(), self.regions.clone())));
            return Ok(Work { arrive, ..Work::default() });
        };
        let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
        let list = |name: &str| set.get(name).and_then(Value::as_array).into_iter().flatten();
        let parameter = |one: &Value| Some((text(one, "ParameterKey")?, text(one, "ParameterValue")?));
        let parameters: BTreeMap<String, String> = list("Parameters").filter_map(parameter).collect();
        let there = self.targets_there().await?;
        let instances = self.pages("ListStackInstances", json!({ "StackSetName": self.name })).await?;
        Ok(Work {
            leave: self.grouped(there.iter().map(|(unit, regions)| (unit.clone(), self.unwanted(unit, regions)))),
            arrive: self.grouped(self.units.iter().map(|unit| (unit.as_ref().to_owned(), self.lacking(unit, &there)))),
            exists: true,
            changes: text(&set, "TemplateBody").as_deref() != Some(TEMPLATE) || parameters != self.parameters,
            stale: instances.iter().filter(|one| is(one, "OUTDATED")).map(place).collect(),
            broken: instances.iter().filter(|one| is(one, "INOPERABLE")).map(place).collect(),
        })
    }

    /// Takes its stacks out of OUs and regions that it is no longer for; returns what failed. Comes first, for all
    /// StackSets: two stacks of one account cannot both have a role of the same name.
    pub async fn leave(&self, work: &Work) -> Result<Vec<String>, Problem> {
        let mut failed = Vec::new();
        for (units, regions) in &work.leave {
            note(format_args!("{} leaves {} OUs in {}", self.name, units.len(), regions.join(", ")));
            let request = with(self.targets(units, regions), json!({ "RetainStacks": false }));
            failed.extend(self.operate("DeleteStackInstances", request).await?);
        }
        Ok(failed)
    }

    /// Brings template and inputs to what they should be, stacks to OUs and regions that lack them, and tries again what
    /// failed before; returns what failed now.
    pub async fn arrive(&self, work: &Work) -> Result<Vec<String>, Problem> {
        let mut failed: Vec<String> =
            work.broken.iter().map(|place| format!("{place}: INOPERABLE, delete it")).collect();
        if !work.exists {
            note(format_args!("{} is new", self.name));
            let automatic = json!({ "AutoDeployment": { "Enabled": true, "RetainStacksOnAccountRemoval": false } });
            self.patiently("CreateStackSet", with(self.contents(), automatic)).await?;
        } else if work.changes || !work.stale.is_empty() {
            note(format_args!("{} is brought up to date", self.name));
            let request = with(self.contents(), json!({ "OperationPreferences": preferences(&[]) }));
            failed.extend(self.operate("UpdateStackSet", request).await?);
        }
        for (units, regions) in &work.arrive {
            note(format_args!("{} comes to {} OUs in {}", self.name, units.len(), regions.join(", ")));
            failed.extend(self.operate("CreateStackInstances", self.targets(units, regions)).await?);
        }
        Ok(failed)
    }

    /// Deletes a StackSet that is wanted nowhere, and all its stacks before; returns whether there was one, and what
    /// failed.
    pub async fn delete(&self) -> Result<(bool, Vec<String>), Problem> {
        let work = self.work().await?;
        if !work.exists {
            return Ok((false, Vec::new()));
        }
        let failed = self.leave(&work).await?;
        if failed.is_empty() {
            self.patiently("DeleteStackSet", json!({ "StackSetName": self.name })).await?;
        }
        Ok((failed.is_empty(), failed))
    }

    /// The regions of an OU's stacks that it should not have.
    fn unwanted(&self, unit: &str, there: &[String]) -> Vec<String> {
        let wanted = self.units.iter().any(|wanted| wanted.as_ref() == unit);
        there.iter().filter(|region| !wanted || !self.regions.contains(region)).cloned().collect()
    }

    /// The regions in which an OU has no stacks and should.
    fn lacking(&self, unit: &OuId, there: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        let has = there.get(unit.as_ref());
        self.regions.iter().filter(|region| !has.is_some_and(|has| has.contains(region))).cloned().collect()
    }

    /// OUs with the same regions together, because each operation is waited for.
    fn grouped(&self, each: impl Iterator<Item = (String, Vec<String>)>) -> Targets {
        let mut groups: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
        for (unit, mut regions) in each.filter(|(_, regions)| !regions.is_empty()) {
            // The one of the roles first.
            regions.sort_by_key(|region| (self.regions.first() != Some(region), region.clone()));
            groups.entry(regions).or_default().insert(unit);
        }
        let mut targets = Vec::new();
        for (regions, units) in groups {
            let units: Vec<String> = units.into_iter().collect();
            targets.extend(units.chunks(MOST_UNITS).map(|units| (units.to_vec(), regions.clone())));
        }
        targets
    }

    fn contents(&self) -> Value {
        json!({
            "StackSetName": self.name, "Description": MEMBERS, "TemplateBody": TEMPLATE,
            "Parameters": as_parameters(&self.parameters), "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "PermissionModel": "SERVICE_MANAGED",
            // Operations that do not touch each other need not wait for each other.
            "ManagedExecution": { "Active": true },
        })
    }

    fn targets(&self, units: &[String], regions: &[String]) -> Value {
        json!({
            "StackSetName": self.name, "DeploymentTargets": { "OrganizationalUnitIds": units }, "Regions": regions,
            "OperationPreferences": preferences(regions),
        })
    }

    async fn described(&self) -> Result<Option<Value>, Problem> {
        match self.scope.call("cloudformation", "DescribeStackSet", json!({ "StackSetName": self.name })).await {
            Ok(mut answer) => Ok(answer.get_mut("StackSet").map(Value::take)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(Problem::failed(error)),
        }
    }

    /// The OUs that it is for, with their regions: also those without an account, whose stacks come later.
    async fn targets_there(&self) -> Result<BTreeMap<String, Vec<String>>, Problem> {
        let (mut listed, mut token) = (Vec::new(), None);
        loop {
            let named = json!({ "StackSetName": self.name });
            let told = page(self.scope, "ListStackSetAutoDeploymentTargets", named, "Summaries", token).await;
            let (targets, next) = told.map_err(Problem::failed)?;
            listed.extend(targets);
            token = next;
            if token.is_none() {
                break;
            }
        }
        let read = |one: &Value| {
            let regions = one.get("Regions").and_then(Value::as_array).into_iter().flatten();
            let regions = regions.filter_map(|region| region.as_str().map(str::to_owned)).collect();
            Some((one.get("OrganizationalUnitId")?.as_str()?.to_owned(), regions))
        };
        Ok(listed.iter().filter_map(read).collect())
    }

    async fn pages(&self, operation: &str, params: Value) -> Result<Vec<Value>, Problem> {
        self.scope.pages("cloudformation", operation, params).await.map_err(Problem::failed)
    }

    /// Makes a call when no other operation is in the way.
    async fn patiently(&self, operation: &str, request: Value) -> Result<Value, Problem> {
        let mut pace = Pace::begin();
        loop {
            match self.scope.call("cloudformation", operation, request.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) if waits(&error) => pace.rest(&format!("another operation on {}", self.name)).await?,
                Err(error) => return Err(Problem::failed(error)),
            }
        }
    }

    /// Starts an operation, waits for its end, and returns what failed of it.
    async fn operate(&self, operation: &str, request: Value) -> Result<Vec<String>, Problem> {
        let mut pace = Pace::begin();
        let started = self.patiently(operation, request).await?;
        let Some(id) = started.get("OperationId").and_then(Value::as_str) else { return Ok(Vec::new()) };
        let named = json!({ "StackSetName": self.name, "OperationId": id });
        loop {
            let told = self.scope.call("cloudformation", "DescribeStackSetOperation", named.clone()).await;
            let told = told.map_err(Problem::failed)?;
            match told.pointer("/StackSetOperation/Status").and_then(Value::as_str).unwrap_or_default() {
                "RUNNING" | "QUEUED" | "STOPPING" => pace.rest(&format!("{operation} of {}", self.name)).await?,
                "SUCCEEDED" => return self.failures(named).await,
                ended => {
                    let mut failed = self.failures(named).await?;
                    failed.push(format!("{operation} of {} is {ended}", self.name));
                    return Ok(failed);
                }
            }
        }
    }

    async fn failures(&self, named: Value) -> Result<Vec<String>, Problem> {
        Ok(self.pages("ListStackSetOperationResults", named).await?.iter().filter_map(failure).collect())
    }
}

impl Work {
    /// Whether there is nothing to do.
    pub fn is_done(&self) -> bool {
        self.exists && self.leave.is_empty() && self.arrive.is_empty() && !self.changes && self.stale.is_empty()
    }

    /// Whether stacks are taken from somewhere.
    pub fn leaves(&self) -> bool {
        !self.leave.is_empty()
    }

    /// What is to be done, for people.
    pub fn told(&self, name: &str) -> String {
        let count = |targets: &Targets| -> usize { targets.iter().map(|(units, _)| units.len()).sum() };
        let parts = [
            (!self.exists).then(|| "is new".to_owned()),
            self.changes.then(|| "has another template or other inputs".to_owned()),
            (!self.leave.is_empty()).then(|| format!("leaves {} OUs", count(&self.leave))),
            (!self.arrive.is_empty()).then(|| format!("comes to {} OUs", count(&self.arrive))),
            (!self.stale.is_empty()).then(|| format!("tries again in {}", self.stale.join(", "))),
            (!self.broken.is_empty()).then(|| format!("cannot be mended in {}", self.broken.join(", "))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("{name} {}", if parts.is_empty() { "is as it should be".to_owned() } else { parts.join(", ") })
    }

    /// The same as JSON.
    pub fn document(&self, name: &str) -> Value {
        json!({
            "stackSet": name, "new": !self.exists, "changes": self.changes, "leave": self.leave, "arrive": self.arrive,
            "stale": self.stale, "broken": self.broken,
        })
    }
}

/// One region after the other; one account that fails keeps nobody else waiting.
fn preferences(regions: &[String]) -> Value {
    let pace = json!({
        "RegionConcurrencyType": "SEQUENTIAL", "FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 25,
    });
    if regions.is_empty() { pace } else { with(pace, json!({ "RegionOrder": regions })) }
}

/// Whether another operation on the StackSet has to end first, or trusted access is too new
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackInstances.html>).
fn waits(error: &CallError) -> bool {
    error.has_code("OperationInProgressException")
        || error.has_code("StaleRequestException")
        || error.message.contains("must enable organizations access")
}

fn is(instance: &Value, status: &str) -> bool {
    word(instance, "Status") == status
}

fn place(one: &Value) -> String {
    format!("{}/{}", word(one, "Account"), word(one, "Region"))
}

/// Why the stack of one account and region is not as it should be.
fn failure(result: &Value) -> Option<String> {
    let failed = matches!(word(result, "Status"), "FAILED" | "CANCELLED");
    failed.then(|| format!("{}: {}", place(result), word(result, "StatusReason")))
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Answers, scope};
    use super::*;

    const SET: &str = "DescribeStackSet";
    const TARGETS: &str = "ListStackSetAutoDeploymentTargets";
    const INSTANCES: &str = "ListStackInstances";

    fn named(units: &[&str]) -> Vec<String> {
        units.iter().map(|unit| format!("ou-ab12-{unit:0>8}")).collect()
    }

    async fn work(answers: Answers, units: &[&str]) -> Work {
        let scope = scope(answers);
        let units = named(units).iter().map(|unit| unit.parse().unwrap()).collect();
        let regions = ["us-east-1", "eu-west-1"].map(str::to_owned).to_vec();
        StackSet { scope: &scope, name: "m".to_owned(), parameters: BTreeMap::new(), units, regions }
            .work()
            .await
            .unwrap()
    }

    fn there(each: &[(&str, &[&str])]) -> Answers {
        let target = |(unit, regions): &(&str, &[&str])| json!({ "OrganizationalUnitId": format!("ou-ab12-{unit:0>8}"), "Regions": regions });
        Answers::new()
            .with(SET, json!({ "StackSet": { "TemplateBody": TEMPLATE } }))
            .with(TARGETS, json!({ "Summaries": each.iter().map(target).collect::<Vec<Value>>() }))
    }

    #[tokio::test]
    async fn stacks_come_where_they_are_lacking_and_go_where_they_are_not_wanted() {
        let both: &[&str] = &["us-east-1", "eu-west-1"];
        let found =
            work(there(&[("1", both), ("2", &["us-east-1", "us-west-2"]), ("3", both)]), &["1", "2", "4"]).await;
        let regions = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
        assert_eq!(
            found.leave,
            [(named(&["3"]), regions(&["us-east-1", "eu-west-1"])), (named(&["2"]), regions(&["us-west-2"]))]
        );
        assert_eq!(
            found.arrive,
            [(named(&["2"]), regions(&["eu-west-1"])), (named(&["4"]), regions(&["us-east-1", "eu-west-1"]))]
        );
        assert!(found.exists && !found.changes && !found.is_done());
    }

    #[tokio::test]
    async fn targets_are_read_to_the_last_page() {
        let target = |unit: &str| json!({ "OrganizationalUnitId": unit, "Regions": ["us-east-1", "eu-west-1"] });
        let [first, second] = [named(&["1"]), named(&["2"])].concat().try_into().unwrap();
        let pages = Answers::new()
            .with(SET, json!({ "StackSet": { "TemplateBody": TEMPLATE } }))
            .with(TARGETS, json!({ "Summaries": [target(&first)], "NextToken": "t" }))
            .then(TARGETS, json!({ "Summaries": [target(&second)] }));
        assert!(work(pages.clone(), &["1", "2"]).await.is_done());
        let asked = pages.asked().into_iter().filter(|(operation, _)| operation == TARGETS);
        let tokens: Vec<Value> = asked.map(|(_, params)| params["NextToken"].clone()).collect();
        assert_eq!(tokens, [json!(null), json!("t")]);
    }

    #[tokio::test]
    async fn what_failed_before_is_not_done() {
        let both: &[&str] = &["eu-west-1", "us-east-1"];
        assert!(work(there(&[("1", both)]), &["1"]).await.is_done());
        let instance = json!({ "Account": "222233334444", "Region": "eu-west-1", "Status": "OUTDATED" });
        let stale = there(&[("1", both)]).with(INSTANCES, json!({ "Summaries": [instance] }));
        let found = work(stale, &["1"]).await;
        assert_eq!((found.stale.clone(), found.is_done()), (vec!["222233334444/eu-west-1".to_owned()], false));
        assert_eq!(found.told("m"), "m tries again in 222233334444/eu-west-1");
    }

    #[test]
    fn only_what_failed_is_told() {
        let result = |status: &str| json!({ "Account": "222233334444", "Region": "eu-west-1", "Status": status, "StatusReason": "role exists" });
        assert_eq!(failure(&result("SUCCEEDED")), None);
        assert_eq!(failure(&result("FAILED")).as_deref(), Some("222233334444/eu-west-1: role exists"));
    }
}

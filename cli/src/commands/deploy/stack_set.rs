//! One service-managed StackSet: made or updated, then brought to its OUs and taken from others, one operation after the
//! other, because CloudFormation takes one at a time.

use std::collections::{BTreeMap, BTreeSet};

use forester::aws::{CallError, Scope};
use forester::types::OuId;
use serde_json::{Value, json};

use super::pace::Pace;
use super::stack::{as_parameters, with};
use crate::output::{Problem, note};

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

/// What is there of it.
#[derive(Default)]
struct There {
    exists: bool,
    template: String,
    parameters: BTreeMap<String, String>,
    units: BTreeSet<String>,
    regions: Vec<String>,
}

impl StackSet<'_> {
    /// Takes its stacks out of OUs that it is no longer for; returns what failed. Comes first, for all StackSets: two
    /// stacks of one account cannot both have a role of the same name.
    pub async fn leave(&self) -> Result<Vec<String>, Problem> {
        let there = self.there().await?;
        let units: Vec<&String> = there.units.iter().filter(|unit| !self.wants(unit)).collect();
        let mut failed = Vec::new();
        for units in units.chunks(MOST_UNITS) {
            note(format_args!("{} leaves {} OUs", self.name, units.len()));
            let request = with(self.targets(json!(units), &there.regions), json!({ "RetainStacks": false }));
            failed.extend(self.operate("DeleteStackInstances", request).await?);
        }
        Ok(failed)
    }

    /// Brings template and inputs to what they should be, and stacks to OUs and regions that lack them.
    pub async fn arrive(&self) -> Result<Vec<String>, Problem> {
        let there = self.there().await?;
        let mut failed = Vec::new();
        if !there.exists {
            note(format_args!("{} is new", self.name));
            let managed = json!({
                "PermissionModel": "SERVICE_MANAGED",
                "AutoDeployment": { "Enabled": true, "RetainStacksOnAccountRemoval": false },
            });
            self.scope
                .call("cloudformation", "CreateStackSet", with(self.contents(), managed))
                .await
                .map_err(Problem::failed)?;
        } else if there.template != TEMPLATE || there.parameters != self.parameters {
            note(format_args!("{} changes", self.name));
            let request = with(self.contents(), json!({ "OperationPreferences": preferences(&there.regions) }));
            failed.extend(self.operate("UpdateStackSet", request).await?);
        }
        let covered = self.regions.iter().all(|region| there.regions.contains(region));
        let lacking = |unit: &&OuId| !covered || !there.units.contains(unit.as_ref());
        let units: Vec<&OuId> = self.units.iter().filter(lacking).collect();
        for units in units.chunks(MOST_UNITS) {
            note(format_args!("{} comes to {} OUs in {}", self.name, units.len(), self.regions.join(", ")));
            failed.extend(self.operate("CreateStackInstances", self.targets(json!(units), &self.regions)).await?);
        }
        Ok(failed)
    }

    /// Deletes a StackSet that is wanted nowhere, and all its stacks before; returns whether there was one, and what failed.
    pub async fn delete(&self) -> Result<(bool, Vec<String>), Problem> {
        if !self.there().await?.exists {
            return Ok((false, Vec::new()));
        }
        let failed = self.leave().await?;
        if failed.is_empty() {
            let named = json!({ "StackSetName": self.name });
            self.scope.call("cloudformation", "DeleteStackSet", named).await.map_err(Problem::failed)?;
        }
        Ok((true, failed))
    }

    fn wants(&self, unit: &str) -> bool {
        self.units.iter().any(|wanted| wanted.as_ref() == unit)
    }

    fn contents(&self) -> Value {
        json!({
            "StackSetName": self.name, "Description": "What members hold for Forester", "TemplateBody": TEMPLATE,
            "Parameters": as_parameters(&self.parameters), "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "PermissionModel": "SERVICE_MANAGED",
            // Operations that do not touch each other need not wait for each other.
            "ManagedExecution": { "Active": true },
        })
    }

    fn targets(&self, units: Value, regions: &[String]) -> Value {
        json!({
            "StackSetName": self.name, "DeploymentTargets": { "OrganizationalUnitIds": units }, "Regions": regions,
            "OperationPreferences": preferences(regions),
        })
    }

    async fn there(&self) -> Result<There, Problem> {
        let set =
            match self.scope.call("cloudformation", "DescribeStackSet", json!({ "StackSetName": self.name })).await {
                Ok(mut answer) => answer.get_mut("StackSet").map(Value::take).unwrap_or_default(),
                Err(error) if error.is_gone() => return Ok(There::default()),
                Err(error) => return Err(Problem::failed(error)),
            };
        let list = |name: &str| set.get(name).and_then(Value::as_array).into_iter().flatten();
        let texts = |name: &str| list(name).filter_map(|one| one.as_str().map(str::to_owned));
        let mut regions: Vec<String> = texts("Regions").collect();
        // The one of the roles stays first.
        regions.sort_by_key(|region| self.regions.first() != Some(region));
        let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
        let parameter = |one: &Value| Some((text(one, "ParameterKey")?, text(one, "ParameterValue")?));
        Ok(There {
            exists: true,
            template: text(&set, "TemplateBody").unwrap_or_default(),
            parameters: list("Parameters").filter_map(parameter).collect(),
            units: texts("OrganizationalUnitIds").collect(),
            regions,
        })
    }

    /// Starts an operation when no other is in the way, waits for its end, and returns what failed of it.
    async fn operate(&self, operation: &str, request: Value) -> Result<Vec<String>, Problem> {
        let mut pace = Pace::begin();
        let started = loop {
            match self.scope.call("cloudformation", operation, request.clone()).await {
                Ok(started) => break started,
                Err(error) if waits(&error) => pace.rest(&format!("another operation on {}", self.name)).await?,
                Err(error) => return Err(Problem::failed(error)),
            }
        };
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
        let results = self.scope.pages("cloudformation", "ListStackSetOperationResults", named).await;
        Ok(results.map_err(Problem::failed)?.iter().filter_map(failure).collect())
    }
}

/// One region after the other; one account that fails keeps nobody else waiting.
fn preferences(regions: &[String]) -> Value {
    json!({
        "RegionOrder": regions, "RegionConcurrencyType": "SEQUENTIAL",
        "FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 25,
    })
}

/// Whether another operation on the StackSet has to end first
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackInstances.html>).
fn waits(error: &CallError) -> bool {
    error.has_code("OperationInProgressException") || error.has_code("StaleRequestException")
}

/// Why the stack of one account and region is not as it should be.
fn failure(result: &Value) -> Option<String> {
    let word = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let failed = matches!(word("Status"), "FAILED" | "CANCELLED");
    failed.then(|| format!("{}/{}: {}", word("Account"), word("Region"), word("StatusReason")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_failed_is_told() {
        let result = |status: &str| json!({ "Account": "222233334444", "Region": "eu-west-1", "Status": status, "StatusReason": "role exists" });
        assert_eq!(failure(&result("SUCCEEDED")), None);
        assert_eq!(failure(&result("FAILED")).as_deref(), Some("222233334444/eu-west-1: role exists"));
    }
}

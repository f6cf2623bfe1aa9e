//! What members hold for Forester, by two StackSets of infra/member.yaml: one for OUs of sandboxes, whose role may empty
//! an account, and one for all others, whose role may not.

use std::collections::{BTreeMap, BTreeSet};

use forester::aws::Scope;
use forester::org::Organization;
use forester::types::OuId;
use serde_json::{Value, json};

use super::budgets::{self, Subscribed};
use super::pace::Pace;
use super::site::Site;
use super::stack_set::{StackSet, Work};
use super::units::Units;
use crate::context::Context;
use crate::output::{Problem, note};

/// Roles that AWS makes, which no StackSet can make again.
const OF_AWS: [&str; 2] = ["OrganizationAccountAccessRole", "AWSControlTowerExecution"];

/// The StackSets of a stack, wanted nowhere.
pub fn unwanted<'a>(scope: &'a Scope, stack: &str) -> [StackSet<'a>; 2] {
    ["members", "sandboxes"].map(|kind| StackSet {
        scope,
        name: name(stack, kind),
        parameters: BTreeMap::new(),
        units: Vec::new(),
        regions: Vec::new(),
    })
}

fn name(stack: &str, kind: &str) -> String {
    format!("{stack}-{kind}")
}

/// The StackSets as they should be.
pub struct Members<'a> {
    site: &'a Site,
    organization: &'a Organization,
    stack: &'a str,
    units: Units,
}

impl<'a> Members<'a> {
    /// Says whether StackSets can do here what the file wants, and for which OUs.
    pub fn of(site: &'a Site, stack: &'a str) -> Result<Self, Problem> {
        let organization = site.forest.organization.as_ref().filter(|_| site.is_management()).ok_or_else(|| {
            Problem::failed("--members needs the management account and `mode: organization`: nobody else has the OUs")
        })?;
        let role = &site.config().access.role;
        if OF_AWS.contains(&role.as_str()) {
            return Err(Problem::failed(format_args!(
                "access.role is {role}, which AWS makes in new accounts; a StackSet makes a role of another name. \
                 Write `access: {{role: ForesterMember, fallback: [{role}]}}`, and deploy again"
            )));
        }
        let sandboxes = site.config().sandbox.as_ref().map(|sandbox| &sandbox.matches.ou);
        let units = Units::of(&site.forest, organization, sandboxes);
        if !units.beside.is_empty() {
            note(format_args!(
                "no StackSet reaches {}: their OU holds sandboxes below it, or the other way round. They are entered \
                 by access.fallback",
                units.beside.join(", ")
            ));
        }
        Ok(Self { site, organization, stack, units })
    }

    /// What would be done; with `outputs` of a stack that is not there yet, all of it.
    pub async fn plan(&self, outputs: &BTreeMap<String, String>) -> Result<Vec<(StackSet<'_>, Work)>, Problem> {
        let mut works = Vec::new();
        for set in self.sets(outputs) {
            let work = set.work().await?;
            // One that is for nothing and was never there need not be.
            if work_to_do(&set, &work) {
                works.push((set, work));
            }
        }
        Ok(works)
    }

    /// Makes or changes both StackSets and waits for them; returns what came of each.
    pub async fn deploy(&self, context: &Context, outputs: &BTreeMap<String, String>) -> Result<Vec<Value>, Problem> {
        let plan = self.plan(outputs).await?;
        if plan.is_empty() {
            note(format_args!("the StackSets of {} are as they should be", self.stack));
            return Ok(Vec::new());
        }
        plan.iter().for_each(|(set, work)| note(work.told(&set.name)));
        context.confirm_further("Do that in the organization's members?", "The stack itself is deployed.")?;
        self.be_trusted().await?;
        carry_out(&plan).await
    }

    /// Lets budgets in members reach the queue of Forester's stack.
    pub async fn hear_budgets(&self, outputs: &BTreeMap<String, String>) -> Subscribed {
        match outputs.get("BudgetQueueArn") {
            Some(queue) => budgets::subscribe(&self.site.scope, queue, &self.units.reached).await,
            None => Subscribed::default(),
        }
    }

    /// CloudFormation may do nothing in members before it is let
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html>).
    async fn be_trusted(&self) -> Result<(), Problem> {
        let (scope, mut pace, mut asked) = (&self.site.scope, Pace::begin(), false);
        loop {
            let told = scope.call("cloudformation", "DescribeOrganizationsAccess", json!({})).await;
            match told.map_err(Problem::failed)?.get("Status").and_then(Value::as_str).unwrap_or_default() {
                "ENABLED" => return Ok(()),
                "DISABLED_PERMANENTLY" => {
                    return Err(Problem::failed(
                        "StackSets may never be trusted by this organization again (DISABLED_PERMANENTLY): deploy \
                         infra/member.yaml into the members by other means",
                    ));
                }
                _ if asked => pace.rest("trusted access for StackSets").await?,
                _ => {
                    note("StackSets get trusted access to the organization");
                    let activated = scope.call("cloudformation", "ActivateOrganizationsAccess", json!({})).await;
                    activated.map_err(Problem::failed)?;
                    asked = true;
                }
            }
        }
    }

    fn sets(&self, outputs: &BTreeMap<String, String>) -> [StackSet<'_>; 2] {
        [
            self.set("members", "no", &self.units.members, outputs),
            self.set("sandboxes", "yes", &self.units.sandboxes, outputs),
        ]
    }

    fn set(&self, kind: &str, reset: &str, units: &[OuId], outputs: &BTreeMap<String, String>) -> StackSet<'_> {
        let scope = &self.site.scope;
        // The roles are made in the first region of all, whose stack has to be there before rules name them.
        let home = scope.region().to_string();
        // Root users sign in, and IAM is called, in the region of the global services, whether anybody works there or not.
        let global = scope.region().partition().organizations();
        let others = self.site.config().regions.govern.iter().chain([&global]).map(ToString::to_string);
        let others: BTreeSet<String> = others.filter(|region| *region != home).collect();
        let output = |name: &str| outputs.get(name).cloned().unwrap_or_default();
        let given = [
            ("HomeAccount", scope.account().to_string()),
            ("HomeBus", output("BusArn")),
            ("BudgetQueueArn", output("BudgetQueueArn")),
            ("TrustedRoles", output("FunctionRoles")),
            ("OrganizationId", self.organization.id.clone()),
            ("MemberRoleName", self.site.config().access.role.clone()),
            ("RoleRegion", home.clone()),
            ("Reset", reset.to_owned()),
        ];
        StackSet {
            scope,
            name: name(self.stack, kind),
            parameters: given.map(|(name, value)| (name.to_owned(), value)).into(),
            units: units.to_vec(),
            regions: std::iter::once(home.clone()).chain(others).collect(),
        }
    }
}

/// Leaves first, for both; returns what came of each.
async fn carry_out(plan: &[(StackSet<'_>, Work)]) -> Result<Vec<Value>, Problem> {
    let mut failed = Vec::new();
    for (set, work) in plan {
        failed.extend(set.leave(work).await?);
    }
    let mut told = Vec::new();
    for (set, work) in plan {
        // Against a role that is left somewhere nothing can be made; the next run tries both again.
        let left = if failed.is_empty() { set.arrive(work).await? } else { failed.clone() };
        left.iter().for_each(|failure| note(format_args!("  {}: {failure}", set.name)));
        told.push(json!({ "stackSet": set.name, "units": set.units, "regions": set.regions, "failed": left }));
    }
    Ok(told)
}

fn work_to_do(set: &StackSet<'_>, work: &Work) -> bool {
    if set.units.is_empty() { work.leaves() } else { !work.is_done() }
}

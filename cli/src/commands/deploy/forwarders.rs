//! The rules that carry the events of this account home from the regions where they come up: that of IAM, and of Organizations
//! in the management account, those of sign-ins, those where it works, and Control Tower's.

use std::collections::{BTreeMap, BTreeSet};

use forester::aws::Scope;
use forester::types::{Arn, Partition, Region};

use super::super::doctor;
use super::site::Site;
use super::stack::{Stack, Template};
use crate::output::{Problem, note};

/// Where sign-ins of IAM users are recorded beside us-east-1.
const SIGN_IN: [&str; 3] = ["us-east-2", "eu-north-1", "ap-southeast-2"];

const TEMPLATE: &str = include_str!("../../../../infra/forwarder.yaml");

/// The stacks that have to stand in other regions.
pub async fn of(site: &Site, stack: &str) -> Result<Vec<Stack>, Problem> {
    if site.forest.organization.is_some() && !site.is_management() {
        note("events of the organization come up in its management account: deploy infra/forwarder.yaml there as well");
    }
    let mut regions = known(site);
    match zones(site).await {
        Ok(zones) => regions.extend(zones),
        Err(problem) => note(format_args!(
            "it is not known whether Control Tower stands in another region, where infra/forwarder.yaml had to be: {}",
            problem.message
        )),
    }
    stacks(site, stack, regions).await
}

/// The stacks that may stand in other regions: wherever one was ever wanted, as far as the file and Control Tower tell.
pub async fn left(site: &Site, stack: &str) -> Result<Vec<Stack>, Problem> {
    let mut regions = known(site);
    regions.extend(zones(site).await?);
    stacks(site, stack, regions).await
}

async fn stacks(site: &Site, stack: &str, regions: BTreeSet<Region>) -> Result<Vec<Stack>, Problem> {
    let home = site.scope.region();
    let mut stacks = Vec::new();
    for region in regions.iter().filter(|region| *region != home) {
        stacks.push(forwarder(site.elsewhere(region).await?, stack, bus(&site.scope)));
    }
    Ok(stacks)
}

/// Where Control Tower stands, which only the management account hears of.
async fn zones(site: &Site) -> Result<BTreeSet<Region>, Problem> {
    match site.is_management() {
        true => doctor::landing_zones(&site.forester, site.scope.account()).await.map_err(Problem::failed),
        false => Ok(BTreeSet::new()),
    }
}

/// Where something of this account comes up, which no StackSet reaches if it is the management account: in the region of the global services,
/// where it works, and where its IAM users' sign-ins are recorded when they came by the account's alias
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html>).
fn known(site: &Site) -> BTreeSet<Region> {
    let partition = site.scope.region().partition();
    let mut regions = BTreeSet::from([partition.organizations()]);
    regions.extend(site.config().regions.govern.iter().cloned());
    if partition == Partition::Aws {
        regions.extend(SIGN_IN.iter().filter_map(|region| region.parse::<Region>().ok()));
    }
    regions
}

/// The default bus of the stack's region, where all its rules are.
fn bus(home: &Scope) -> Arn {
    let region = home.region();
    Arn::of(region.partition(), "events", region.as_ref(), home.account(), "event-bus/default")
}

fn forwarder(scope: Scope, stack: &str, bus: Arn) -> Stack {
    Stack {
        scope,
        name: format!("{stack}-forwarder"),
        template: Template::Body(TEMPLATE),
        parameters: BTreeMap::from([("HomeBus".to_owned(), bus.to_string())]),
        capabilities: &["CAPABILITY_IAM"],
    }
}

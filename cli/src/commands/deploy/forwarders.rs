//! The rules that carry events home from the regions where they come up: that of Organizations, IAM and sign-ins, and
//! Control Tower's, wherever they are not the stack's own.

use std::collections::{BTreeMap, BTreeSet};

use forester::aws::Scope;
use forester::types::Region;

use super::super::doctor;
use super::site::Site;
use super::stack::{Stack, Template};
use crate::output::{Problem, note};

const TEMPLATE: &str = include_str!("../../../../infra/forwarder.yaml");

/// The stacks that have to stand in other regions.
pub async fn of(site: &Site, stack: &str) -> Result<Vec<Stack>, Problem> {
    if site.forest.organization.is_none() {
        return Ok(Vec::new());
    }
    if !site.is_management() {
        note("events of the organization come up in its management account: deploy infra/forwarder.yaml there");
        return Ok(Vec::new());
    }
    let home = site.scope.region();
    let mut regions = BTreeSet::from([home.partition().organizations()]);
    match doctor::landing_zones(&site.forester, site.scope.account()).await {
        Ok(zones) => regions.extend(zones),
        Err(error) => note(format_args!(
            "it is not known whether Control Tower stands in another region, where infra/forwarder.yaml had to be: {error}"
        )),
    }
    regions.remove(home);
    let mut forwarders = Vec::new();
    for region in regions {
        forwarders.push(forwarder(site.elsewhere(&region).await?, stack, bus(site, home)));
    }
    Ok(forwarders)
}

/// The stacks that may stand in other regions: wherever one was ever wanted, as far as the file and Control Tower tell.
pub async fn left(site: &Site, stack: &str) -> Result<Vec<Stack>, Problem> {
    if !site.is_management() {
        return Ok(Vec::new());
    }
    let home = site.scope.region();
    let mut regions: BTreeSet<Region> = site.config.regions.govern.iter().cloned().collect();
    regions.insert(home.partition().organizations());
    regions.extend(doctor::landing_zones(&site.forester, site.scope.account()).await.map_err(Problem::failed)?);
    regions.remove(home);
    let mut stacks = Vec::new();
    for region in regions {
        stacks.push(forwarder(site.elsewhere(&region).await?, stack, bus(site, home)));
    }
    Ok(stacks)
}

/// The default bus of the stack's region, where all its rules are.
fn bus(site: &Site, home: &Region) -> String {
    let (partition, account) = (home.partition().id(), site.scope.account());
    format!("arn:{partition}:events:{home}:{account}:event-bus/default")
}

fn forwarder(scope: Scope, stack: &str, bus: String) -> Stack {
    Stack {
        scope,
        name: format!("{stack}-forwarder"),
        template: Template::Body(TEMPLATE),
        parameters: BTreeMap::from([("HomeBus".to_owned(), bus)]),
        capabilities: &["CAPABILITY_IAM"],
    }
}

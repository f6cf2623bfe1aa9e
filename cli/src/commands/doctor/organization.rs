//! What the organization itself has to have: trusted access, delegated administrators, Control Tower in reach.

use std::collections::BTreeSet;

use forester::Forester;
use forester::aws::{CallError, ErrorClass, Scope};
use forester::config::OperatingMode;
use forester::org::Account;
use forester::types::{AccountId, Arn, Region};
use serde_json::json;

use super::finding::Finding;
use super::quota;

/// Service-managed StackSets, by which member.yaml comes to members
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/services-that-can-integrate-cloudformation.html>).
const STACK_SETS: &str = "member.org.stacksets.cloudformation.amazonaws.com";

/// Everything that only an organization has.
pub async fn examine(
    forester: &Forester,
    home: &AccountId,
    privileged: &Result<Vec<AccountId>, CallError>,
    accounts: Option<&[Account]>,
) -> Vec<Finding> {
    if forester.config.mode != OperatingMode::Organization {
        return Vec::new();
    }
    let Ok(region) = "us-east-1".parse() else { return Vec::new() };
    let scope = match forester.accounts.scope(home, &region).await {
        Ok(scope) => scope,
        Err(error) => return vec![Finding::unknown("the organization can be asked", &error)],
    };
    let mut findings = vec![stack_sets(&scope).await];
    if let Some(accounts) = accounts {
        findings.push(quota::of_accounts(&scope, home, accounts).await);
    }
    findings.extend(administrator(forester, privileged).await);
    findings.extend(control_tower(forester, home).await);
    findings
}

/// Only for whoever takes member.yaml, so its absence is no fault.
async fn stack_sets(organization: &Scope) -> Finding {
    let what = "StackSets may deploy into the organization's members (for member.yaml)";
    match organization.pages("organizations", "ListAWSServiceAccessForOrganization", json!({})).await {
        Ok(services) => {
            let trusted = services.iter().any(|one| one.get("ServicePrincipal") == Some(&json!(STACK_SETS)));
            let hint = "not now; only member.yaml needs it: `aws cloudformation activate-organizations-access`";
            Finding { hint: if trusted { String::new() } else { hint.to_owned() }, ..Finding::ok(what) }
        }
        Err(error) => Finding::unknown(what, &error),
    }
}

/// The account that the file names for the security services has to be a delegated administrator, or the management
/// account itself.
async fn administrator(forester: &Forester, privileged: &Result<Vec<AccountId>, CallError>) -> Option<Finding> {
    let named = forester.config.layers.iter().find_map(|layer| layer.services.as_ref()?.admin.clone())?;
    let what = format!("{named} is a delegated administrator (services.admin in the file)");
    let hint = "`forester apply` on the management account appoints it";
    let (names, privileged) = match (forester.directory.names().await, privileged) {
        (Ok(names), Ok(privileged)) => (names, privileged),
        (Err(error), _) => return Some(Finding::unknown(what, &error)),
        (_, Err(error)) => return Some(Finding::unknown(what, error)),
    };
    let id = names.get(&named).cloned().or_else(|| named.parse().ok());
    let appointed = id.is_some_and(|id| privileged.contains(&id));
    Some(if appointed { Finding::ok(what) } else { Finding::missing(what, hint) })
}

/// Where Control Tower stands, as far as the regions of the file tell: the region that its landing zone's ARN names
/// (<https://docs.aws.amazon.com/controltower/latest/APIReference/API_ListLandingZones.html>).
pub async fn landing_zones(forester: &Forester, account: &AccountId) -> Result<BTreeSet<Region>, CallError> {
    let config = &forester.config;
    let regions: BTreeSet<&Region> = config.regions.govern.iter().chain([&config.home_region]).collect();
    let mut found = BTreeSet::new();
    for region in regions {
        let scope = forester.accounts.scope(account, region).await?;
        let zones = match scope.pages("controltower", "ListLandingZones", json!({})).await {
            Ok(zones) => zones,
            // Control Tower is not offered in every region.
            Err(error) if error.class == ErrorClass::Unavailable => continue,
            Err(error) => return Err(error),
        };
        let arns = zones.iter().filter_map(|zone| zone.get("arn")?.as_str()?.parse::<Arn>().ok());
        found.extend(arns.filter_map(|arn| arn.region().parse::<Region>().ok()));
    }
    Ok(found)
}

/// Control Tower tells of its accounts in its home region
/// (<https://docs.aws.amazon.com/controltower/latest/userguide/lifecycle-events.html>).
async fn control_tower(forester: &Forester, home: &AccountId) -> Option<Finding> {
    let config = &forester.config;
    let what = "Control Tower's events and roles are within reach";
    let zones = match landing_zones(forester, home).await {
        Ok(zones) => zones,
        Err(error) => return Some(Finding::unknown(what, &error)),
    };
    let zone = zones.first()?;
    let problems =
        out_of_reach(zone.as_ref(), config.home_region.as_ref(), &config.access.fallback, &config.access.role);
    Some(if problems.is_empty() { Finding::ok(what) } else { Finding::missing(what, problems.join("; ")) })
}

/// What keeps Control Tower's accounts from being heard of, or entered.
fn out_of_reach(zone: &str, home: &str, fallback: &[String], role: &str) -> Vec<String> {
    const ROLE: &str = "AWSControlTowerExecution";
    let mut problems = Vec::new();
    if zone != home && zone != "us-east-1" {
        problems.push(format!("its home region is {zone}: deploy infra/forwarder.yaml there"));
    }
    if role != ROLE && !fallback.iter().any(|name| name == ROLE) {
        problems.push(format!("its accounts are entered by {ROLE}: add it to access.fallback"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, home: &str, fallback: &[&str], expect: &[&str]) {
        let fallback: Vec<String> = fallback.iter().map(ToString::to_string).collect();
        let found = out_of_reach(zone, home, &fallback, "OrganizationAccountAccessRole");
        assert_eq!(found.len(), expect.len(), "{found:?}");
        assert!(found.iter().zip(expect).all(|(problem, word)| problem.contains(word)), "{found:?}");
    }

    #[test]
    fn control_tower_must_be_heard_and_its_accounts_entered() {
        let role = ["AWSControlTowerExecution"];
        check("eu-west-1", "eu-west-1", &role, &[]);
        check("us-east-1", "eu-west-1", &role, &[]);
        check("eu-north-1", "eu-west-1", &role, &["forwarder.yaml"]);
        check("eu-north-1", "eu-west-1", &[], &["forwarder.yaml", "access.fallback"]);
    }
}

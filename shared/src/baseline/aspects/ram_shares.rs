//! Subnets shared by AWS Resource Access Manager: one share an entry and region, in the account that owns them.
//!
//! Names of shares are not unique, so ours is the living one of the name that carries our tag. Sharing with OUs works
//! only once RAM itself has been let into the organization, by the management account
//! (<https://docs.aws.amazon.com/ram/latest/userguide/getting-started-sharing.html>). An association takes a while and
//! may fail; RAM says so in its status and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::aspect::{global_if, regions_if};
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{counted, list, sharing, texts};
use crate::aws::{CallError, Scope};
use crate::config::shares::RamShare;
use crate::types::Region;

/// The principal of RAM in Organizations.
const SERVICE: &str = "ram.amazonaws.com";
/// The tag that tells a share of ours; its value is the share's name.
const TAG: &str = "forester:share";

/// How RAM refuses OUs while it may not look into the organization.
const NOT_LET_IN: [&str; 2] = ["OperationNotPermittedException", "UnknownResourceException"];

/// The resource shares.
pub struct RamShares;

/// What there is in one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    /// In the management account: whether RAM may look into the organization.
    Organization(bool),
    /// In a region of the owner: each entry by the share's name.
    Region(BTreeMap<String, Seen>),
}

/// The subnets of an entry, and its share.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The ARNs of the tagged subnets, and whether AWS put the subnet into a default VPC.
    subnets: BTreeMap<String, bool>,
    /// The living share.
    share: Option<Found>,
    /// Shares of that name that were deleted lately.
    deleted: BTreeSet<String>,
}

/// A share: its ARN, what is in it and who has it, each with a status and perhaps a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    arn: String,
    resources: Associations,
    principals: Associations,
}

type Associations = BTreeMap<String, (String, String)>;

/// What can be done about shares.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets RAM look into the organization.
    EnableOrganizationSharing,
    /// Makes a share.
    CreateShare {
        /// Its name.
        share: String,
        /// The ARNs of the subnets.
        subnets: BTreeSet<String>,
        /// OUs or accounts.
        principals: BTreeSet<String>,
        /// Whether accounts outside the organization may be among them.
        external: bool,
        /// Tells a repetition of this request from another one.
        token: String,
    },
    /// Puts subnets into a share, or gives it to more.
    AssociateShare(Change),
    /// Takes subnets out of a share, or takes it from somebody.
    DisassociateShare(Change),
}

/// What is added to a share or taken out of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The name of the share.
    share: String,
    /// Its ARN.
    arn: String,
    /// The ARNs of the resources.
    resources: BTreeSet<String>,
    /// OUs or accounts.
    principals: BTreeSet<String>,
}

fn all(target: &Target) -> impl Iterator<Item = &RamShare> {
    target.config.shares.iter().filter_map(|share| share.ram.as_ref())
}

fn owned(target: &Target) -> impl Iterator<Item = &RamShare> {
    all(target).filter(|share| sharing::is(target, &share.owner))
}

#[async_trait]
impl Aspect for RamShares {
    const NAME: &'static str = "ram-shares";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let mut places = global_if(target.forest.is_management(&target.account.id) && all(target).next().is_some());
        places.extend(regions_if(owned(target).next().is_some(), sharing::regions(target, enabled)));
        places
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        if *look.place() == Place::Global {
            let services = look.pages("organizations", "ListAWSServiceAccessForOrganization", json!({})).await?;
            return Ok(Facts::Organization(texts(&services, "ServicePrincipal").iter().any(|name| name == SERVICE)));
        }
        let mut entries = BTreeMap::new();
        for share in owned(target) {
            entries.insert(share.called(), read(look, share).await?);
        }
        Ok(Facts::Region(entries))
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let entries = match facts {
            Facts::Organization(true) => return Planned::nothing(),
            Facts::Organization(false) => return Planned::steps(vec![Action::EnableOrganizationSharing]),
            Facts::Region(entries) => entries,
        };
        let mut planned = Planned::nothing();
        for share in owned(target) {
            let Some(seen) = entries.get(&share.called()) else { continue };
            match sharing::principals(target, &share.to) {
                Ok(principals) => entry(target, share, principals, seen, &mut planned),
                Err(problem) => planned.problems.push(problem),
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (operation, params) = match action {
            Action::EnableOrganizationSharing => ("EnableSharingWithAwsOrganization", json!({})),
            Action::CreateShare { share, subnets, principals, external, token } => (
                "CreateResourceShare",
                json!({ "name": share, "resourceArns": subnets, "principals": principals, "clientToken": token,
                    "allowExternalPrincipals": external, "tags": [{ "key": TAG, "value": share }] }),
            ),
            Action::AssociateShare(change) => ("AssociateResourceShare", change.params()),
            Action::DisassociateShare(change) => ("DisassociateResourceShare", change.params()),
        };
        match scope.call("ram", operation, params).await {
            Err(cause) if NOT_LET_IN.iter().any(|code| cause.has_code(code)) => {
                let hint = "RAM may not look into the organization yet, which the baseline of the management account \
                            changes; the next run tries again";
                Err(StepError { cause, hint: hint.to_owned(), may_pass: true })
            }
            outcome => Ok(outcome.map(|_| Taken::Done)?),
        }
    }
}

async fn read(scope: &Scope, share: &RamShare) -> Result<Seen, CallError> {
    let tags = share.subnets.tag.iter().map(|(key, value)| json!({ "Name": format!("tag:{key}"), "Values": [value] }));
    let subnets = scope.pages("ec2", "DescribeSubnets", json!({ "Filters": tags.collect::<Vec<_>>() })).await?;
    // What others share with this account is listed as well.
    let own = |subnet: &&Value| subnet.get("OwnerId") == Some(&scope.account().as_ref().into());
    let pair = |subnet: &Value| {
        Some((subnet.get("SubnetArn")?.as_str()?.to_owned(), subnet.get("DefaultForAz") == Some(&true.into())))
    };
    let name = share.called();
    let params = json!({ "resourceOwner": "SELF", "name": name });
    let shares = scope.pages("ram", "GetResourceShares", params).await?;
    let tag = json!({ "key": TAG, "value": name });
    let (living, dead): (Vec<Value>, Vec<Value>) = shares.into_iter().partition(|share| {
        share.get("status").and_then(Value::as_str).is_some_and(|status| ["PENDING", "ACTIVE"].contains(&status))
    });
    let ours = living.iter().filter(|share| list(share, "tags").contains(&tag));
    let arn = ours.filter_map(|share| share.get("resourceShareArn")?.as_str()).min();
    Ok(Seen {
        subnets: subnets.iter().filter(own).filter_map(pair).collect(),
        share: match arn {
            Some(arn) => Some(found(scope, arn).await?),
            None => None,
        },
        deleted: texts(&dead, "resourceShareArn").into_iter().collect(),
    })
}

async fn found(scope: &Scope, arn: &str) -> Result<Found, CallError> {
    let of = |kind: &str| json!({ "associationType": kind, "resourceShareArns": [arn] });
    let (resources, principals) = tokio::try_join!(
        scope.pages("ram", "GetResourceShareAssociations", of("RESOURCE")),
        scope.pages("ram", "GetResourceShareAssociations", of("PRINCIPAL")),
    )?;
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let told = |items: Vec<Value>| {
        let entry =
            |item: &Value| (text(item, "associatedEntity"), (text(item, "status"), text(item, "statusMessage")));
        items.iter().map(entry).filter(|(_, (status, _))| status != "DISASSOCIATED").collect()
    };
    Ok(Found { arn: arn.to_owned(), resources: told(resources), principals: told(principals) })
}

fn entry(target: &Target, share: &RamShare, principals: BTreeSet<String>, seen: &Seen, planned: &mut Planned<Action>) {
    let name = share.called();
    let mut keep = |what: &str, why: &str| planned.kept.push((what.to_owned(), why.to_owned()));
    for (subnet, _) in seen.subnets.iter().filter(|(_, default)| **default) {
        keep(subnet, "AWS shares no subnets of a default VPC");
    }
    let subnets: BTreeSet<String> =
        seen.subnets.iter().filter(|(_, default)| !**default).map(|(arn, _)| arn.clone()).collect();
    match &seen.share {
        None if principals.is_empty() => keep(&name, "there is no other account that it could be for"),
        None if subnets.is_empty() => keep(&name, "no subnet of the account carries its tags"),
        None => {
            let external = target.forest.organization.is_none();
            let token = token(&name, &subnets, &principals, &seen.deleted);
            planned.steps.push(Action::CreateShare { share: name, subnets, principals, external, token });
        }
        Some(found) => differences(target, name, found, (subnets, principals), planned),
    }
}

fn differences(
    target: &Target,
    share: String,
    found: &Found,
    (subnets, principals): (BTreeSet<String>, BTreeSet<String>),
    planned: &mut Planned<Action>,
) {
    for (what, (status, message)) in found.resources.iter().chain(&found.principals) {
        let why = match status.as_str() {
            "ASSOCIATED" => continue,
            "ASSOCIATING" => "RAM is still adding it, or an invitation waits to be accepted".to_owned(),
            "FAILED" => format!("RAM could not add it: {message}"),
            other => format!("RAM calls it {}: the next run looks again", other.to_lowercase()),
        };
        planned.kept.push((format!("{what} in {share}"), why));
    }
    let change = |resources, principals| Change { share: share.clone(), arn: found.arn.clone(), resources, principals };
    let missing = change(missing(&subnets, &found.resources), missing(&principals, &found.principals));
    if !missing.is_empty() {
        planned.steps.push(Action::AssociateShare(missing));
    }
    let extra = change(extra(&subnets, &found.resources), extra(&principals, &found.principals));
    if target.strict() && !extra.is_empty() {
        planned.steps.push(Action::DisassociateShare(extra));
    }
}

/// What is to be added: also what failed before, for the cause may be gone.
fn missing(wanted: &BTreeSet<String>, found: &Associations) -> BTreeSet<String> {
    let there = |what: &&String| found.get(*what).is_some_and(|(status, _)| status != "FAILED");
    wanted.iter().filter(|what| !there(what)).cloned().collect()
}

fn extra(wanted: &BTreeSet<String>, found: &Associations) -> BTreeSet<String> {
    let held = found.iter().filter(|(_, (status, _))| ["ASSOCIATED", "ASSOCIATING"].contains(&status.as_str()));
    held.map(|(what, _)| what).filter(|what| !wanted.contains(*what)).cloned().collect()
}

/// The same for a repetition of the same request, and another one once a share was deleted.
fn token(name: &str, subnets: &BTreeSet<String>, to: &BTreeSet<String>, deleted: &BTreeSet<String>) -> String {
    let words = subnets.iter().chain(to).chain(deleted).map(String::as_str);
    let text = [name].into_iter().chain(words).collect::<Vec<_>>().join(" ");
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Change {
    fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.principals.is_empty()
    }

    fn params(&self) -> Value {
        let mut params = json!({ "resourceShareArn": self.arn });
        if let Value::Object(params) = &mut params {
            for (key, items) in [("resourceArns", &self.resources), ("principals", &self.principals)] {
                if !items.is_empty() {
                    params.insert(key.to_owned(), json!(items));
                }
            }
        }
        params
    }

    fn told(&self) -> String {
        let resources = (!self.resources.is_empty()).then(|| counted(self.resources.len(), "resource"));
        let principals = (!self.principals.is_empty()).then(|| sharing::counted(&self.principals));
        resources.into_iter().chain(principals).collect::<Vec<_>>().join(" and ")
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnableOrganizationSharing => f.write_str("let RAM share within the organization"),
            Self::CreateShare { share, subnets, principals, .. } => {
                write!(f, "share {} with {} as {share}", counted(subnets.len(), "subnet"), sharing::counted(principals))
            }
            Self::AssociateShare(change) => write!(f, "add {} to {}", change.told(), change.share),
            Self::DisassociateShare(change) => write!(f, "remove {} from {}", change.told(), change.share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::{FakeMember, FakeNetwork, FakeOrganization, FakeShare, FakeSubnet, Trip};
    use super::super::super::world::World;
    use super::*;
    use crate::aws::ErrorClass;
    use crate::types::AccountId;

    const SHARES: &str = r#"
accounts:
  root:    {id: "111122223333"}
  network: {id: "222233334444", ou: Shared}
  dev:     {id: "444455556666", ou: Workloads/Dev}
shares:
  - ram: {owner: network, subnets: {tag: {share: workloads}}, to: "Workloads/**"}
"#;
    const UNIT: &str = "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-ab12-00000002";

    fn id(text: &str) -> AccountId {
        text.parse().unwrap()
    }

    fn region() -> Region {
        "eu-west-1".parse().unwrap()
    }

    fn subnet(name: &str) -> String {
        format!("arn:aws:ec2:eu-west-1:222233334444:subnet/{name}")
    }

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    /// A network account with one tagged subnet, one of a default VPC, and one that is not its own.
    fn world(sections: &str) -> World {
        let organization = FakeOrganization::new(&id("111122223333"), &["Shared", "Workloads", "Workloads/Dev"])
            .with(&id("111122223333"), FakeMember::new("root", ""))
            .with(&id("222233334444"), FakeMember::new("network", "Shared"))
            .with(&id("444455556666"), FakeMember::new("dev", "Workloads/Dev"));
        let world = World::organization(sections, organization);
        let tagged = FakeSubnet::tagged("share", "workloads");
        let subnets = BTreeMap::from([
            ("subnet-a".to_owned(), tagged.clone()),
            ("subnet-d".to_owned(), FakeSubnet { default_for_az: true, ..tagged.clone() }),
            ("subnet-o".to_owned(), FakeSubnet { owner: Some(id("444455556666")), ..tagged }),
            ("subnet-x".to_owned(), FakeSubnet::tagged("share", "nobody")),
        ]);
        let network = FakeNetwork { id: "vpc-a".to_owned(), subnets, ..FakeNetwork::default() };
        world.cloud.change(&id("222233334444"), |account| {
            account.networks.insert(region(), vec![network]);
        });
        world
    }

    fn shares(world: &World) -> Vec<FakeShare> {
        world.cloud.account(&id("222233334444")).shares.remove(&region()).unwrap_or_default()
    }

    async fn both(world: &World) -> Vec<String> {
        let mut failures = Vec::new();
        for account in ["111122223333", "222233334444"] {
            failures.extend(world.apply_to(&id(account)).await.complaints());
        }
        failures
    }

    #[tokio::test]
    async fn subnets_reach_the_ou_and_a_second_apply_writes_nothing() {
        let world = world(SHARES);
        assert_eq!(both(&world).await, [""; 0]);
        assert_eq!(world.cloud.writes(), ["EnableSharingWithAwsOrganization", "CreateResourceShare"]);
        let share = &shares(&world)[0];
        assert_eq!(
            (share.name.as_str(), share.held("RESOURCE"), share.held("PRINCIPAL"), share.external),
            ("forester-share-workloads", set(&[&subnet("subnet-a")]), set(&[UNIT]), false)
        );
        assert_eq!(both(&world).await, [""; 0]);
        assert_eq!(world.cloud.writes(), [""; 0]);
    }

    #[tokio::test]
    async fn owner_that_comes_first_is_told_whom_it_waits_for_and_goes_on_later() {
        let world = world(SHARES);
        let report = world.apply_to(&id("222233334444")).await;
        assert!(report.may_pass() && report.failed[0].hint.contains("the management account"), "{report}");
        assert_eq!(both(&world).await, [""; 0]);
        assert_eq!(shares(&world).len(), 1);
    }

    #[tokio::test]
    async fn one_share_comes_of_it_whichever_call_fails_or_loses_its_answer() {
        for trip in [Trip::Refused, Trip::Lost] {
            for n in 0.. {
                let world = world(SHARES);
                world.cloud.trip(n, trip);
                both(&world).await;
                if !world.cloud.tripped() {
                    assert!(n > 5, "shares take more than {n} calls");
                    break;
                }
                assert_eq!(both(&world).await, [""; 0], "{trip:?} call {n}");
                assert_eq!((shares(&world).len(), shares(&world)[0].held("PRINCIPAL")), (1, set(&[UNIT])));
            }
        }
    }

    #[tokio::test]
    async fn subnets_of_default_vpcs_are_kept_to_the_owner() {
        let plan = world(SHARES).plan_of(&id("222233334444")).await;
        assert_eq!(plan.kept[0].summary, subnet("subnet-d"));
    }

    #[tokio::test]
    async fn only_strict_takes_away_what_is_not_declared() {
        for (enforce, left) in [("additive", true), ("strict", false)] {
            let world = world(&format!("{SHARES}layers: [{{match: {{all: true}}, enforce: {enforce}}}]\n"));
            both(&world).await;
            world.cloud.change(&id("222233334444"), |account| {
                let share = &mut account.shares.get_mut(&region()).unwrap()[0];
                share.put("PRINCIPAL", "555566667777", "ASSOCIATED");
                share.put("RESOURCE", &subnet("subnet-a"), "FAILED");
            });
            assert_eq!(both(&world).await, [""; 0]);
            let share = &shares(&world)[0];
            assert_eq!(share.held("PRINCIPAL").contains("555566667777"), left);
            assert_eq!(share.associations[&("RESOURCE".to_owned(), subnet("subnet-a"))], "ASSOCIATED");
        }
    }

    #[tokio::test]
    async fn associations_that_fail_or_last_are_told() {
        let world = world(SHARES);
        both(&world).await;
        world.cloud.change(&id("222233334444"), |account| {
            let share = &mut account.shares.get_mut(&region()).unwrap()[0];
            share.put("PRINCIPAL", UNIT, "ASSOCIATING");
            share.put("RESOURCE", &subnet("subnet-a"), "FAILED");
        });
        let plan = world.plan_of(&id("222233334444")).await.to_string();
        assert!(plan.contains("RAM could not add it: as told") && plan.contains("RAM is still adding it"), "{plan}");
        assert!(plan.contains("add 1 resource to forester-share-workloads"), "{plan}");
    }

    #[tokio::test]
    async fn shares_of_others_with_the_same_name_are_not_ours_and_deleted_ones_are_made_anew() {
        let world = world(SHARES);
        both(&world).await;
        world.cloud.change(&id("222233334444"), |account| {
            let shares = account.shares.get_mut(&region()).unwrap();
            shares[0].status = "DELETED".to_owned();
            let name = shares[0].name.clone();
            shares.push(FakeShare {
                name,
                arn: "other".to_owned(),
                status: "ACTIVE".to_owned(),
                ..FakeShare::default()
            });
        });
        both(&world).await;
        let shares = shares(&world);
        assert_eq!((shares.len(), shares[1].held("RESOURCE")), (3, set(&[])));
        assert_eq!(shares[2].held("RESOURCE"), set(&[&subnet("subnet-a")]));
    }

    #[tokio::test]
    async fn whole_organization_is_named_as_such() {
        let world = world(&SHARES.replace("Workloads/**", "**"));
        both(&world).await;
        let whole = "arn:aws:organizations::111122223333:organization/o-exampleorgid";
        assert_eq!(shares(&world)[0].held("PRINCIPAL"), set(&[whole]));
    }

    #[tokio::test]
    async fn pattern_without_an_ou_is_a_problem_and_takes_nothing_away() {
        let world = world(&SHARES.replace("Workloads/**", "Nowhere"));
        let plan = world.plan_of(&id("222233334444")).await;
        assert!(plan.steps.is_empty() && plan.errors[0].reason.contains("no OU"), "{plan}");
    }

    #[tokio::test]
    async fn refusal_is_told_with_the_call_to_allow() {
        let world = world(SHARES);
        world.cloud.fail("CreateResourceShare", None, ErrorClass::Denied, "AccessDeniedException");
        world.apply_to(&id("111122223333")).await;
        let report = world.apply_to(&id("222233334444")).await;
        assert!(report.failed[0].hint.contains("ram:CreateResourceShare"), "{report}");
    }

    #[tokio::test]
    async fn accounts_are_named_where_there_is_no_organization() {
        let layers = "- {match: {account: root}}\nshares:\n\
            - ram: {name: office, owner: dev, subnets: {tag: {share: workloads}}, to: \"**\"}\n";
        let world = World::fresh(&format!("{layers}\n"));
        let subnets = BTreeMap::from([("subnet-a".to_owned(), FakeSubnet::tagged("share", "workloads"))]);
        world.cloud.change(&id("444455556666"), |account| {
            let network = FakeNetwork { id: "vpc-a".to_owned(), subnets, ..FakeNetwork::default() };
            account.networks.insert(region(), vec![network]);
        });
        assert!(world.apply().await.is_clean());
        let share = world.cloud.account(&id("444455556666")).shares[&region()][0].clone();
        assert_eq!((share.name.as_str(), share.external), ("forester-office", true));
        assert_eq!(share.held("PRINCIPAL"), set(&["111122223333"]));
    }
}

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
        shares.push(FakeShare { name, arn: "other".to_owned(), status: "ACTIVE".to_owned(), ..FakeShare::default() });
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

#[tokio::test]
async fn account_that_is_invited_accepts_what_the_file_gives_it_and_nothing_else() {
    let layers = "- {match: {account: root}}\nshares:\n\
        - ram: {name: office, owner: root, subnets: {tag: {share: workloads}}, to: \"**\"}\n";
    let world = World::fresh(&format!("{layers}\n"));
    let dev = id("444455556666");
    let told = world.apply().await.to_string();
    assert!(told.contains("has not shared it"), "{told}");
    world.cloud.change(&dev, |account| {
        let from = |arn: &str, sender: &str, name: &str| (arn.to_owned(), (sender.to_owned(), name.to_owned()));
        account.invitations = BTreeMap::from([
            from("inv-1", "111122223333", "forester-office"),
            from("inv-2", "999988887777", "forester-office"),
            from("inv-3", "111122223333", "other"),
        ]);
    });
    world.cloud.calls();
    assert!(world.apply().await.is_clean());
    assert_eq!(world.cloud.account(&dev).invitations.keys().collect::<Vec<_>>(), ["inv-2", "inv-3"]);
    assert_eq!(world.cloud.writes(), ["AcceptResourceShareInvitation"]);
    assert!(world.apply().await.is_clean());
    assert_eq!(world.cloud.writes(), [""; 0]);
}

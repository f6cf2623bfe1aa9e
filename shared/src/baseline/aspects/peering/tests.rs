use super::super::super::fake::{FakeMember, FakeNetwork, FakeOrganization, FakePeering, Trip};
use super::super::super::world::World;
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

const SHARES: &str = r#"
accounts:
  dev:  {id: "222233334444", ou: Workloads}
  qa:   {id: "333344445555", ou: Workloads}
  prod: {id: "444455556666", ou: Workloads}
shares:
  - peer: {mesh: [dev, qa, prod], tag: {peer: "true"}}
"#;
const ACCOUNTS: [(&str, &str, &str); 3] = [
    ("dev", "222233334444", "10.1.0.0/16"),
    ("qa", "333344445555", "10.2.0.0/16"),
    ("prod", "444455556666", "10.3.0.0/16"),
];

fn id(name: &str) -> AccountId {
    ACCOUNTS.iter().find(|(found, ..)| *found == name).unwrap().1.parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

/// Three accounts with a tagged VPC each.
fn world() -> World {
    let mut organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Workloads"]);
    for (name, id, _) in ACCOUNTS {
        organization = organization.with(&id.parse().unwrap(), FakeMember::new(name, "Workloads"));
    }
    let world = World::organization(SHARES, organization);
    for (name, _, cidr) in ACCOUNTS {
        set(&world, name, vec![FakeNetwork::tagged(&format!("vpc-{name}"), "peer", "true", cidr)]);
    }
    world
}

fn set(world: &World, name: &str, networks: Vec<FakeNetwork>) {
    world.cloud.change(&id(name), |account| {
        account.networks.insert(region(), networks);
    });
}

async fn round(world: &World) -> Vec<String> {
    let mut told = Vec::new();
    for (name, ..) in ACCOUNTS {
        let report = world.apply_to(&id(name)).await;
        told.extend(report.complaints());
        told.extend(report.waiting.iter().map(|waiting| format!("{name} waits: {}", waiting.summary)));
    }
    told
}

#[tokio::test]
async fn connection_that_is_listed_and_not_known_yet_is_accepted_in_the_next_run() {
    let world = world();
    world.apply_to(&id("dev")).await;
    world.cloud.fail("AcceptVpcPeeringConnection", None, ErrorClass::Gone, "InvalidVpcPeeringConnectionID.NotFound");
    let report = world.apply_to(&id("qa")).await;
    assert!(!report.failed.is_empty() && report.may_pass(), "{report}");
    world.cloud.heal();
    assert_eq!(world.apply_to(&id("qa")).await.complaints(), Vec::<String>::new());
    assert!(peerings(&world).iter().any(|told| told == "vpc-dev vpc-qa active"), "{:?}", peerings(&world));
}

fn peerings(world: &World) -> Vec<String> {
    let told = |peering: FakePeering| format!("{} {} {}", peering.requester.1, peering.accepter.1, peering.status);
    world.cloud.peerings().into_iter().map(told).collect()
}

/// What a destination is reached through, in each route table of the account.
fn via(world: &World, name: &str, cidr: &str) -> Vec<Option<String>> {
    let network = world.cloud.account(&id(name)).networks[&region()][0].clone();
    network.tables.values().map(|routes| routes.get(cidr).cloned()).collect()
}

fn through(connection: &str) -> Vec<Option<String>> {
    vec![Some(connection.to_owned()); 2]
}

#[tokio::test]
async fn mesh_is_whole_after_one_round_and_a_second_one_writes_nothing() {
    let world = world();
    assert_eq!(round(&world).await, [""; 0]);
    let expect = ["vpc-dev vpc-qa active", "vpc-dev vpc-prod active", "vpc-qa vpc-prod active"];
    assert_eq!(peerings(&world), expect);
    assert_eq!(
        (via(&world, "dev", "10.2.0.0/16"), via(&world, "qa", "10.1.0.0/16")),
        (through("pcx-0"), through("pcx-0"))
    );
    assert_eq!(
        (via(&world, "prod", "10.1.0.0/16"), via(&world, "prod", "10.2.0.0/16")),
        (through("pcx-1"), through("pcx-2"))
    );
    world.cloud.calls();
    assert_eq!(round(&world).await, [""; 0]);
    assert_eq!(world.cloud.writes(), [""; 0]);
}

#[tokio::test]
async fn account_that_is_asked_waits_for_the_one_that_asks() {
    let world = world();
    let report = world.apply_to(&id("prod")).await;
    let on: Vec<_> = report.waiting.iter().filter_map(|waiting| waiting.on.clone()).collect();
    assert_eq!((on, report.done.len()), (vec![id("dev"), id("qa")], 0));
    round(&world).await;
    assert_eq!(round(&world).await, [""; 0]);
    assert_eq!(peerings(&world).iter().filter(|told| told.ends_with("active")).count(), 3);
}

#[tokio::test]
async fn connections_that_died_are_made_anew_and_their_routes_follow() {
    for status in ["rejected", "expired", "failed", "deleted"] {
        let world = world();
        round(&world).await;
        world.cloud.peer(|peerings| peerings[0].status = status.to_owned());
        assert_eq!(round(&world).await, [""; 0], "{status}");
        assert_eq!(peerings(&world)[3], "vpc-dev vpc-qa active");
        assert_eq!(
            (via(&world, "dev", "10.2.0.0/16"), via(&world, "qa", "10.1.0.0/16")),
            (through("pcx-3"), through("pcx-3"))
        );
    }
}

#[tokio::test]
async fn request_from_another_account_or_vpc_is_not_accepted() {
    let world = world();
    let pending = |requester: (AccountId, &str)| FakePeering {
        id: format!("pcx-{}", requester.1),
        region: region(),
        status: "pending-acceptance".to_owned(),
        requester: (requester.0, requester.1.to_owned()),
        accepter: (id("qa"), "vpc-qa".to_owned()),
    };
    let stranger = "999988887777".parse().unwrap();
    world.cloud.peer(|peerings| peerings.extend([pending((stranger, "vpc-dev")), pending((id("dev"), "vpc-x"))]));
    let report = world.apply_to(&id("qa")).await;
    assert!(!world.cloud.writes().contains(&"AcceptVpcPeeringConnection".to_owned()), "{report}");
}

#[tokio::test]
async fn connection_that_was_asked_for_from_the_other_side_is_taken() {
    let world = world();
    world.cloud.peer(|peerings| {
        peerings.push(FakePeering {
            id: "pcx-hand".to_owned(),
            region: region(),
            status: "pending-acceptance".to_owned(),
            requester: (id("qa"), "vpc-qa".to_owned()),
            accepter: (id("dev"), "vpc-dev".to_owned()),
        });
    });
    assert_eq!(round(&world).await, [""; 0]);
    assert_eq!((peerings(&world).len(), &*peerings(&world)[0]), (3, "vpc-qa vpc-dev active"));
}

#[tokio::test]
async fn overlapping_and_ambiguous_vpcs_are_problems_on_both_sides() {
    let world = world();
    set(&world, "qa", vec![FakeNetwork::tagged("vpc-qa", "peer", "true", "10.1.128.0/17")]);
    let (dev, qa) = (world.plan_of(&id("dev")).await, world.plan_of(&id("qa")).await);
    assert!(dev.errors[0].reason.contains("overlap") && qa.errors[0].reason.contains("overlap"), "{dev}\n{qa}");
    let two = ["vpc-a", "vpc-b"].map(|vpc| FakeNetwork::tagged(vpc, "peer", "true", "10.2.0.0/16"));
    set(&world, "qa", two.into());
    let (dev, qa) = (world.plan_of(&id("dev")).await, world.plan_of(&id("qa")).await);
    assert!(dev.errors[0].reason.starts_with("qa has 2 VPCs"), "{dev}");
    assert!(qa.errors[0].reason.starts_with("this account has 2 VPCs") && qa.steps.is_empty(), "{qa}");
}

#[tokio::test]
async fn vpc_without_the_tag_and_routes_of_others_are_kept() {
    let world = world();
    set(&world, "qa", vec![]);
    world.cloud.change(&id("dev"), |account| {
        let network = &mut account.networks.get_mut(&region()).unwrap()[0];
        network.tables.get_mut("rtb-vpc-dev-main").unwrap().insert("10.3.0.0/16".to_owned(), "tgw-1".to_owned());
    });
    let told = world.apply_to(&id("dev")).await.to_string();
    assert!(told.contains("no VPC there carries peer=true") && told.contains("it goes over tgw-1"), "{told}");
    assert_eq!(via(&world, "dev", "10.3.0.0/16")[0].as_deref(), Some("tgw-1"));
}

#[tokio::test]
async fn account_that_cannot_be_read_is_told_and_the_others_are_peered() {
    let world = world();
    world.cloud.fail_in(&id("qa"), "DescribeVpcs", ErrorClass::Denied, "UnauthorizedOperation");
    let report = world.apply_to(&id("dev")).await;
    assert!(report.errors.len() == 1 && report.errors[0].reason.starts_with("qa cannot be read"), "{report}");
    assert_eq!(peerings(&world), ["vpc-dev vpc-prod pending-acceptance"]);
}

#[tokio::test]
async fn mesh_becomes_whole_whichever_call_fails_or_loses_its_answer() {
    for trip in [Trip::Refused, Trip::Lost] {
        for n in 0.. {
            let world = world();
            world.cloud.trip(n, trip);
            round(&world).await;
            if !world.cloud.tripped() {
                assert!(n > 20, "a mesh of three makes more than {n} calls");
                break;
            }
            round(&world).await;
            assert_eq!(round(&world).await, [""; 0], "{trip:?} call {n}");
            world.cloud.calls();
            round(&world).await;
            let alive = peerings(&world).iter().filter(|told| told.ends_with("active")).count();
            assert_eq!((alive, peerings(&world).len(), world.cloud.writes()), (3, 3, vec![]), "{trip:?} call {n}");
        }
    }
}

//! What becomes of default VPCs under each word of the file.

use crate::baseline::Report;
use crate::baseline::fake::{FakeAccount, FakeVpc};
use crate::baseline::world::{REGIONS, World, id};
use crate::types::Region;

fn home() -> Region {
    "eu-west-1".parse().unwrap()
}

/// A world in which the default VPC of the home region is `vpc`, or missing, and the file says `word`.
fn world(word: &str, vpc: Option<FakeVpc>) -> World {
    let mut account = FakeAccount::fresh(&REGIONS);
    account.vpcs.remove(&home());
    account.vpcs.extend(vpc.map(|vpc| (home(), vpc)));
    World::new(&format!("  - {{match: {{all: true}}, default_vpc: {word}}}\n"), account)
}

fn used() -> Option<FakeVpc> {
    Some(FakeVpc::fresh(&home()).with("eni", "eni-1"))
}

fn here(report: &Report) -> Vec<String> {
    let home = report.done.iter().filter(|step| step.place.to_string() == "eu-west-1");
    home.map(|step| step.action.to_string()).collect()
}

#[tokio::test]
async fn strip_closes_the_group_and_the_subnets_and_keeps_the_vpc() {
    let world = world("strip", Some(FakeVpc::fresh(&home())));
    let report = world.apply().await;
    assert_eq!(
        here(&report),
        [
            "take 2 rules from the default security group sg-eu-west-1-0",
            "give no public addresses in 3 subnets of the default VPC"
        ]
    );
    let vpc = &world.cloud.account(&id()).vpcs[&home()];
    assert_eq!((vpc.ingress.len(), vpc.egress.len(), vpc.public.len()), (0, 0, 0));
    assert_eq!(vpc.content["subnet"].len(), 3);
    world.cloud.calls();
    assert_eq!(world.apply().await.steps, []);
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn strip_leaves_the_rules_of_a_group_in_use() {
    let world = world("strip", used());
    let report = world.apply().await;
    assert_eq!(here(&report), ["give no public addresses in 3 subnets of the default VPC"]);
    assert!(report.skipped.iter().any(|skipped| skipped.reason == "in use by eni-1"), "{report}");
    assert_eq!(world.cloud.account(&id()).vpcs[&home()].ingress.len(), 1);
}

#[tokio::test]
async fn used_vpc_is_kept_or_a_problem_as_declared_and_never_deleted() {
    for (word, kept, problems) in [("delete-if-unused", 1, 0), ("delete", 0, 1)] {
        let world = world(word, used());
        let report = world.apply().await;
        assert_eq!((report.skipped.len(), report.errors.len()), (kept, problems), "{word}: {report}");
        let vpcs = world.cloud.account(&id()).vpcs;
        assert_eq!(vpcs.keys().collect::<Vec<_>>(), [&home()], "the others, which nothing uses, are gone");
    }
}

#[tokio::test]
async fn missing_vpc_is_made_once_and_one_that_is_there_stays() {
    let world = world("recreate", None);
    let report = world.apply().await;
    assert_eq!((here(&report), report.done.len()), (vec!["create the default VPC".to_owned()], 1));
    assert!(world.cloud.account(&id()).vpcs[&home()].default);
    assert_eq!(world.apply().await.steps, []);
}

#[tokio::test]
async fn vpc_made_meanwhile_is_good() {
    let world = world("recreate", None);
    let prepared = world.prepare().await;
    world.cloud.change(&id(), |account| drop(account.vpcs.insert(home(), FakeVpc::fresh(&home()))));
    let report = world.take(&prepared).await;
    assert_eq!((report.failed.len(), report.skipped[0].reason.as_str()), (0, "already so"));
}

#[tokio::test]
async fn vpc_that_is_not_the_default_is_never_touched() {
    for word in ["strip", "delete", "delete-if-unused"] {
        let own = FakeVpc { default: false, ..FakeVpc::fresh(&home()) };
        let world = world(word, Some(own.clone()));
        world.apply().await;
        assert_eq!(world.cloud.account(&id()).vpcs[&home()], own, "{word}");
    }
}

use serde_json::{Value, json};

use super::super::super::fake::{FakeKey, FakeMember, FakeOrganization, FakeRegistry, FakeRepository};
use super::super::super::world::World;
use crate::types::{AccountId, Region};

const SHARES: &str = r#"
accounts:
  root:   {id: "111122223333"}
  shared: {id: "222233334444", ou: Shared}
  prod:   {id: "444455556666", ou: Workloads/Prod}
shares:
  - ecr: {owner: shared, repos: "app/*", pull: "Workloads/**", replicate_to: Workloads/Prod, key_grant: true}
"#;

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

/// A shared account with a repository of the name, encrypted with a key of its own, and one of another name.
fn world(sections: &str) -> World {
    let organization = FakeOrganization::new(&id("111122223333"), &["Shared", "Workloads", "Workloads/Prod"])
        .with(&id("111122223333"), FakeMember::new("root", ""))
        .with(&id("222233334444"), FakeMember::new("shared", "Shared"))
        .with(&id("444455556666"), FakeMember::new("prod", "Workloads/Prod"));
    let world = World::organization(sections, organization);
    world.cloud.change(&id("222233334444"), |account| {
        let web = FakeRepository { key: Some("key-app".to_owned()), ..FakeRepository::default() };
        let names = [("app/web", web), ("tools", FakeRepository::default())];
        let repositories = names.into_iter().map(|(name, repository)| (name.to_owned(), repository)).collect();
        account.registries.insert(region(), FakeRegistry { repositories, ..FakeRegistry::default() });
        account.keys.insert((region(), "key-app".to_owned()), FakeKey::fresh());
    });
    world
}

fn registry(world: &World, account: &str) -> FakeRegistry {
    world.cloud.account(&id(account)).registries.remove(&region()).unwrap_or_default()
}

fn change(world: &World, change: impl FnOnce(&mut FakeRegistry)) {
    world.cloud.change(&id("222233334444"), |account| change(account.registries.get_mut(&region()).unwrap()));
}

async fn both(world: &World) {
    for account in ["222233334444", "444455556666"] {
        let report = world.apply_to(&id(account)).await;
        assert!(report.is_clean(), "{report}");
    }
}

#[tokio::test]
async fn ou_may_pull_accounts_get_copies_and_a_second_apply_writes_nothing() {
    let world = world(SHARES);
    both(&world).await;
    let writes = ["SetRepositoryPolicy", "PutKeyPolicy", "PutReplicationConfiguration", "PutRegistryPolicy"];
    assert_eq!(world.cloud.writes(), writes);
    let shared = registry(&world, "222233334444");
    let paths = "/Statement/0/Condition/ForAnyValue:StringLike/aws:PrincipalOrgPaths";
    let policy = shared.repositories["app/web"].policy.as_ref().unwrap();
    assert_eq!(policy.pointer(paths), Some(&json!(["o-exampleorgid/r-ab12/ou-ab12-00000002/*"])));
    assert_eq!(shared.repositories["tools"].policy, None);
    assert_eq!(
        shared.rules,
        [json!({ "destinations": [{ "region": "eu-west-1", "registryId": "444455556666" }],
            "repositoryFilters": [{ "filter": "app/", "filterType": "PREFIX_MATCH" }] })]
    );
    let received = registry(&world, "444455556666").policy.unwrap();
    assert_eq!(received["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::222233334444:root");
    assert_eq!(received["Statement"][0]["Resource"], json!(["arn:aws:ecr:eu-west-1:444455556666:repository/app/*"]));
    let key = &world.cloud.account(&id("222233334444")).keys[&(region(), "key-app".to_owned())];
    let condition = &key.policy["Statement"][0]["Condition"];
    assert_eq!(condition["StringEquals"]["kms:ViaService"], "ecr.eu-west-1.amazonaws.com");
    both(&world).await;
    assert_eq!(world.cloud.writes(), [""; 0]);
}

#[tokio::test]
async fn statements_and_rules_of_others_stay() {
    for enforce in ["additive", "strict"] {
        let world = world(&format!("{SHARES}layers: [{{match: {{all: true}}, enforce: {enforce}}}]\n"));
        let statement =
            json!({ "Sid": "LambdaECRImageRetrievalPolicy", "Effect": "Allow", "Action": "ecr:BatchGetImage" });
        let rule = json!({ "destinations": [{ "region": "us-east-1", "registryId": "222233334444" }] });
        change(&world, |registry| {
            let policy = json!({ "Version": "2008-10-17", "Statement": [statement] });
            registry.repositories.get_mut("app/web").unwrap().policy = Some(policy);
            registry.rules = vec![rule.clone()];
        });
        both(&world).await;
        let shared = registry(&world, "222233334444");
        assert_eq!(shared.sids("app/web"), ["LambdaECRImageRetrievalPolicy", "ForesterPull"]);
        assert_eq!((shared.rules.len(), &shared.rules[0]), (2, &rule));
    }
}

#[tokio::test]
async fn pull_that_is_no_longer_declared_is_taken_back() {
    let first = world(SHARES);
    both(&first).await;
    let policy = registry(&first, "222233334444").repositories["app/web"].policy.clone();
    let second = world(&SHARES.replace("pull: \"Workloads/**\", ", "").replace(", key_grant: true", ""));
    change(&second, |registry| registry.repositories.get_mut("app/web").unwrap().policy = policy);
    both(&second).await;
    assert_eq!(registry(&second, "222233334444").repositories["app/web"].policy, None);
}

#[tokio::test]
async fn more_places_than_aws_allows_are_a_problem_before_the_call() {
    let world = world(SHARES);
    change(&world, |registry| {
        let places = (0..25).map(|n| json!({ "region": "eu-west-1", "registryId": format!("{n:012}") }));
        registry.rules = vec![json!({ "destinations": places.collect::<Vec<Value>>(),
            "repositoryFilters": [{ "filter": "other/", "filterType": "PREFIX_MATCH" }] })];
    });
    let plan = world.plan_of(&id("222233334444")).await;
    assert!(plan.errors[0].reason.contains("26 places"), "{plan}");
}

#[tokio::test]
async fn keys_that_cannot_be_shared_are_kept_with_the_reason() {
    let world = world(SHARES);
    world.cloud.change(&id("222233334444"), |account| {
        account.keys.get_mut(&(region(), "key-app".to_owned())).unwrap().by_aws = true;
    });
    let plan = world.plan_of(&id("222233334444")).await;
    assert!(plan.kept[0].reason.contains("AWS manages it"), "{plan}");
}

#[tokio::test]
async fn key_that_another_aspect_keeps_is_shared_and_neither_takes_from_the_other() {
    let layers = "layers: [{match: {all: true}, enforce: strict, keys: {account: {alias: acme, rotate: true}}}]\n";
    let world = world(&format!("{SHARES}{layers}"));
    world.apply_to(&id("222233334444")).await;
    let key = world.cloud.account(&id("222233334444")).aliases[&(region(), "alias/acme".to_owned())].clone();
    change(&world, |registry| registry.repositories.get_mut("app/web").unwrap().key = Some(key.clone()));
    both(&world).await;
    world.cloud.calls();
    both(&world).await;
    let policy = &world.cloud.account(&id("222233334444")).keys[&(region(), key)].policy;
    let sids: Vec<&str> = policy["Statement"].as_array().unwrap().iter().filter_map(|s| s["Sid"].as_str()).collect();
    assert_eq!((sids, world.cloud.writes()), (vec!["ForesterAccount", "SharedByForesterEcr"], vec![]));
}

#[tokio::test]
async fn accounts_are_named_where_there_is_no_organization() {
    let shares = "- {match: {account: root}}\nshares:\n- ecr: {owner: dev, repos: web, pull: \"**\"}\n";
    let world = World::fresh(&format!("{shares}\n"));
    world.cloud.change(&id("444455556666"), |account| {
        let registry = account.registries.entry(region()).or_default();
        registry.repositories.insert("web".to_owned(), FakeRepository::default());
    });
    assert!(world.apply().await.is_clean());
    let policy = registry(&world, "444455556666").repositories["web"].policy.clone().unwrap();
    assert_eq!(policy["Statement"][0]["Principal"], json!({ "AWS": ["arn:aws:iam::111122223333:root"] }));
}

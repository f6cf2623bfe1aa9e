//! What rules say about resources: each condition by itself, and that no way to combine them deletes what is unknown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::catalogue::{Catalogue, SpareAs};
use super::discover::Lister;
use super::fake::Cloud;
use super::item::{CellKey, Decision, Found, GLOBAL, ItemKey, Listing};
use super::protect::Protection;
use crate::aws::Accounts;

const TABLE: &str = "AWS::DynamoDB::Table";

fn now() -> Timestamp {
    "2026-11-26T10:00:00Z".parse().unwrap()
}

fn item(kind: &str, region: &str) -> Found {
    Found {
        key: ItemKey {
            cell: CellKey { region: region.to_owned(), kind: kind.parse().unwrap() },
            id: "orders".to_owned(),
        },
        region: "eu-west-1".parse().unwrap(),
        name: "orders".to_owned(),
        arn: Some("arn:aws:dynamodb:eu-west-1:111122223333:table/orders".to_owned()),
        tags: Ok(BTreeMap::new()),
        created: None,
        changed: None,
        place: Ok(region.to_owned()),
        spare: None,
        undeletable: None,
        foreign: false,
        trimmable: false,
        needs: BTreeSet::new(),
        with: BTreeSet::new(),
        contents: BTreeSet::new(),
        unread: None,
        barred: false,
        facts: serde_json::from_value(json!({})).unwrap(),
    }
}

fn table() -> Found {
    item(TABLE, "eu-west-1")
}

fn made(created: &str) -> Found {
    Found { created: Some(created.to_owned()), ..table() }
}

fn tagged(key: &str, value: &str) -> Found {
    Found { tags: Ok([(key.to_owned(), value.to_owned())].into()), ..table() }
}

fn unread() -> Found {
    Found { tags: Err("AccessDenied".to_owned()), ..table() }
}

fn protection(rule: &Value) -> Protection {
    let section = json!({"match": {"ou": "Sandbox", "tag": {"a": "b"}}, "protect": [rule]});
    Protection::new(&serde_json::from_value(section).unwrap(), Vec::new()).unwrap()
}

fn decide(rule: &Value, item: Found) -> Decision {
    protection(rule).decide(&[item], now()).remove(0)
}

fn kept(rule: &Value, item: Found) -> bool {
    match decide(rule, item) {
        Decision::Keep(why) => {
            assert!(why.starts_with("sandbox.protect[0] protects it"), "{why}");
            true
        }
        Decision::Delete => false,
        other => panic!("{rule}: {other:?}"),
    }
}

/// Checks that the rule keeps `yes` and not `no`, and that its opposite does the opposite.
fn check(rule: &Value, yes: Found, no: Found) {
    let opposite = json!({ "not": rule });
    assert!(kept(rule, yes.clone()), "{rule} keeps {yes:?}");
    assert!(!kept(rule, no.clone()), "{rule} does not keep {no:?}");
    assert!(!kept(&opposite, yes), "{opposite}");
    assert!(kept(&opposite, no), "{opposite}");
}

#[test]
fn each_condition_holds_or_does_not() {
    let volume = || item("AWS::EC2::Volume", "us-east-1");
    let other = || Found { arn: Some("arn:aws:dynamodb:eu-west-1:111122223333:table/x".to_owned()), ..table() };
    check(&json!({"arn": "arn:*:table/orders"}), table(), other());
    check(&json!({"type": TABLE}), table(), volume());
    check(&json!({"type": TABLE, "name": "ord*"}), table(), volume());
    check(&json!({"tag": {"keep": "tr*"}}), tagged("keep", "true"), tagged("keep", "false"));
    check(&json!({"tag": {"keep": "*"}}), tagged("keep", ""), table());
    check(&json!({"tag": {"until": ">= today"}}), tagged("until", "2026-11-26"), tagged("until", "2026-11-25"));
    check(&json!({"tag": {"until": "> today"}}), tagged("until", "2026-11-27"), tagged("until", "2026-11-26"));
    check(&json!({"region": "eu-*"}), table(), volume());
    check(&json!({"younger_than": "7d"}), made("2026-11-19T10:00:01Z"), made("2026-11-19T10:00:00Z"));
    check(&json!({"older_than": "30d"}), made("2026-10-27T10:00:00Z"), made("2026-10-27T10:00:01Z"));
}

#[test]
fn flat_form_means_all_of_its_conditions() {
    let rule = json!({"type": TABLE, "tag": {"keep": "true"}, "younger_than": "7d"});
    let young = |found: Found| Found { created: Some("2026-11-25T10:00:00Z".to_owned()), ..found };
    check(&rule, young(tagged("keep", "true")), young(table()));
    let old = Found { created: Some("2026-01-25T10:00:00Z".to_owned()), ..tagged("keep", "true") };
    check(&rule, young(tagged("keep", "true")), old);
}

#[test]
fn groups_nest() {
    let rule = json!({"any": [
        {"tag": {"keep": "true"}},
        {"all": [{"region": "eu-*"}, {"not": {"any": [{"tag": {"scratch": "*"}}, {"type": "AWS::Logs::LogGroup"}]}}]},
    ]});
    let far = |found: Found| Found { place: Ok("us-east-1".to_owned()), ..found };
    check(&rule, far(tagged("keep", "true")), far(table()));
    check(&rule, table(), tagged("scratch", "1"));
    check(&rule, table(), item("AWS::Logs::LogGroup", "eu-west-1"));
}

#[test]
fn what_is_in_no_region_is_global_and_a_region_that_is_not_known_keeps() {
    let role = || item("AWS::IAM::Role", GLOBAL);
    check(&json!({"region": "global"}), role(), table());
    check(&json!({"region": "eu-*"}), table(), role());
    // A bucket is listed globally and is in a region all the same.
    let bucket = |place: Result<String, String>| Found { place, ..item("AWS::S3::Bucket", GLOBAL) };
    check(&json!({"region": "eu-*"}), bucket(Ok("eu-central-1".to_owned())), bucket(Ok("us-east-1".to_owned())));
    let lost = decide(&json!({"region": "eu-*"}), bucket(Err("the answer lacks BucketRegion".to_owned())));
    assert_eq!(lost, Decision::Unknown("its region is not known: the answer lacks BucketRegion".to_owned()));
}

#[test]
fn every_way_in_which_services_write_a_time_is_read() {
    let rule = json!({"younger_than": "7d"});
    let lately = [
        "2026-11-25T10:00:00.000Z",
        "2026-11-25T10:00:00Z",
        "2026-11-25T10:00:00+02:00",
        "2026-11-25T10:00:00.000+0000",
        "2026-11-25T10:00:00.123456",
        "1795600800",
        "1795600800.25",
        "1.7956008E9",
        "1795600800000",
        "Wed, 25 Nov 2026 10:00:00 GMT",
        "2099-01-01T00:00:00Z",
    ];
    for text in lately {
        assert!(kept(&rule, made(text)), "{text}");
        assert!(!kept(&json!({"older_than": "7d"}), made(text)), "{text}");
    }
    for text in ["2025-11-25T10:00:00.000Z", "1700000000", "1700000000000"] {
        assert!(!kept(&rule, made(text)), "{text}");
        assert!(kept(&json!({"older_than": "7d"}), made(text)), "{text}");
    }
    for text in ["", "null", "yesterday", "0", "-1", "NaN", "2026-13-45T00:00:00Z"] {
        for rule in [&rule, &json!({"older_than": "7d"}), &json!({"not": rule})] {
            let decision = decide(rule, made(text));
            assert!(
                matches!(&decision, Decision::Unknown(why) if why.contains("is not understood")),
                "{text}: {decision:?}"
            );
        }
    }
}

#[test]
fn what_tells_no_age_is_kept_where_its_age_decides() {
    let ageless = Decision::Keep("its age is not known".to_owned());
    for rule in [json!({"younger_than": "7d"}), json!({"older_than": "7d"}), json!({"not": {"older_than": "7d"}})] {
        assert_eq!(decide(&rule, table()), ageless, "{rule}");
    }
    let elsewhere = json!({"type": "AWS::EC2::Volume", "younger_than": "7d"});
    assert_eq!(decide(&elsewhere, table()), Decision::Delete, "the type decides alone");
    assert!(kept(&json!({"any": [{"younger_than": "7d"}, {"type": TABLE}]}), table()));
}

#[test]
fn time_of_a_change_tells_how_old_something_is_at_least() {
    let changed = |text: &str| Found { changed: Some(text.to_owned()), ..table() };
    let (lately, long_ago) = (changed("2026-11-25T10:00:00Z"), changed("2026-01-25T10:00:00Z"));
    check(&json!({"older_than": "7d"}), long_ago, made("2026-11-25T10:00:00Z"));
    for rule in [json!({"younger_than": "7d"}), json!({"older_than": "7d"})] {
        let decision = decide(&rule, lately.clone());
        assert!(matches!(&decision, Decision::Keep(why) if why.starts_with("its age is not known: ")), "{decision:?}");
    }
}

#[test]
fn unread_tags_stay_unknown_unless_the_rest_decides() {
    let reason = Decision::Unknown("its tags could not be read: AccessDenied".to_owned());
    let tag = json!({"tag": {"keep": "true"}});
    let open = [
        tag.clone(),
        json!({ "not": tag }),
        json!({"not": {"not": tag}}),
        json!({"all": [{"type": TABLE}, {"not": tag}]}),
        json!({"any": [{"type": "AWS::EC2::Volume"}, tag]}),
        json!({"all": [{"younger_than": "7d"}, tag]}),
    ];
    for rule in open {
        assert_eq!(decide(&rule, unread()), reason, "{rule}");
    }
    assert_eq!(decide(&json!({"type": "AWS::EC2::Volume", "not": tag}), unread()), Decision::Delete);
    assert!(kept(&json!({"any": [tag, {"type": TABLE}]}), unread()));
}

#[test]
fn a_date_that_is_not_understood_keeps_in_a_rule_and_in_its_opposite() {
    for rule in [json!({"tag": {"until": ">= today"}}), json!({"not": {"tag": {"until": ">= today"}}})] {
        let why = "its tag until=next week is not understood as a date".to_owned();
        assert_eq!(decide(&rule, tagged("until", "next week")), Decision::Keep(why), "{rule}");
    }
}

#[test]
fn tags_are_asked_for_and_types_are_known_however_deep_they_are_named() {
    let deep = protection(&json!({"type": TABLE, "any": [{"region": "eu-*"}, {"not": {"tag": {"a": "b"}}}]}));
    assert!(deep.wants_tags());
    assert!(!protection(&json!({"not": {"region": "eu-*"}})).wants_tags());
    let (table, volume) = (TABLE.parse().unwrap(), "AWS::EC2::Volume".parse().unwrap());
    assert!(deep.may_keep(&table) && !deep.may_keep(&volume));
    let others = protection(&json!({"not": {"type": TABLE}}));
    assert!(!others.may_keep(&table) && others.may_keep(&volume));
}

#[tokio::test]
async fn tags_of_what_is_busy_are_read_because_it_is_deleted_later() {
    let cloud = Cloud::new().with("us-east-1", "ListRoles", [json!({"RoleName": "app", "Path": "/busy/"})]);
    let mut kind = Catalogue::embedded().unwrap().kind(&"AWS::IAM::Role".parse().unwrap()).unwrap().clone();
    kind.spare =
        vec![serde_json::from_value(json!({"as": "busy", "when": {"path": "Path", "is": ["/busy/"]}})).unwrap()];
    let scope = cloud.scope(&cloud.account.id, &"us-east-1".parse().unwrap()).await.unwrap();
    let cell = CellKey { region: GLOBAL.to_owned(), kind: kind.name.clone() };
    let lister = Lister { accounts: &cloud, scope: &scope, kind: &kind, cell: &cell, want_tags: true };
    let Listing::Items(found) = lister.list().await else { panic!() };
    assert_eq!(found[0].spare, Some(SpareAs::Busy));
    assert!(kept(&json!({"tag": {"Name": "for *"}}), found[0].clone()));
}

fn rules() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"tag": {"keep": "true"}})),
        Just(json!({"tag": {"until": ">= today"}})),
        Just(json!({"younger_than": "7d"})),
        Just(json!({"older_than": "30d"})),
        Just(json!({"region": "eu-*"})),
        Just(json!({"region": "us-*"})),
        Just(json!({"type": TABLE})),
        Just(json!({"type": TABLE, "younger_than": "40d"})),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| json!({ "all": parts })),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| json!({ "any": parts })),
            inner.clone().prop_map(|part| json!({ "not": part })),
            (inner.clone(), inner).prop_map(|(part, other)| json!({"region": "eu-*", "not": part, "any": [other]})),
        ]
    })
}

/// Everything that an item may turn out to be of which neither tags nor age are known.
fn possible() -> Vec<Found> {
    let ages = ["2026-11-25T10:00:00Z", "2026-11-10T10:00:00Z", "2026-10-22T10:00:00Z", "2026-01-01T10:00:00Z"];
    let tags = [None, Some(("keep", "true")), Some(("until", "2026-12-01")), Some(("until", "2026-01-01"))];
    let items = ages.iter().flat_map(|age| tags.iter().map(move |tag| (age, tag)));
    let both = || Ok([("keep", "true"), ("until", "2026-12-01")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let single = items.map(|(age, tag)| {
        let tags = tag.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
        Found { tags: Ok(tags), ..made(age) }
    });
    single.chain(ages.iter().map(|age| Found { tags: both(), ..made(age) })).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nothing_is_deleted_that_a_rule_might_keep_if_more_were_known(rule in rules()) {
        let protection = protection(&rule);
        let decisions = |items: &[Found]| items.iter().map(|item| protection.decide(std::slice::from_ref(item), now()).remove(0)).collect::<Vec<_>>();
        let outcomes = decisions(&possible());
        let may_stay = outcomes.iter().any(|decision| *decision != Decision::Delete);
        let may_go = outcomes.contains(&Decision::Delete);
        let unknown = decisions(&[
            Found { created: None, ..unread() },
            Found { created: Some("garbled".to_owned()), ..unread() },
            Found { changed: Some("2026-11-25T10:00:00Z".to_owned()), ..unread() },
        ]);
        for decision in unknown {
            prop_assert!(!may_stay || decision != Decision::Delete, "{rule}: {decision:?}");
            let certain = matches!(&decision, Decision::Keep(why) if why.starts_with("sandbox.protect"));
            prop_assert!(!may_go || !certain, "{rule} said to protect what it may not: {decision:?}");
        }
    }
}

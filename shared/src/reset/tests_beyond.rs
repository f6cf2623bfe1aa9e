//! Whole runs in accounts that use what the catalogue does not know.

use serde_json::{Value, json};

use super::catalogue::Catalogue;
use super::fake::{Cloud, HOME, SANDBOX};
use super::fake_beyond::Beyond;
use super::oracle::HeardAs;
use super::receipt::Receipt;
use super::verdict::{State, Verdict};
use crate::aws::ErrorClass;

const FAST: &str = "  rescan_after: 1m\n  patience: 10m\n  default_vpc: delete\n  freeze: 'off'\n  costs: none\n\
     \x20 witnesses: {ask: [tags, explorer, access-report, costs, trail]}\n";

/// A type that Cloud Control lists and that has no entry. If it gets one, take another.
const PLAN: &str = "AWS::ARCRegionSwitch::Plan";
const ARN: &str = "arn:aws:arc-region-switch:eu-west-1:555566667777:plan/p-1";

async fn run(cloud: &Cloud, section: &str) -> Receipt {
    let report = cloud.drive(&cloud.reset(section), "run-1", None).await.unwrap();
    cloud.receipt(&report)
}

fn with(change: impl FnOnce(&mut Beyond)) -> Cloud {
    let cloud = Cloud::new();
    cloud.change(|world| change(&mut world.beyond));
    cloud
}

/// An account with one plan, which is tagged.
fn planned(properties: Value) -> Cloud {
    with(|beyond| {
        beyond.resources = vec![Beyond::resource("eu-west-1", PLAN, "p-1", properties)];
        beyond.tagged = vec![("eu-west-1", ARN.to_owned(), Some("p-1"))];
    })
}

fn left(cloud: &Cloud) -> Vec<String> {
    cloud.world.lock().unwrap().beyond.ids().into_iter().map(str::to_owned).collect()
}

fn state(receipt: &Receipt, region: &str, kind: &str) -> Option<State> {
    receipt.ledger.iter().find(|line| line.region == region && line.kind == kind).map(|line| line.state)
}

#[tokio::test]
async fn service_that_nobody_covers_is_amber_by_name() {
    let cloud = with(|beyond| beyond.billed = vec![("Amazon Teleport", "eu-west-1"), ("Tax", "NoRegion")]);
    let receipt = run(&cloud, FAST).await;
    assert_eq!((receipt.verdict, receipt.uncovered.len()), (Some(Verdict::Amber), 1), "{receipt}");
    assert_eq!(
        (receipt.uncovered[0].service.as_str(), receipt.uncovered[0].region.as_str()),
        ("Amazon Teleport", "eu-west-1")
    );
    assert!(receipt.to_string().contains("Amazon Teleport"), "{receipt}");
}

#[tokio::test]
async fn every_witness_is_believed() {
    let report = json!({"ServiceNamespace": "teleport", "LastAuthenticatedTime": "2027-01-14T00:00:00Z"});
    let event = json!({"EventName": "CreateGate", "EventSource": "teleport.amazonaws.com", "Username": "ana"});
    let indexed =
        json!({"Arn": "arn:aws:teleport:eu-west-1:1:gate/g", "Region": "eu-west-1", "OwningAccountId": SANDBOX});
    let clouds = [
        with(|beyond| beyond.report = vec![report]),
        with(|beyond| beyond.events = vec![("us-east-1", event)]),
        with(|beyond| beyond.indexed = vec![indexed]),
        with(|beyond| beyond.tagged = vec![("us-east-1", "arn:aws:teleport:us-east-1:1:gate/g".to_owned(), None)]),
    ];
    for (n, cloud) in clouds.iter().enumerate() {
        let receipt = run(cloud, FAST).await;
        let named: Vec<&str> = receipt.uncovered.iter().map(|one| one.service.as_str()).collect();
        assert_eq!((receipt.verdict, named), (Some(Verdict::Amber), vec!["teleport"]), "witness {n}");
    }
}

#[tokio::test]
async fn use_of_long_ago_and_what_others_own_do_not_count() {
    let report = json!({"ServiceNamespace": "teleport", "LastAuthenticatedTime": "2026-12-01T00:00:00Z"});
    let indexed = json!({"Arn": "arn:aws:teleport:eu-west-1:1:gate/g", "Region": "eu-west-1", "OwningAccountId": HOME});
    let cloud = with(|beyond| (beyond.report, beyond.indexed) = (vec![report], vec![indexed]));
    assert_eq!(run(&cloud, FAST).await.verdict, Some(Verdict::Green));
}

#[tokio::test]
async fn use_in_a_region_that_is_not_enabled_is_amber() {
    let cloud = with(|beyond| beyond.billed = vec![("Amazon DynamoDB", "af-south-1")]);
    let receipt = run(&cloud, FAST).await;
    assert_eq!((receipt.verdict, receipt.uncovered[0].region.as_str()), (Some(Verdict::Amber), "af-south-1"));
}

#[tokio::test]
async fn resource_without_an_entry_is_found_and_deleted() {
    let cloud = planned(json!({"Name": "failover"}));
    cloud.change(|world| world.beyond.polls = 3);
    let receipt = run(&cloud, FAST).await;
    assert_eq!((left(&cloud), receipt.verdict, &receipt.uncovered), (vec![], Some(Verdict::Green), &vec![]));
    assert_eq!(state(&receipt, "eu-west-1", PLAN), Some(State::Cleaned));
    assert_eq!(state(&receipt, "us-east-1", PLAN), None, "nobody saw the service there");
}

#[tokio::test]
async fn killed_at_any_call_a_request_is_made_once() {
    let calm = {
        let cloud = planned(json!({}));
        cloud.change(|world| world.beyond.polls = 3);
        run(&cloud, FAST).await;
        cloud.world.lock().unwrap().calls
    };
    let near = cloud_control_calls(calm);
    for n in near {
        let cloud = planned(json!({}));
        cloud.change(|world| (world.beyond.polls, world.kill_at) = (3, Some(n)));
        let receipt = run(&cloud, FAST).await;
        let made = cloud.world.lock().unwrap().beyond.made.clone();
        assert_eq!((left(&cloud), receipt.verdict), (vec![], Some(Verdict::Green)), "killed at {n}");
        assert_eq!(made, ["DeleteResource p-1"], "killed at {n}");
    }
}

/// A sample of all calls of a run, which is long, and every call of the middle, where the request is made and followed.
fn cloud_control_calls(calm: u64) -> Vec<u64> {
    let scan = (calm - 12) / 3;
    (1..calm).step_by(97).chain(scan..scan + 30).collect()
}

#[tokio::test]
async fn failures_that_pass_are_tried_again_and_others_are_told() {
    let passing = ["NotStabilized", "Throttling", "ResourceConflict", "ServiceInternalError"];
    for code in passing {
        let cloud = planned(json!({}));
        cloud.change(|world| world.beyond.fails = [(code, "not now")].into());
        assert_eq!((run(&cloud, FAST).await.verdict, left(&cloud)), (Some(Verdict::Green), vec![]), "{code}");
    }
    for (code, expect) in [("AccessDenied", State::Denied), ("GeneralServiceException", State::Error)] {
        let cloud = planned(json!({}));
        cloud.change(|world| world.beyond.fails = vec![(code, "never"); 99].into());
        let receipt = run(&cloud, FAST).await;
        assert_ne!(receipt.verdict, Some(Verdict::Green), "{code}");
        assert_eq!((state(&receipt, "eu-west-1", PLAN), left(&cloud).len()), (Some(expect), 1), "{code}");
    }
}

#[tokio::test]
async fn protection_is_lifted_when_the_delete_tells_of_it() {
    let cloud = planned(json!({"DeletionProtection": true}));
    cloud.change(|world| world.beyond.fails = [("InvalidRequest", "Deletion protection is enabled")].into());
    let receipt = run(&cloud, FAST).await;
    let made = cloud.world.lock().unwrap().beyond.made.clone();
    assert_eq!((receipt.verdict, left(&cloud)), (Some(Verdict::Green), vec![]));
    assert_eq!(made, ["DeleteResource p-1", "UpdateResource p-1", "DeleteResource p-1"]);
}

#[tokio::test]
async fn rules_hold_for_what_has_no_entry() {
    let cloud = planned(json!({"Tags": [{"Key": "keep", "Value": "yes"}]}));
    let receipt = run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n")).await;
    assert_eq!((receipt.verdict, left(&cloud).len(), receipt.kept.len()), (Some(Verdict::Green), 1, 1));
    let cloud = planned(json!({"Arn": ARN}));
    run(&cloud, &format!("{FAST}  protect: [{{arn: \"arn:*:plan/p-*\"}}]\n")).await;
    assert_eq!(left(&cloud).len(), 1, "the ARN is read where the list does not tell");
    let cloud = planned(json!({}));
    run(&cloud, &format!("{FAST}  protect: [{{type: \"{PLAN}\"}}]\n")).await;
    assert_eq!(left(&cloud).len(), 1);
}

#[tokio::test]
async fn unreadable_tags_of_what_has_no_entry_neither_delete_nor_forget() {
    let cloud = planned(json!({}));
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "GetResource").then_some((ErrorClass::Throttled, "Throttling"))
        }));
    });
    let receipt = run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n")).await;
    assert_eq!((receipt.verdict, left(&cloud).len(), receipt.left.len()), (Some(Verdict::Red), 1, 1));
}

#[tokio::test]
async fn an_arn_that_could_not_be_read_neither_deletes_nor_forgets() {
    let cloud = planned(json!({"Arn": ARN}));
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "GetResource").then_some((ErrorClass::Throttled, "Throttling"))
        }));
    });
    let receipt = run(&cloud, &format!("{FAST}  protect: [{{arn: \"arn:*:plan/p-*\"}}]\n")).await;
    assert_eq!((receipt.verdict, left(&cloud).len(), receipt.left.len()), (Some(Verdict::Red), 1, 1));
}

#[tokio::test]
async fn tags_by_another_name_are_tags_and_switches_are_not() {
    let keep = format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n");
    let cloud = planned(json!({"CopyTags": true, "PlanTags": [{"Key": "keep", "Value": "yes"}]}));
    assert_eq!((run(&cloud, &keep).await.verdict, left(&cloud).len()), (Some(Verdict::Green), 1));
    let cloud = planned(json!({"CopyTags": true, "PlanTags": {"keep": "yes"}}));
    assert_eq!((run(&cloud, &keep).await.verdict, left(&cloud).len()), (Some(Verdict::Green), 1));
    let cloud = planned(json!({"CopyTags": true, "PlanTags": {"keep": "no"}}));
    assert_eq!((run(&cloud, &keep).await.verdict, left(&cloud).len()), (Some(Verdict::Green), 0));
}

#[tokio::test]
async fn what_another_account_shares_is_left_alone_by_its_arn() {
    let cloud = planned(json!({"Arn": ARN.replace(SANDBOX, "999988887777")}));
    run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n")).await;
    assert_eq!(left(&cloud).len(), 1);
}

#[tokio::test]
async fn denied_and_unavailable_lists_are_told_apart() {
    for (class, code, expect, verdict) in [
        (ErrorClass::Denied, "AccessDeniedException", State::Denied, Verdict::Amber),
        (ErrorClass::Unavailable, "TypeNotFoundException", State::Unavailable, Verdict::Amber),
        (ErrorClass::Other, "GeneralServiceException", State::Error, Verdict::Amber),
    ] {
        let cloud = planned(json!({}));
        cloud.change(|world| {
            world.fault =
                Some(Box::new(move |_, operation, _| (operation == "ListResources").then_some((class, code))));
        });
        let receipt = run(&cloud, FAST).await;
        assert_eq!((state(&receipt, "eu-west-1", PLAN), receipt.verdict), (Some(expect), Some(verdict)), "{code}");
        assert!(
            expect != State::Unavailable || !receipt.uncovered.is_empty(),
            "a witness saw it where it is not offered"
        );
    }
}

#[tokio::test]
async fn what_a_witness_still_shows_contradicts_after_it_had_time() {
    let gone = "arn:aws:dynamodb:eu-west-1:555566667777:table/ghost".to_owned();
    let cloud = with(|beyond| beyond.tagged = vec![("eu-west-1", gone.clone(), None)]);
    let receipt = run(&cloud, FAST).await;
    assert_eq!((receipt.verdict, receipt.uncovered[0].example.as_str()), (Some(Verdict::Amber), gone.as_str()));
    // It shows it before the scan and once after the last one.
    let late = with(|beyond| (beyond.tagged, beyond.shows) = (vec![("eu-west-1", gone, None)], Some(2)));
    let receipt = run(&late, FAST).await;
    assert_eq!((receipt.verdict, receipt.uncovered), (Some(Verdict::Green), vec![]));
}

#[tokio::test]
async fn witnesses_that_cannot_be_asked_are_told() {
    let cloud = Cloud::new();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "LookupEvents").then_some((ErrorClass::Denied, "AccessDeniedException"))
        }));
    });
    let receipt = run(&cloud, FAST).await;
    assert_eq!(receipt.verdict, Some(Verdict::Green));
    let answers: Vec<HeardAs> = receipt.witnesses.iter().map(|heard| heard.answer).collect();
    use HeardAs::{Absent, Answered, Denied};
    assert_eq!(answers, [Answered, Absent, Answered, Answered, Denied]);
    assert!(receipt.to_string().contains("CloudTrail may not be asked"), "{receipt}");
}

#[tokio::test]
async fn where_no_witness_answers_nobody_claims_to_have_looked() {
    let cloud = Cloud::new();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            let asked = ["LookupEvents", "GetResources", "GetCostAndUsage", "GenerateOrganizationsAccessReport"];
            asked.contains(&operation).then_some((ErrorClass::Denied, "AccessDeniedException"))
        }));
    });
    let receipt = run(&cloud, FAST).await;
    let told = receipt.notes.iter().any(|note| note.starts_with("no witness could be asked"));
    assert!(receipt.verdict == Some(Verdict::Amber) && told, "{receipt}");
    let silent = FAST.replace("[tags, explorer, access-report, costs, trail]", "[]");
    let nobody = run(&Cloud::new(), &silent).await;
    assert_eq!((nobody.verdict, nobody.witnesses.len()), (Some(Verdict::Green), 0));
}

#[tokio::test]
async fn home_is_only_asked_for_the_report() {
    let cloud = Cloud::new();
    run(&cloud, FAST).await;
    let world = cloud.world.lock().unwrap();
    let home: Vec<&str> =
        world.called.iter().filter(|(account, _)| account == HOME).map(|(_, operation)| operation.as_str()).collect();
    let report =
        ["DescribeOrganization", "GenerateOrganizationsAccessReport", "GetOrganizationsAccessReport", "ListParents"];
    assert!(!home.is_empty() && home.iter().all(|operation| report.contains(operation)), "{home:?}");
}

#[tokio::test]
async fn all_types_are_listed_where_the_file_says_so() {
    let cloud = Cloud::new();
    let run = cloud.reset(&format!("{FAST}  cloud_control: all\n")).plan(&cloud.account.id).await.unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    assert_eq!(run.beyond.len(), catalogue.beyond().count());
    assert!(run.beyond.len() > 100, "{}", run.beyond.len());
    let off = cloud.reset(&format!("{FAST}  cloud_control: off\n")).plan(&cloud.account.id).await.unwrap();
    assert_eq!(off.beyond.len(), 0);
}

/// A type that Cloud Control lists below another one. If it gets an entry, take another.
const DOMAIN: &str = "AWS::Cases::Domain";
const FIELD: &str = "AWS::Cases::Field";

/// An account with a domain of Connect Cases and a field in it.
fn nested(domain: Value) -> Cloud {
    with(|beyond| {
        beyond.resources = vec![
            Beyond::resource("eu-west-1", DOMAIN, "d-1", domain),
            Beyond::resource("eu-west-1", FIELD, "d-1|f-1", json!({"DomainId": "d-1"})),
        ];
        beyond.below = vec![(FIELD, "DomainId", DOMAIN)];
        let arn = "arn:aws:cases:eu-west-1:555566667777:domain/d-1".to_owned();
        beyond.tagged = vec![("eu-west-1", arn, Some("d-1"))];
    })
}

#[tokio::test]
async fn what_holds_its_parent_is_found_below_it_and_deleted() {
    let cloud = nested(json!({}));
    cloud.change(|world| world.beyond.holds = true);
    let receipt = run(&cloud, FAST).await;
    assert_eq!(
        (left(&cloud), receipt.verdict, &receipt.uncovered),
        (vec![], Some(Verdict::Green), &vec![]),
        "{receipt}"
    );
    assert_eq!(state(&receipt, "eu-west-1", FIELD), Some(State::Cleaned));
    let made = cloud.world.lock().unwrap().beyond.made.clone();
    assert!(made.contains(&"DeleteResource d-1|f-1".to_owned()), "{made:?}");
}

#[tokio::test]
async fn what_belongs_to_a_kept_parent_is_kept_with_it() {
    let cloud = nested(json!({"Tags": [{"Key": "keep", "Value": "yes"}]}));
    let receipt = run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n")).await;
    assert_eq!((left(&cloud).len(), receipt.verdict, receipt.kept.len()), (2, Some(Verdict::Green), 2), "{receipt}");
    assert!(receipt.kept.iter().any(|line| line.kind == FIELD && line.reason.contains("belongs to")), "{receipt}");
}

#[tokio::test]
async fn what_is_below_an_unread_list_is_unknown_and_never_empty() {
    for (class, code, expect) in [
        (ErrorClass::Denied, "AccessDeniedException", State::Denied),
        (ErrorClass::Other, "GeneralServiceException", State::Error),
    ] {
        let cloud = nested(json!({}));
        cloud.change(|world| {
            world.fault = Some(Box::new(move |_, operation, params| {
                (operation == "ListResources" && params["TypeName"] == DOMAIN).then_some((class, code))
            }));
        });
        let receipt = run(&cloud, FAST).await;
        assert_eq!(
            (state(&receipt, "eu-west-1", FIELD), receipt.verdict),
            (Some(expect), Some(Verdict::Amber)),
            "{code}"
        );
        let line = receipt.ledger.iter().find(|line| line.kind == FIELD).unwrap();
        assert!(line.note.contains("it is listed below AWS::Cases::Domain"), "{}", line.note);
    }
}

#[tokio::test]
async fn parent_that_its_list_does_not_know_leaves_what_is_below_unknown() {
    // A kept domain, which the list of fields knows by another name than its identifier.
    let cloud = nested(json!({"Tags": [{"Key": "keep", "Value": "yes"}]}));
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, params| {
            let asked = operation == "ListResources" && params["TypeName"] == FIELD;
            asked.then_some((ErrorClass::Gone, "ResourceNotFoundException"))
        }));
    });
    let receipt = run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n")).await;
    assert_eq!(state(&receipt, "eu-west-1", FIELD), Some(State::Error));
    assert_eq!((receipt.verdict, left(&cloud).len()), (Some(Verdict::Amber), 2), "{receipt}");
}

#[tokio::test]
async fn type_whose_parent_nobody_can_name_is_told_to_be_unavailable() {
    let cloud = with(|beyond| {
        let arn = "arn:aws:datazone:eu-west-1:555566667777:domain/d-1".to_owned();
        beyond.tagged = vec![("eu-west-1", arn, None)];
        beyond.shows = Some(1);
    });
    let receipt = run(&cloud, FAST).await;
    let line = receipt.ledger.iter().find(|line| line.kind == "AWS::DataZone::Environment").unwrap();
    assert_eq!((line.state, line.region.as_str()), (State::Unavailable, "eu-west-1"));
    assert!(line.note.contains("below which is not known"), "{}", line.note);
}

/// A type that is newer than this version, and one that is listed below it.
const GATE: &str = "AWS::ARCRegionSwitch::Gate";
const KEY: &str = "AWS::ARCRegionSwitch::GateKey";

/// An account that uses a service of which the registry knows more than this version does.
fn newer() -> Cloud {
    let cloud = planned(json!({}));
    cloud.change(|world| {
        let beyond = &mut world.beyond;
        beyond.resources.push(Beyond::resource("eu-west-1", GATE, "g-1", json!({"GateId": "g-1"})));
        beyond.resources.push(Beyond::resource("eu-west-1", KEY, "g-1|k-1", json!({"GateId": "g-1"})));
        beyond.below = vec![(KEY, "GateId", GATE)];
        let handlers = json!({"list": {}, "delete": {}});
        let needs = json!({"list": {"handlerSchema": {"required": ["GateId"]}}, "delete": {}});
        beyond.offered = vec![
            (GATE, json!({"handlers": handlers})),
            (KEY, json!({"handlers": needs})),
            ("AWS::ARCRegionSwitch::Look", json!({"handlers": {"list": {}}})),
            ("AWS::Teleport::Gate", json!({"handlers": handlers})),
            ("AWS::DynamoDB::Table", json!({"handlers": handlers})),
            ("Acme::Teleport::Gate", json!({"handlers": handlers})),
        ];
    });
    cloud
}

#[tokio::test]
async fn types_newer_than_this_version_are_learned_and_deleted() {
    let cloud = newer();
    let receipt = run(&cloud, FAST).await;
    assert_eq!(
        (left(&cloud), receipt.verdict, &receipt.uncovered),
        (vec![], Some(Verdict::Green), &vec![]),
        "{receipt}"
    );
    assert_eq!(state(&receipt, "eu-west-1", GATE), Some(State::Cleaned));
    let kinds = ["AWS::Teleport::Gate", "AWS::ARCRegionSwitch::Look", "Acme::Teleport::Gate"];
    assert!(kinds.iter().all(|kind| receipt.ledger.iter().all(|line| line.kind != *kind)), "{receipt}");
    let tables = receipt.ledger.iter().filter(|line| line.kind == "AWS::DynamoDB::Table" && line.region == "eu-west-1");
    assert_eq!(tables.count(), 1, "what has an entry is listed once");
}

#[tokio::test]
async fn registry_is_asked_once_a_run_however_often_it_goes_on() {
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let cloud = newer();
    let seen = std::sync::Arc::clone(&asked);
    cloud.change(|world| {
        world.beyond.polls = 3;
        world.fault = Some(Box::new(move |_, operation, params| {
            if ["ListTypes", "DescribeType"].contains(&operation) {
                seen.lock().unwrap().push(format!("{operation} {} {}", params["TypeName"], params["ProvisioningType"]));
            }
            None
        }));
    });
    let receipt = run(&cloud, FAST).await;
    assert_eq!(receipt.verdict, Some(Verdict::Green));
    let asked = asked.lock().unwrap();
    let lists = asked.iter().filter(|one| one.starts_with("ListTypes")).count();
    let types = asked.iter().filter(|one| one.starts_with("DescribeType")).count();
    assert_eq!((lists, types), (4, 3), "two lists in two regions, and the strangers of one service: {asked:?}");
}

#[tokio::test]
async fn registry_that_cannot_be_read_takes_nothing_away_and_is_told() {
    let cloud = newer();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "ListTypes").then_some((ErrorClass::Denied, "AccessDeniedException"))
        }));
    });
    let receipt = run(&cloud, FAST).await;
    assert_eq!((left(&cloud), receipt.verdict), (vec!["g-1".to_owned(), "g-1|k-1".to_owned()], Some(Verdict::Green)));
    assert_eq!(state(&receipt, "eu-west-1", PLAN), Some(State::Cleaned), "what this version knows is still looked for");
    assert!(receipt.notes.iter().any(|note| note.contains("newer than this version")), "{receipt}");
    let shown = "arn:aws:arc-region-switch:eu-west-1:555566667777:gate/g-1".to_owned();
    cloud.change(|world| world.beyond.tagged.push(("eu-west-1", shown, Some("g-1"))));
    let again = cloud.drive(&cloud.reset(FAST), "run-2", None).await.unwrap();
    assert_eq!(again.verdict, Some(Verdict::Amber), "a witness names what nobody looked for");
}

#[tokio::test]
async fn requests_of_somebody_else_are_waited_for() {
    let cloud = planned(json!({}));
    let turn = std::sync::atomic::AtomicU32::new(0);
    cloud.change(|world| {
        world.fault = Some(Box::new(move |_, operation, _| {
            let busy = operation == "DeleteResource" && turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2;
            busy.then_some((ErrorClass::Conflict, "ConcurrentOperationException"))
        }));
    });
    assert_eq!((run(&cloud, FAST).await.verdict, left(&cloud)), (Some(Verdict::Green), vec![]));
}

#[tokio::test]
async fn witnesses_that_cost_nothing_are_asked_where_the_file_names_nobody() {
    let example = include_str!("../../../forester.example.yaml");
    let config = crate::config::Config::parse(example, "forester.example.yaml").unwrap();
    let asked = config.sandbox.unwrap().witnesses.ask;
    assert_eq!(asked, crate::config::Witness::FREE.into());
    let report = json!({"ServiceNamespace": "teleport", "LastAuthenticatedTime": "2027-01-14T00:00:00Z"});
    let cloud = with(|beyond| beyond.report = vec![report]);
    let section = FAST.replace("{ask: [tags, explorer, access-report, costs, trail]}", "{}");
    let receipt = run(&cloud, &section).await;
    let named: Vec<&str> = receipt.uncovered.iter().map(|one| one.service.as_str()).collect();
    assert_eq!((receipt.verdict, named), (Some(Verdict::Amber), vec!["teleport"]), "{receipt}");
    assert_eq!(receipt.witnesses.len(), 3);
    let world = cloud.world.lock().unwrap();
    let paid = world.called.iter().any(|(_, operation)| operation == "GetCostAndUsage");
    assert!(!paid, "nobody is paid unless the file says so");
}

#[tokio::test]
async fn report_of_what_our_own_lists_ask_guides_nobody() {
    let seen = |service: &str| json!({"ServiceNamespace": service, "Region": "eu-west-1", "LastAuthenticatedTime": "2027-01-14T00:00:00Z"});
    let cloud = with(|beyond| beyond.report = vec![seen("dynamodb"), seen("arc-region-switch")]);
    let receipt = run(&cloud, FAST).await;
    assert_eq!(receipt.verdict, Some(Verdict::Green), "{receipt}");
    assert_eq!(state(&receipt, "eu-west-1", PLAN), Some(State::Empty), "only somebody else was there");
    let beyond = receipt.ledger.iter().filter(|line| line.kind.starts_with("AWS::DynamoDB::")).count();
    assert_eq!(beyond, 2, "its table, in two regions");
}

#[tokio::test]
async fn attempt_that_failed_made_nothing() {
    let event = json!({"EventName": "CreateGate", "EventSource": "teleport.amazonaws.com", "Username": "ana",
        "CloudTrailEvent": json!({"errorCode": "AccessDenied"}).to_string()});
    let cloud = with(|beyond| beyond.events = vec![("us-east-1", event)]);
    assert_eq!(run(&cloud, FAST).await.verdict, Some(Verdict::Green));
}

#[tokio::test]
async fn what_the_run_saw_go_may_be_shown_for_as_long_as_a_witness_likes() {
    let arn = "arn:aws:dynamodb:eu-west-1:555566667777:table/orders".to_owned();
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("orders")]);
    cloud.change(|world| world.beyond.tagged = vec![("eu-west-1", arn, None)]);
    let receipt = run(&cloud, FAST).await;
    assert_eq!((receipt.verdict, &receipt.uncovered), (Some(Verdict::Green), &vec![]), "{receipt}");
    assert!(receipt.notes.iter().any(|note| note.contains("which is late")), "{receipt}");
}

#[tokio::test]
async fn bill_is_asked_for_once_a_run() {
    let cloud = planned(json!({}));
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = std::sync::Arc::clone(&asked);
    cloud.change(|world| {
        world.beyond.billed = vec![("Amazon Teleport", "eu-west-1")];
        world.fault = Some(Box::new(move |_, operation, _| {
            count.fetch_add(u32::from(operation == "GetCostAndUsage"), std::sync::atomic::Ordering::Relaxed);
            None
        }));
    });
    let reset = cloud.reset(FAST);
    let first = reset.slice(&cloud.order("run-1")).await.unwrap();
    assert!(first.verdict.is_none());
    // Decisions are too old by now, so everything is looked at again.
    cloud.pass(2 * 3_600);
    let receipt = run(&cloud, FAST).await;
    assert_eq!((asked.load(std::sync::atomic::Ordering::Relaxed), receipt.verdict), (1, Some(Verdict::Amber)));
    assert_eq!(receipt.uncovered[0].service, "Amazon Teleport");
}

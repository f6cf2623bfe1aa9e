use serde_json::json;

use crate::aws::ErrorClass;
use crate::reset::cost::{Cost, Fate};
use crate::reset::diary::Told;
use crate::reset::fake::{Cloud, SANDBOX};
use crate::reset::people::Letter;
use crate::reset::slice::SliceReport;
use crate::reset::verdict::Verdict;
use crate::types::Severity;

const FAST: &str = "  rescan_after: 1m\n  patience: 10m\n  default_vpc: delete\n  freeze: off\n";

/// Two tables and a bucket that is protected.
fn cloud() -> Cloud {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("=cmd|' /C calc'!A0"), json!("orders")]).with(
        "us-east-1",
        "ListBuckets",
        [json!({"Name": "tf-state-1", "BucketRegion": "eu-west-1"})],
    );
    cloud.change(|world| {
        world.costs = vec![("Amazon DynamoDB", "14"), ("Amazon Simple Storage Service", "0.7"), ("Tax?", "7")]
    });
    cloud
}

const KEEP: &str = "  protect: [{type: \"AWS::S3::Bucket\", name: \"tf-state-*\"}]\n";

async fn run(cloud: &Cloud, section: &str) -> SliceReport {
    cloud.drive(&cloud.reset(&format!("{FAST}{KEEP}{section}")), "run-1", None).await.unwrap()
}

fn letters(cloud: &Cloud) -> Vec<Letter> {
    cloud.world.lock().unwrap().letters.clone()
}

#[tokio::test]
async fn owner_hears_once_how_it_ended_and_where_the_receipt_is() {
    let cloud = cloud();
    let report = run(&cloud, "").await;
    let letters_now = letters(&cloud);
    let [letter] = &letters_now[..] else { panic!("{letters_now:?}") };
    assert_eq!((letter.rule, letter.occasion.as_str(), letter.severity), ("reset-receipt", "run-1", Severity::Info));
    assert_eq!(letter.title, "Sandbox sbx-ana (555566667777) was emptied, and is proven empty");
    assert_eq!(letter.page, report.html);
    assert_eq!(cloud.receipt(&report).told, Some(Told::Delivered));
    // The last slice is asked for again, as a state machine may do.
    let again = cloud.reset(&format!("{FAST}{KEEP}")).slice(&cloud.order("run-1")).await.unwrap();
    assert_eq!((again.verdict, letters(&cloud).len()), (Some(Verdict::Green), 1));
}

#[tokio::test]
async fn what_went_and_when_is_in_the_receipt() {
    let cloud = cloud();
    let receipt = cloud.receipt(&run(&cloud, "").await);
    let went: Vec<&str> = receipt.went.iter().map(|went| went.id.as_str()).collect();
    assert_eq!((went, receipt.unnamed), (vec!["=cmd|' /C calc'!A0", "orders"], 0));
    assert_eq!((receipt.gone[0].kind.as_str(), receipt.gone[0].count), ("AWS::DynamoDB::Table", 2));
    assert!(receipt.went.iter().all(|went| went.at >= receipt.started && Some(went.at) <= receipt.finished));
    let course: Vec<&str> = receipt.timeline.iter().map(|moment| moment.what.as_str()).collect();
    let expect = [
        "regions and what the baseline declares",
        "scan 1",
        "round 1 of deleting",
        "scan 2",
        "rest before the next scan",
        "scan 3",
        "baseline",
        "end",
    ];
    assert_eq!(course, expect);
    assert_eq!(receipt.timeline[4].waited, 60);
    assert!(receipt.why[0].contains("read to its end"), "{:?}", receipt.why);
}

#[tokio::test]
async fn dollars_are_claimed_only_where_everything_of_a_service_went() {
    let cloud = cloud();
    let receipt = cloud.receipt(&run(&cloud, "").await);
    let Some(Cost::Known(bill)) = receipt.cost else { panic!("{:?}", receipt.cost) };
    assert_eq!(
        (bill.a_day.to_string(), bill.stopped.to_string(), bill.currency.as_str()),
        ("3.1".into(), "2".into(), "USD")
    );
    let fates: Vec<Fate> = bill.services.iter().map(|service| service.state).collect();
    assert_eq!(
        fates,
        [Fate::Stopped, Fate::Unexplained, Fate::Remains],
        "DynamoDB, what nobody knows, and the kept bucket"
    );
}

#[tokio::test]
async fn costs_that_are_denied_are_not_known_and_change_no_verdict() {
    let cloud = cloud();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "GetCostAndUsage").then_some((ErrorClass::Denied, "AccessDeniedException"))
        }));
    });
    let report = run(&cloud, "").await;
    let cost = cloud.receipt(&report).cost.unwrap();
    assert!(matches!(&cost, Cost::Unknown(why) if why.contains("GetCostAndUsage")), "{cost:?}");
    assert!(cost.words().starts_with("not known: "));
    assert_eq!(report.verdict, Some(Verdict::Green));
}

#[tokio::test]
async fn account_that_the_bill_does_not_name_is_not_known_either() {
    let cloud = Cloud::new();
    let report = run(&cloud, "").await;
    let cost = cloud.receipt(&report).cost.unwrap();
    assert!(cost.words().contains("holds nothing about 555566667777"), "{cost:?}");
}

#[tokio::test]
async fn costs_can_be_switched_off() {
    let cloud = cloud();
    let report = run(&cloud, "  costs: none\n").await;
    assert_eq!(cloud.receipt(&report).cost, Some(Cost::Off));
    assert!(cloud.world.lock().unwrap().at_home.is_empty());
}

#[tokio::test]
async fn owner_who_cannot_be_told_changes_no_verdict_and_is_told_of() {
    let cloud = cloud();
    cloud.change(|world| world.deaf = Some("the queue <is> away"));
    let report = run(&cloud, "").await;
    assert_eq!(report.verdict, Some(Verdict::Green));
    assert_eq!(cloud.receipt(&report).told, Some(Told::Failed("the queue <is> away".to_owned())));
    assert!(cloud.html(&report).contains("nobody could be told: the queue &lt;is&gt; away"));
}

#[tokio::test]
async fn end_that_died_is_done_again_with_the_same_letter() {
    let cloud = cloud();
    let calls = {
        let calm = self::cloud();
        run(&calm, "").await;
        calm.world.lock().unwrap().calls
    };
    // The very last call asks what it cost.
    cloud.change(|world| world.kill_at = Some(calls));
    let report = run(&cloud, "").await;
    assert_eq!((report.verdict, letters(&cloud).len()), (Some(Verdict::Green), 1));
    assert_eq!(cloud.world.lock().unwrap().at_home.len(), 2, "it was asked again, because the answer was lost");
}

#[tokio::test]
async fn what_is_left_is_told_with_what_to_do() {
    let cloud = cloud();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "DeleteTable").then_some((ErrorClass::Invalid, "ValidationException"))
        }));
    });
    let report = run(&cloud, "").await;
    let letter = letters(&cloud).remove(0);
    assert_eq!((report.verdict, letter.severity), (Some(Verdict::Red), Severity::High));
    assert_eq!(letter.labels, [("verdict", "red".to_owned())]);
    let of = |name: &str| letter.facts.iter().filter(|(known, _)| known == name).count();
    assert_eq!((of("left"), of("to do")), (2, 1));
    let Some(Cost::Known(bill)) = cloud.receipt(&report).cost else { panic!() };
    assert_eq!(bill.stopped.to_string(), "0", "nothing is claimed");
}

#[tokio::test]
async fn table_for_spreadsheets_has_a_line_for_everything() {
    let cloud = cloud();
    run(&cloud, "").await;
    let files = cloud.files();
    let csv = &files[&format!("resets/{SANDBOX}/run-1/receipt.csv")];
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert!(lines[1].starts_with("\"gone\",\"DynamoDB\",\"AWS::DynamoDB::Table\",\"'=cmd|' /C calc'!A0\""), "{csv}");
    assert!(lines[3].starts_with("\"kept\",\"S3\",\"AWS::S3::Bucket\",\"tf-state-1\""), "{csv}");
}

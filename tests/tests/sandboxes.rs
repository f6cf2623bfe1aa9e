//! Ten sandboxes at once through the deployed state machine: one that cannot be emptied, one that may not be looked at
//! in full, one that nobody offered. The others are emptied, and each tells the truth about itself.

use std::collections::BTreeMap;
use std::time::Duration;

use forester_e2e::jobs::{baseline, reset};
use forester_e2e::local::{Local, eventually};
use forester_e2e::world::text;
use forester_e2e::{Outcome, seed};
use serde_json::{Value, json};

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

const STUCK: &str = "sbx-stuck";

const DENIED: &str = "sbx-denied";

const NOT_OFFERED: &str = "sbx-not-offered";

/// Beside the one that the local organization begins with.
const OTHERS: [&str; 6] = ["sbx-bo", "sbx-cy", "sbx-di", "sbx-ed", "sbx-flo", "sbx-gus"];

const OFFER: (&str, &str) = ("forester-sandbox", "true");

async fn fill(local: &mut Local) -> Outcome<()> {
    local.stack.control("config", &json!({ "regions": REGIONS, "unknown_is_empty": true })).await?;
    for name in OTHERS.into_iter().chain([STUCK, DENIED, NOT_OFFERED]) {
        let tags: &[(&str, &str)] = if name == NOT_OFFERED { &[] } else { &[OFFER] };
        local.world.vend(name, "Sandbox", tags).await?;
        seed::fill(&local.world, name).await?;
    }
    let account = |name: &str| local.world.ids.get(name).map(ToString::to_string).unwrap_or_default();
    for (service, action, name) in [("sqs", "DeleteQueue", STUCK), ("dynamodb", "ListTables", DENIED)] {
        let matching = json!({ "service": service, "action": action, "account": account(name) });
        local.stack.control("faults", &json!({ "match": matching, "kind": "denied" })).await?;
    }
    Ok(())
}

/// Starts the state machine as the schedule does, and waits for its end.
async fn reset_what_is_due(local: &Local) -> Outcome<Vec<Value>> {
    let home = local.home().await?;
    let machine = local.deployment.output("ResetMachineArn")?;
    let input = json!({ "stateMachineArn": machine, "input": json!({ "action": "due" }).to_string() });
    let started = home.call("stepfunctions", "StartExecution", input).await?;
    let arn = text(&started, "/executionArn")?;
    let ended = async || {
        let told = home.call("stepfunctions", "DescribeExecution", json!({ "executionArn": arn })).await?;
        Ok((text(&told, "/status")? != "RUNNING").then_some(told))
    };
    let told = eventually(Duration::from_secs(900), "ten resets", ended).await?;
    if text(&told, "/status")? != "SUCCEEDED" {
        return Err(format!("the execution ended as {told}").into());
    }
    Ok(serde_json::from_str(&text(&told, "/output")?)?)
}

#[tokio::test]
async fn each_of_ten_sandboxes_gets_what_it_deserves() -> Outcome<()> {
    let mut local = Local::start(&|_| ()).await?;
    fill(&mut local).await?;
    // Its baseline takes its default VPCs, whenever the event of its creation is handled.
    baseline::arrived(&local.world, NOT_OFFERED).await?;
    let untouched = reset::left(&local.world, NOT_OFFERED).await?;
    let outputs = reset_what_is_due(&local).await?;
    let told: BTreeMap<String, &Value> =
        outputs.iter().map(|output| Ok((text(output, "/account")?, output))).collect::<Outcome<_>>()?;
    assert_eq!(told.len(), 9, "one was not offered: {told:?}");
    let id = |name: &str| local.world.ids.get(name).map(ToString::to_string).unwrap_or_default();
    for name in OTHERS.into_iter().chain([reset::NAME]) {
        let output = told.get(&id(name)).ok_or_else(|| format!("{name} was not reset: {told:?}"))?;
        let receipt = reset::receipt(&local, &id(name)).await?;
        assert_eq!(output["verdict"], json!("green"), "{name}: {output} {receipt}");
        assert_eq!(reset::left(&local.world, name).await?, Vec::<String>::new(), "{name}");
        assert_eq!(baseline::missing(&local.world, name).await?, Vec::<String>::new(), "{name}");
    }
    assert_eq!((&told[&id(STUCK)]["next"], &told[&id(STUCK)]["verdict"]), (&json!("stuck"), &json!("red")));
    let left = reset::left(&local.world, STUCK).await?;
    assert!(left.iter().all(|left| left.contains("sqs:ListQueues")) && left.len() == 2, "only its queues: {left:?}");
    let receipt = reset::receipt(&local, &id(DENIED)).await?;
    assert_eq!(told[&id(DENIED)]["verdict"], json!("amber"), "{receipt}");
    assert_eq!(denied(&receipt), [("eu-west-1", "AWS::DynamoDB::Table"), ("us-east-1", "AWS::DynamoDB::Table")]);
    assert_eq!(reset::left(&local.world, NOT_OFFERED).await?, untouched, "nobody offered it");
    local.stack.stop().await
}

/// Where the ledger says that looking was denied: region and type.
fn denied(receipt: &Value) -> Vec<(&str, &str)> {
    let lines = receipt["ledger"].as_array().into_iter().flatten().filter(|line| line["state"] == json!("denied"));
    lines.filter_map(|line| Some((line["region"].as_str()?, line["type"].as_str()?))).collect()
}

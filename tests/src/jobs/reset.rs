//! Schedule -> state machine -> `sandbox-reset`, slice by slice -> the sandbox is empty, and its baseline holds again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Clock, Effect, baseline};
use crate::Outcome;
use crate::local::{Local, eventually};
use crate::world::{World, text};

/// The account that is reset.
pub const NAME: &str = "sbx-ana";

/// What must be gone: service, listing operation, parameters.
const LISTINGS: [(&str, &str, &str); 11] = [
    (
        "ec2",
        "DescribeInstances",
        r#"{"Filters":[{"Name":"instance-state-name","Values":["pending","running","stopping","stopped"]}]}"#,
    ),
    ("ec2", "DescribeVolumes", "{}"),
    ("ec2", "DescribeSecurityGroups", "{}"),
    ("ec2", "DescribeVpcs", "{}"),
    ("ec2", "DescribeInternetGateways", "{}"),
    ("lambda", "ListFunctions", "{}"),
    ("dynamodb", "ListTables", "{}"),
    ("sqs", "ListQueues", "{}"),
    ("sns", "ListTopics", "{}"),
    ("logs", "DescribeLogGroups", "{}"),
    ("secretsmanager", "ListSecrets", "{}"),
];

/// Roles that a reset must leave: the way in, and what the baseline declares.
const KEPT_ROLES: [&str; 2] = ["OrganizationAccountAccessRole", "SecurityReviewer"];

/// States of a ledger's line that are nothing to worry about.
const SOUND: [&str; 4] = ["empty", "cleaned", "protected", "unavailable"];

/// Makes the schedule fire, and wants a receipt that finds everything empty or protected, and the baseline after it.
pub async fn empties(local: &Local) -> Outcome<()> {
    fire(local).await?;
    let receipt = finished(local).await?;
    let (verdict, unsound) = (text(&receipt, "/verdict")?, unsound(&receipt));
    if verdict != "green" || !unsound.is_empty() {
        return Err(format!("verdict {verdict}; {unsound:?}").into());
    }
    let missing = baseline::missing(&local.world, NAME).await?;
    if missing.is_empty() { Ok(()) } else { Err(format!("the reset account lacks its baseline: {missing:?}").into()) }
}

/// Makes the schedule fire, and waits for the receipt and for an empty account.
pub async fn run(local: &Local) -> Outcome<Effect> {
    let clock = Clock::start(local).await?;
    let before = left(&local.world, NAME).await?.len();
    fire(local).await?;
    let receipt = finished(local).await?;
    let verdict = text(&receipt, "/verdict")?;
    let left = left(&local.world, NAME).await?;
    if verdict != "green" || !left.is_empty() {
        return Err(format!("verdict {verdict}; left: {left:?}; receipt: {receipt}").into());
    }
    let missing = baseline::missing(&local.world, NAME).await?;
    if !missing.is_empty() {
        return Err(format!("the reset account lacks its baseline: {missing:?}").into());
    }
    let changes = vec![
        format!("{before} things gone in every region, none left; baseline holds again"),
        format!("verdict {verdict}; run {}", text(&receipt, "/run")?),
    ];
    clock.stop(local, "schedule", "sandbox-reset", changes).await
}

/// Sets the deployed schedule to go off in a moment; the emulated scheduler does the rest.
pub async fn fire(local: &Local) -> Outcome<()> {
    let home = local.home().await?;
    let name = local.deployment.output("ResetTimerName")?;
    let schedule = home.call("scheduler", "GetSchedule", json!({ "Name": name })).await?;
    let at = Timestamp::now() + SignedDuration::from_secs(2);
    let update = json!({
        "Name": name, "ScheduleExpression": format!("at({})", at.strftime("%Y-%m-%dT%H:%M:%S")),
        "ScheduleExpressionTimezone": "UTC", "FlexibleTimeWindow": { "Mode": "OFF" }, "Target": schedule["Target"],
    });
    home.call("scheduler", "UpdateSchedule", update).await?;
    Ok(())
}

/// The receipt in the bucket, once the execution that the schedule started has succeeded.
async fn finished(local: &Local) -> Outcome<Value> {
    let home = local.home().await?;
    let machine = local.deployment.output("ResetMachineArn")?;
    let ended = async || {
        let found = home.call("stepfunctions", "ListExecutions", json!({ "stateMachineArn": machine })).await?;
        let status = found.pointer("/executions/0/status").and_then(Value::as_str).unwrap_or("RUNNING");
        Ok((status != "RUNNING").then(|| found["executions"][0].clone()))
    };
    let execution = eventually(Duration::from_secs(240), "the reset's state machine", ended).await?;
    let arn = text(&execution, "/executionArn")?;
    let told = home.call("stepfunctions", "DescribeExecution", json!({ "executionArn": arn })).await?;
    if told["status"] != json!("SUCCEEDED") {
        return Err(format!("the reset's execution ended as {told}").into());
    }
    newest(local).await
}

/// The newest JSON receipt of the sandbox.
pub async fn newest(local: &Local) -> Outcome<Value> {
    receipt(local, local.world.ids.get(NAME).ok_or("no sandbox")?.as_ref()).await
}

/// The newest JSON receipt of an account in the receipts bucket.
pub async fn receipt(local: &Local, account: &str) -> Outcome<Value> {
    use base64::Engine;
    let home = local.home().await?;
    let bucket = local.deployment.output("ReceiptsBucketName")?;
    let wanted = json!({ "Bucket": bucket, "Prefix": format!("resets/{account}/") });
    let objects = home.pages("s3", "ListObjectsV2", wanted).await?;
    let keys = objects.iter().filter_map(|object| object["Key"].as_str());
    let key = keys.filter(|key| key.ends_with("receipt.json")).max().ok_or("no receipt in the bucket")?;
    let object = home.call("s3", "GetObject", json!({ "Bucket": bucket, "Key": key })).await?;
    let body = base64::engine::general_purpose::STANDARD.decode(text(&object, "/Body")?)?;
    Ok(serde_json::from_slice(&body)?)
}

/// The lines of a receipt's ledger that are not as they should be.
pub fn unsound(receipt: &Value) -> Vec<&Value> {
    let lines = receipt["ledger"].as_array().into_iter().flatten();
    lines.filter(|line| !line["state"].as_str().is_some_and(|state| SOUND.contains(&state))).collect()
}

/// Everything in the account called `name` that a reset should have taken, read back in every region.
pub async fn left(world: &World, name: &str) -> Outcome<Vec<String>> {
    let mut left = Vec::new();
    for region in world.regions(name).await? {
        let scope = world.scope(name, &region).await?;
        for (service, operation, params) in LISTINGS {
            let found = scope.pages(service, operation, serde_json::from_str(params)?).await?;
            let kept = |item: &Value| item["GroupName"] == json!("default") || item["IsDefault"] == json!(true);
            left.extend(
                found.iter().filter(|item| !kept(item)).map(|item| format!("{region} {service}:{operation} {item}")),
            );
        }
    }
    let global = world.scope(name, "us-east-1").await?;
    let buckets = global.call("s3", "ListBuckets", json!({})).await?;
    left.extend(buckets["Buckets"].as_array().into_iter().flatten().map(|bucket| format!("bucket {bucket}")));
    let users = global.pages("iam", "ListUsers", json!({})).await?;
    left.extend(users.iter().map(|user| format!("user {user}")));
    let roles = global.pages("iam", "ListRoles", json!({})).await?;
    let ours = |role: &&Value| !role["RoleName"].as_str().is_some_and(|name| KEPT_ROLES.contains(&name));
    left.extend(roles.iter().filter(ours).map(|role| format!("role {role}")));
    Ok(left)
}

//! `forester remove` leaves no account that people are kept out of: not while a reset is under way, and not after one that
//! died.

use std::collections::BTreeSet;
use std::time::Duration;

use forester::aws::Scope;
use forester_e2e::Outcome;
use forester_e2e::command::Terminal;
use forester_e2e::environment;
use forester_e2e::jobs::reset;
use forester_e2e::local::{Local, eventually};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(120);
const ROLE: &str = "ForesterMember";

/// All that `forester deploy --members` brings.
const GONE: [&str; 7] = [
    "forester",
    "forester-forwarder in ap-southeast-2",
    "forester-forwarder in eu-north-1",
    "forester-forwarder in eu-west-1",
    "forester-forwarder in us-east-2",
    "forester-members",
    "forester-sandboxes",
];

/// The policies on the sandbox, by name.
async fn policies(home: &Scope, sandbox: &str) -> Outcome<BTreeSet<String>> {
    let asked = json!({ "TargetId": sandbox, "Filter": "SERVICE_CONTROL_POLICY" });
    let found = home.pages("organizations", "ListPoliciesForTarget", asked).await?;
    Ok(found.iter().filter_map(|policy| policy["Name"].as_str().map(str::to_owned)).collect())
}

/// Whether the account has the role of member.yaml.
async fn is_member(local: &Local, name: &str) -> Outcome<bool> {
    let roles = local.world.scope(name, "us-east-1").await?.pages("iam", "ListRoles", json!({})).await?;
    Ok(roles.iter().any(|role| role["RoleName"] == ROLE))
}

/// Somebody else's policy on the sandbox, whatever it is called.
async fn add_policy_of_others(home: &Scope, sandbox: &str) -> Outcome<()> {
    let content =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:CreateUser","Resource":"*"}]}"#;
    let theirs =
        json!({ "Name": "forester-of-pines", "Type": "SERVICE_CONTROL_POLICY", "Description": "", "Content": content });
    let made = home.call("organizations", "CreatePolicy", theirs).await?;
    let id = made.pointer("/Policy/PolicySummary/Id");
    home.call("organizations", "AttachPolicy", json!({ "PolicyId": id, "TargetId": sandbox })).await?;
    Ok(())
}

#[tokio::test]
async fn removal_waits_for_resets_and_lets_people_in_where_one_died() -> Outcome<()> {
    let local = Local::entering_by(ROLE, &|_| ()).await?;
    let home = local.home().await?;
    let sandbox = local.world.ids[reset::NAME].to_string();
    let terminal = Terminal::open("remove", &environment::configuration()?, Some(&local.stack))?;
    assert!(is_member(&local, "dev").await? && is_member(&local, reset::NAME).await?);

    add_policy_of_others(&home, &sandbox).await?;

    // A reset that does not get on: its account is frozen, and it is under way.
    let stuck =
        json!({ "match": { "service": "sqs", "action": "DeleteQueue", "account": sandbox }, "kind": "throttle" });
    local.stack.control("faults", &stuck).await?;
    reset::fire(&local).await?;
    let freeze = format!("forester-freeze-{sandbox}");
    let frozen = async || Ok(policies(&home, &sandbox).await?.contains(&freeze).then_some(()));
    eventually(LIMIT, "the sandbox to be frozen", frozen).await?;
    let refused = terminal.run(&["remove", "--yes"]).await?;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("resets are under way"), "{}", refused.stderr);
    assert!(policies(&home, &sandbox).await?.contains(&freeze), "a reset lost its freeze");

    let elsewhere = Terminal::open("elsewhere", &environment::configuration()?, Some(&local.stack))?;
    let elsewhere = elsewhere.with("AWS_REGION", "eu-west-1").run(&["remove", "--yes"]).await?;
    assert!(elsewhere.code == 1 && elsewhere.stderr.contains("there is no stack forester"), "{elsewhere:?}");
    assert!(policies(&home, &sandbox).await?.contains(&freeze), "a stack that is not there let go of accounts");

    // It dies, and nobody takes the freeze away.
    let machine = json!({ "stateMachineArn": local.deployment.output("ResetMachineArn")?, "statusFilter": "RUNNING" });
    for execution in home.pages("stepfunctions", "ListExecutions", machine).await? {
        home.call("stepfunctions", "StopExecution", json!({ "executionArn": execution["executionArn"] })).await?;
    }
    let asked = terminal.run(&["remove"]).await?;
    assert_eq!(asked.code, 3, "{asked:?}");
    assert!(asked.stderr.contains(&freeze) && asked.stderr.contains("into 1 accounts"), "{}", asked.stderr);

    let removed = terminal.run(&["remove", "--yes", "--output", "json"]).await?;
    assert_eq!(removed.code, 0, "{removed:?}");
    assert_eq!(
        removed.json()?,
        json!({
            "gone": GONE,
            "freed": [sandbox], "failed": [], "waiting": [],
        })
    );
    assert_eq!(
        policies(&home, &sandbox).await?,
        BTreeSet::from(["FullAWSAccess", "forester-of-pines"].map(str::to_owned))
    );
    assert!(!is_member(&local, "dev").await? && !is_member(&local, reset::NAME).await?, "a role was left in a member");
    let functions = home.pages("lambda", "ListFunctions", json!({})).await?;
    assert_eq!(functions, Vec::<serde_json::Value>::new());
    let bucket = local.deployment.output("ReceiptsBucketName")?;
    let table = local.deployment.output("StateTableName")?;
    home.call("s3", "GetBucketVersioning", json!({ "Bucket": bucket })).await?;
    home.call("dynamodb", "DescribeTable", json!({ "TableName": table })).await?;

    let again = terminal.run(&["remove", "--yes"]).await?;
    assert!(
        again.code == 1 && again.stderr.contains("there is no stack forester in 111122223333, us-east-1"),
        "{again:?}"
    );
    let again = terminal.run(&["remove", "--yes", "--leftovers"]).await?;
    assert!(again.code == 0 && again.stdout.contains("nothing was there to be deleted"), "{again:?}");
    local.stack.heal().await?;
    local.stack.stop().await
}

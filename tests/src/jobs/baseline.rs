//! Account created -> `CreateAccountResult` -> rule -> queue -> `account-baseline` -> the account is as declared.

use std::time::Duration;

use forester::aws::{CallError, Scope};
use serde_json::{Value, json};

use super::{Clock, Effect};
use crate::Outcome;
use crate::local::{Local, eventually};
use crate::world::World;

/// The account that the job creates.
pub const NAME: &str = "pay";

/// Creates an account, and waits until all that the file declares for it can be read back.
pub async fn run(local: &mut Local) -> Outcome<Effect> {
    let clock = Clock::start(local).await?;
    let tags = [("owner", "pay-team@acme.example"), ("stage", "dev")];
    local.world.vend(NAME, "Workloads/NonProd", &tags).await?;
    arrived(&local.world, NAME).await?;
    let regions = local.world.regions(NAME).await?.len();
    let changes = vec![
        format!("alias acme-{NAME}, password policy, S3 public access block, role SecurityReviewer, budget"),
        format!("EBS encryption by default in {regions} regions, default VPC gone in {regions} regions"),
    ];
    clock.stop(local, "CreateAccountResult", "account-baseline", changes).await
}

/// Sends the event of the same account once more and returns the writes that the second run made.
pub async fn again(local: &Local) -> Outcome<Vec<String>> {
    let account = local.world.ids.get(NAME).ok_or("the account was not created yet")?;
    let since = local.stack.last_call().await?;
    let id = local.put_event(&born(local, NAME)?).await?;
    local.handled("AccountBaseline", &id).await?;
    let calls = local.stack.calls(since).await?.into_iter();
    let writes = calls.filter(|call| call.write && call.account.as_deref() == Some(account.as_ref()));
    let writes = writes.map(|call| format!("{}:{}", call.service, call.action.unwrap_or_default()));
    Ok(writes.collect())
}

/// The event that tells of an account's creation.
pub fn born(local: &Local, name: &str) -> Outcome<Value> {
    let account = local.world.ids.get(name).ok_or("the account was not created yet")?;
    Ok(json!({
        "version": "0",
        "id": "2d0b7a3e-6b1f-4e0a-9a51-3f1c5d0e7a11",
        "source": "aws.organizations",
        "account": local.stack.management,
        "time": "2026-11-23T08:27:14Z",
        "region": "us-east-1",
        "detail-type": "AWS Service Event via CloudTrail",
        "resources": [],
        "detail": {
            "eventSource": "organizations.amazonaws.com", "eventName": "CreateAccountResult",
            "eventType": "AwsServiceEvent", "awsRegion": "us-east-1",
            "serviceEventDetails": { "createAccountStatus": {
                "id": "car-examplecreateaccountrequestid111", "state": "SUCCEEDED", "accountName": "****",
                "accountId": account } },
        },
    }))
}

/// Waits until the account has everything that the file declares, or says what it still lacks.
pub async fn arrived(world: &World, name: &str) -> Outcome<()> {
    let last = std::cell::RefCell::new(String::new());
    let done = async || {
        let missing = missing(world, name).await?;
        *last.borrow_mut() = missing.join(", ");
        Ok(missing.is_empty().then_some(()))
    };
    let waited = eventually(Duration::from_secs(180), &format!("the baseline of {name}"), done).await;
    waited.map_err(|error| format!("{error}; still missing: {}", last.borrow()).into())
}

/// What the file declares and the account does not have yet, read back through the API.
pub async fn missing(world: &World, name: &str) -> Outcome<Vec<String>> {
    let scope = world.scope(name, "us-east-1").await?;
    let mut missing = globally_missing(&scope, name).await?;
    for region in world.regions(name).await? {
        let scope = world.scope(name, &region).await?;
        let encryption = scope.call("ec2", "GetEbsEncryptionByDefault", json!({})).await?;
        if encryption["EbsEncryptionByDefault"] != json!(true) {
            missing.push(format!("EBS encryption in {region}"));
        }
        let default = json!({ "Filters": [{ "Name": "is-default", "Values": ["true"] }] });
        if !scope.pages("ec2", "DescribeVpcs", default).await?.is_empty() {
            missing.push(format!("default VPC gone in {region}"));
        }
    }
    Ok(missing)
}

async fn globally_missing(scope: &Scope, name: &str) -> Outcome<Vec<String>> {
    let account = scope.account().to_string();
    let budgets = json!({ "AccountId": account });
    let role = json!({ "RoleName": "SecurityReviewer" });
    let policies = scope.call("iam", "ListAttachedRolePolicies", role).await;
    let answers = [
        (
            "alias",
            scope.call("iam", "ListAccountAliases", json!({})).await,
            "/AccountAliases/0",
            json!(format!("acme-{name}")),
        ),
        (
            "password policy",
            scope.call("iam", "GetAccountPasswordPolicy", json!({})).await,
            "/PasswordPolicy/MinimumPasswordLength",
            json!(14),
        ),
        (
            "S3 public access block",
            scope.call("s3control", "GetPublicAccessBlock", json!({ "AccountId": account })).await,
            "/PublicAccessBlockConfiguration/RestrictPublicBuckets",
            json!(true),
        ),
        ("role", policies, "/AttachedPolicies/0/PolicyName", json!("ReadOnlyAccess")),
        (
            "budget",
            scope.call("budgets", "DescribeBudgets", budgets).await,
            "/Budgets/0/BudgetLimit/Unit",
            json!("USD"),
        ),
    ];
    let lacks = |answer: Result<Value, CallError>, pointer: &str, expect: &Value| match answer {
        Ok(answer) => answer.pointer(pointer) != Some(expect),
        Err(_) => true,
    };
    let missing = answers
        .into_iter()
        .filter_map(|(what, answer, pointer, expect)| lacks(answer, pointer, &expect).then(|| what.to_owned()));
    Ok(missing.collect())
}

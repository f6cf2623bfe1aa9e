//! A new account as AWS hands it out: it does not let anybody in at first, and its services wake one by one. The
//! deployed function comes back by its own queue until everything is as declared, and nobody helps it.

use std::time::{Duration, Instant};

use forester_e2e::Outcome;
use forester_e2e::jobs::baseline::missing;
use forester_e2e::local::{Local, eventually};
use serde_json::json;

/// What the function may take: its tries come 10, 15, 30 and 60 seconds apart.
const LIMIT: Duration = Duration::from_secs(150);

#[tokio::test]
async fn account_that_wakes_slowly_is_baselined_all_the_same() -> Outcome<()> {
    let mut local = Local::start(&|_| ()).await?;
    local.stack.control("config", &json!({ "asleep": { "ec2": 1 }, "assume_denied": 1 })).await?;
    let began = Instant::now();
    let id = local.world.vend("late", "Workloads/NonProd", &[]).await?;
    let home = local.home().await?;
    // The ledger tells, because any call into the account would wake what it asks.
    let table = local.deployment.resource("StateTable")?;
    let key = json!({ "pk": { "S": format!("account#{id}") }, "sk": { "S": "baseline#late" } });
    let done = async || {
        let found = home.call("dynamodb", "GetItem", json!({ "TableName": table, "Key": key })).await?;
        Ok(found.to_string().contains(r#"\"state\":\"held\""#).then_some(()))
    };
    eventually(LIMIT, "the baseline of an account that was asleep", done).await?;
    println!("an account that was asleep was as declared {:.0} s after its birth", began.elapsed().as_secs_f64());
    assert_eq!(missing(&local.world, "late").await?, Vec::<String>::new());
    let letters = json!({ "QueueUrl": local.deployment.resource("DeadLetters")?,
        "AttributeNames": ["ApproximateNumberOfMessages"] });
    let dead = home.call("sqs", "GetQueueAttributes", letters).await?;
    assert_eq!(dead["Attributes"]["ApproximateNumberOfMessages"], "0", "nothing was given up");
    local.stack.stop().await
}

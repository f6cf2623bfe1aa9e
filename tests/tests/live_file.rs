//! The file changes while functions serve: a good one is taken up without a deployment, a broken one is refused as a whole by
//! functions that are there and by those that start meanwhile, people hear of it, and nothing is deleted until it is mended.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forester_e2e::Outcome;
use forester_e2e::deploy::BUCKET;
use forester_e2e::environment;
use forester_e2e::jobs::budget;
use forester_e2e::local::{Local, eventually};
use forester_e2e::paths::{arrives, raise};
use forester_e2e::webhook::Webhook;
use serde_json::{Value, json};

/// Functions look once a minute, those that route and those that deliver; then a little for the alarm itself.
const LIMIT: Duration = Duration::from_secs(180);

/// Writes the file where the deployment has it.
async fn put(local: &Local, text: &str) -> Outcome<()> {
    let object = json!({ "Bucket": BUCKET, "Key": "forester/forester.yaml", "Body": STANDARD.encode(text) });
    local.home().await?.call("s3", "PutObject", object).await?;
    Ok(())
}

/// Raises alarms until one of them is told at the webhook of now.
async fn told(local: &Local, name: &str) -> Outcome<()> {
    let mut asked = 0;
    let heard = async || {
        // Each is a matter of its own that goes through every function; one in a few seconds is enough.
        if asked % 12 == 0 {
            raise(&local.stack, &format!("{name}-{asked}")).await?;
        }
        asked += 1;
        Ok(local.webhook.received().iter().any(|one| one.body.contains(name)).then_some(()))
    };
    eventually(LIMIT, &format!("an alarm {name} at the new address"), heard).await
}

/// What the function of resets answers when it is asked which accounts are due, or why it does not say.
async fn due(local: &Local) -> Outcome<Result<Value, String>> {
    let function = local.deployment.resource("SandboxReset")?;
    let asked = json!({ "FunctionName": function, "Payload": STANDARD.encode(r#"{"action":"due"}"#) });
    let answer = local.home().await?.call("lambda", "Invoke", asked).await?;
    let payload = answer.get("Payload").and_then(Value::as_str).unwrap_or_default();
    let text = String::from_utf8(STANDARD.decode(payload)?)?;
    Ok(if answer.get("FunctionError").is_some() { Err(text) } else { Ok(serde_json::from_str(&text)?) })
}

#[tokio::test]
async fn good_file_is_taken_up_and_a_broken_one_refused_without_a_deployment() -> Outcome<()> {
    let mut local = Local::start(&|_| ()).await?;
    raise(&local.stack, "before").await?;
    arrives(&local.webhook, &["before"]).await?;
    assert!(due(&local).await?.is_ok(), "resets are planned while the file is good");

    let old = std::mem::replace(&mut local.webhook, Webhook::listen().await?);
    let good = environment::configuration()?.replace("http://127.0.0.1:1/hook", &local.webhook.url);
    put(&local, &good).await?;
    told(&local, "moved").await?;
    let at_old = old.received().len();

    put(&local, &good.replace("receiver: platform", "receiver: nobody").replace("version: 1", "version: 1\nnope: 2"))
        .await?;
    told(&local, "meanwhile").await?;
    let refusal = async || {
        let refused = due(&local).await?.err();
        Ok(refused.filter(|why| why.contains("nothing is deleted until it is mended")))
    };
    let why = eventually(LIMIT, "the function of resets to refuse the file", refusal).await?;
    assert!(why.contains("nope"), "the mistake is named: {why}");
    let message = arrives(&local.webhook, &["forester.yaml has a mistake", "nope"]).await?;
    assert!(message.body.contains("nobody"), "all mistakes are named: {}", message.body);
    // This function handles its first message now, with a file that it cannot read.
    budget::run(&local).await?;
    assert_eq!(old.received().len(), at_old, "an address of an earlier file was used");

    put(&local, &format!("{good}# mended\n")).await?;
    let mended = async || Ok(due(&local).await?.ok());
    eventually(LIMIT, "resets to be planned again", mended).await?;
    local.stack.stop().await
}

//! Everything a job needs: the stack, an organization in it, Forester deployed into it, and a webhook that listens.

use std::time::{Duration, Instant};

use forester::aws::Scope;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::deploy::{Deployment, deploy};
use crate::stack::{SeenCall, Stack};
use crate::webhook::Webhook;
use crate::world::{HOME, World, text};
use crate::{Outcome, environment, seed};

/// A deployed Forester and its surroundings.
pub struct Local {
    /// The emulators.
    pub stack: Stack,
    /// The organization.
    pub world: World,
    /// What CloudFormation made.
    pub deployment: Deployment,
    /// Where alerts arrive.
    pub webhook: Webhook,
}

impl Local {
    /// Starts and fills everything; `tell` hears about each stage.
    pub async fn start(tell: &dyn Fn(&str)) -> Outcome<Self> {
        tell("starting the emulators");
        let stack = Stack::start().await?;
        let webhook = Webhook::listen().await?;
        tell("creating the organization");
        let world = World::create(&stack).await?;
        tell("filling the sandbox");
        seed::fill(&world, "sbx-ana").await?;
        tell("deploying infra/template.yaml");
        let config = configuration(&webhook)?;
        let deployment = deploy(&world.management().await?, &config, &[]).await?;
        Ok(Self { stack, world, deployment, webhook })
    }

    /// The management account in the home region, where Forester runs.
    pub async fn home(&self) -> Outcome<Scope> {
        self.world.management().await
    }

    /// Puts an event on the management account's default bus and returns its id.
    pub async fn put_event(&self, event: &Value) -> Outcome<String> {
        let entry = json!({
            "Source": event["source"], "DetailType": event["detail-type"], "Detail": event["detail"].to_string(),
            "Resources": event["resources"], "Time": Timestamp::now().to_string(),
        });
        let answer = self.home().await?.call("events", "PutEvents", json!({ "Entries": [entry] })).await?;
        text(&answer, "/Entries/0/EventId")
    }

    /// Waits until a function's log says that it handled `message`.
    pub async fn handled(&self, function: &str, message: &str) -> Outcome<()> {
        let group = format!("/aws/lambda/{}", self.deployment.resource(function)?);
        let home = self.home().await?;
        let said = format!("handled {message}");
        let found = async || {
            let lines = home.pages("logs", "FilterLogEvents", json!({ "logGroupName": group })).await?;
            let line = lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains(&said)));
            Ok(line.map(drop))
        };
        eventually(Duration::from_secs(120), &format!("{function} to have {said}"), found).await
    }

    /// The calls made since call `since`, without the ones that deliver logs and poll queues.
    pub async fn calls_since(&self, since: u64) -> Outcome<Vec<SeenCall>> {
        self.stack.calls(since).await
    }
}

fn configuration(webhook: &Webhook) -> Outcome<String> {
    let text = std::fs::read_to_string(environment::root()?.join("infra/local/forester.yaml"))?;
    Ok(text.replace("http://127.0.0.1:1/hook", &webhook.url))
}

/// Asks again and again until there is an answer, and says what was waited for if there is none in time.
pub async fn eventually<T>(
    limit: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let began = Instant::now();
    loop {
        match ask().await {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) if began.elapsed() > limit => return Err(format!("waited {limit:?} for {what}: {error}").into()),
            Ok(None) if began.elapsed() > limit => return Err(format!("waited {limit:?} for {what}").into()),
            Ok(None) | Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
        }
    }
}

/// Where Forester is deployed.
pub fn home_region() -> &'static str {
    HOME
}

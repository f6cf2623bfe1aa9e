//! Everything a job needs: the stack, an organization in it, Forester deployed into it, and a webhook that listens.

use std::time::{Duration, Instant};

use forester::aws::Scope;
use serde_json::{Value, json};

use crate::deploy::{Deployment, deploy};
use crate::stack::{SeenCall, Stack};
use crate::webhook::Webhook;
use crate::world::{ROLE, World, text};
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
        Self::start_with(&[], tell, |config| config).await
    }

    /// The same, with functions that enter members by a role of this name and by no other: the one of the StackSets.
    pub async fn entering_by(role: &str, tell: &dyn Fn(&str)) -> Outcome<Self> {
        Self::start_with(&["--members"], tell, |config| {
            config.replace(&format!("role: {ROLE}"), &format!("role: {role}"))
        })
        .await
    }

    /// The same, with further arguments of `forester deploy` and a configuration that `change` makes of the usual one.
    pub async fn start_with(
        arguments: &[&str],
        tell: &dyn Fn(&str),
        change: impl FnOnce(String) -> String,
    ) -> Outcome<Self> {
        tell("starting the emulators");
        let stack = Stack::start().await?;
        stack.shorten().await?;
        let webhook = Webhook::listen().await?;
        tell("creating the organization");
        let world = World::create(&stack).await?;
        tell("filling the sandbox");
        seed::fill(&world, "sbx-ana").await?;
        tell("deploying infra/template.yaml");
        let config = change(configuration(&webhook)?);
        let deployment = deploy(&stack, &world.management().await?, &config, arguments).await?;
        Ok(Self { stack, world, deployment, webhook })
    }

    /// The management account in the home region, where Forester runs.
    pub async fn home(&self) -> Outcome<Scope> {
        self.world.management().await
    }

    /// Puts a service's event on the management account's default bus.
    pub async fn put_event(&self, event: &Value) -> Outcome<String> {
        self.stack.control("events", event).await?;
        text(event, "/id")
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

    /// How many calls the deployed functions have made since call `since`.
    pub async fn calls_of_functions(&self, since: u64) -> Outcome<usize> {
        let calls = self.stack.calls(since).await?;
        let ours = |call: &&SeenCall| call.origin.as_deref().is_some_and(|origin| origin.contains(":assumed-role/"));
        Ok(calls.iter().filter(ours).count())
    }
}

fn configuration(webhook: &Webhook) -> Outcome<String> {
    Ok(environment::configuration()?.replace("http://127.0.0.1:1/hook", &webhook.url))
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

//! What the paths of alerts have in common that people and schedules take: a deployed Forester in one account, whose
//! receivers are endpoints of this process.

use std::time::Duration;

use forester::aws::Scope;
use forester::types::Region;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::command::Terminal;
use crate::control::fetch;
use crate::deploy::{Deployment, deploy};
use crate::local::eventually;
use crate::stack::Stack;
use crate::webhook::{Received, Webhook};
use crate::world::{HOME, as_root, text};
use crate::{Outcome, environment};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// The key that links are signed with.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Slack's signing secret.
pub const SLACK: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// A deployed Forester that looks after one account, and the ends of its channels.
pub struct Paths {
    /// The emulators.
    pub stack: Stack,
    /// The account, as its root.
    pub home: Scope,
    /// What CloudFormation made.
    pub deployment: Deployment,
    config: String,
}

impl Paths {
    /// Deploys with this `alerts` section; `kept` are parameters of Systems Manager, by name.
    pub async fn lay(alerts: &str, kept: &[(&str, &str)], arguments: &[&str]) -> Outcome<Self> {
        let stack = Stack::start().await?;
        let region: Region = HOME.parse()?;
        let home = as_root(&stack.sdk(&region).await, &stack.management).await?;
        for (name, value) in kept {
            let parameter = json!({ "Name": name, "Value": value, "Type": "SecureString" });
            home.call("ssm", "PutParameter", parameter).await?;
        }
        let config = format!(
            "version: 1\nmode: single-account\nhome_region: {HOME}\nregions: {{govern: [{HOME}]}}\n\
             access: {{role: Unused}}\naccounts:\n  root: {{}}\nalerts:\n{alerts}"
        );
        let deployment = deploy(&stack, &home, &config, arguments).await?;
        Ok(Self { stack, home, deployment, config })
    }

    /// Raises an alarm of this name.
    pub async fn alarm(&self, name: &str) -> Outcome<()> {
        raise(&self.stack, name).await
    }

    /// Sets a deployed schedule to go off in so many seconds; the emulated scheduler does the rest.
    pub async fn fire(&self, timer: &str, seconds: i64) -> Outcome<()> {
        let name = self.deployment.resource(timer)?;
        let schedule = self.home.call("scheduler", "GetSchedule", json!({ "Name": name })).await?;
        let at = Timestamp::now() + SignedDuration::from_secs(seconds);
        let update = json!({
            "Name": name, "ScheduleExpression": format!("at({})", at.strftime("%Y-%m-%dT%H:%M:%S")),
            "ScheduleExpressionTimezone": "UTC", "FlexibleTimeWindow": { "Mode": "OFF" }, "Target": schedule["Target"],
        });
        self.home.call("scheduler", "UpdateSchedule", update).await?;
        Ok(())
    }

    /// Makes a topic and a queue that records what is published to it, and returns the queue's URL.
    pub async fn listening_to(&self, topic: &str) -> Outcome<String> {
        let made = self.home.call("sns", "CreateTopic", json!({ "Name": topic })).await?;
        let queue = text(&self.home.call("sqs", "CreateQueue", json!({ "QueueName": topic })).await?, "/QueueUrl")?;
        let wanted = json!({ "QueueUrl": queue, "AttributeNames": ["QueueArn"] });
        let arn = text(&self.home.call("sqs", "GetQueueAttributes", wanted).await?, "/Attributes/QueueArn")?;
        let subscription = json!({ "TopicArn": made["TopicArn"], "Protocol": "sqs", "Endpoint": arn });
        self.home.call("sns", "Subscribe", subscription).await?;
        Ok(queue)
    }

    /// The next message in a queue.
    pub async fn heard(&self, queue: &str) -> Outcome<Option<String>> {
        let answer = self.home.call("sqs", "ReceiveMessage", json!({ "QueueUrl": queue })).await?;
        Ok(answer["Messages"][0]["Body"].as_str().map(str::to_owned))
    }

    /// The lines of a function's log that hold this text.
    pub async fn said(&self, function: &str, words: &str) -> Outcome<Vec<String>> {
        let group = format!("/aws/lambda/{}", self.deployment.resource(function)?);
        let lines = self.home.pages("logs", "FilterLogEvents", json!({ "logGroupName": group })).await?;
        let texts = lines.iter().filter_map(|line| line["message"].as_str());
        Ok(texts.filter(|text| text.contains(words)).map(str::to_owned).collect())
    }

    /// Asks the function URL of `alert-actions`, by the emulator's own address for it.
    pub async fn ask(&self, method: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Outcome<(u16, String)> {
        let url = self.deployment.output("AcknowledgeUrl")?;
        let host = url.split("://").nth(1).and_then(|rest| rest.split(['.', ':', '/']).next());
        let id = host.ok_or_else(|| format!("no function URL: {url}"))?;
        let url = format!("{}/_aws/lambda-url/{id}/{query}", self.stack.event_plane);
        fetch(method, &url, headers, body).await
    }

    /// A terminal that works on the deployed table and queue.
    pub fn terminal(&self, name: &str) -> Outcome<Terminal> {
        let terminal = Terminal::open(name, &self.config, Some(&self.stack))?;
        let (table, outbox) = (self.deployment.output("StateTableName")?, self.deployment.output("OutboxUrl")?);
        Ok(terminal.with("FORESTER_TABLE", table).with("FORESTER_OUTBOX", outbox))
    }
}

/// Raises an alarm of this name in the management account.
pub async fn raise(stack: &Stack, name: &str) -> Outcome<()> {
    let sample = environment::root()?.join("events/alarm-fanout/eventbridge-alarm-state-change.json");
    let text = std::fs::read_to_string(sample)?.replace("CIS-4.3-RootAccountUsage", name);
    let mut event: Value = serde_json::from_str(&text.replace("222233334444", stack.management.as_ref()))?;
    event["id"] = format!("event-{name}").into();
    event["detail"]["configuration"]["description"] = "The queue is old".into();
    stack.control("events", &event).await.map(drop)
}

/// The first message at an endpoint that holds all these words.
pub async fn arrives(webhook: &Webhook, words: &[&str]) -> Outcome<Received> {
    let found = async || {
        let received = webhook.received();
        Ok(received.into_iter().find(|one| words.iter().all(|word| one.body.contains(word))))
    };
    eventually(PATIENCE, &format!("a message that says {words:?}"), found).await
}

/// What stands between two marks in a text.
pub fn between<'a>(text: &'a str, from: &str, to: &str) -> Outcome<&'a str> {
    let rest = text.split_once(from).map(|(_, rest)| rest).ok_or_else(|| format!("no `{from}` in {text}"))?;
    Ok(rest.split_once(to).map_or(rest, |(found, _)| found))
}

/// Slack's signature, by another implementation than the one that checks it
/// (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
pub async fn signed(secret: &str, stamp: &str, body: &str) -> Outcome<String> {
    let script = "import hashlib, hmac, sys\n\
                  text = f'v0:{sys.argv[2]}:{sys.argv[3]}'.encode()\n\
                  print('v0=' + hmac.new(sys.argv[1].encode(), text, hashlib.sha256).hexdigest())";
    let mut command = tokio::process::Command::new(environment::python()?);
    let output = command.args(["-c", script, secret, stamp, body]).output().await?;
    let answer = String::from_utf8(output.stdout)?.trim().to_owned();
    if answer.starts_with("v0=") { Ok(answer) } else { Err(format!("nothing was signed: {answer}").into()) }
}

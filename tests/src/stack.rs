//! Starts the local stack of `infra/local` as a child and speaks to its control endpoint.
//!
//! The child ends when its standard input closes, so nothing survives this process, however it ends.
//! `FORESTER_STACK_DIR` names a directory in which it leaves its logs and calls.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use forester::aws::Sdk;
use forester::types::{AccountId, Region};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::control::request;
use crate::memory::{self, Held};
use crate::{Outcome, environment};

/// How long the stack may take to answer its first call.
const START_LIMIT: Duration = Duration::from_secs(90);

/// The regions that a shortened stack has.
pub const SHORT: [&str; 3] = ["us-east-1", "eu-west-1", "ap-northeast-1"];

/// A running local stack.
#[derive(Debug)]
pub struct Stack {
    /// What `AWS_ENDPOINT_URL` is set to.
    pub endpoint: String,
    /// The emulator of the management account's event plane, without the gateway: quicker, and it knows no faults.
    pub event_plane: String,
    /// The account that owns the organization.
    pub management: AccountId,
    control: String,
    child: Child,
    stdin: Option<ChildStdin>,
}

/// One call that the stack's gateway saw.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct SeenCall {
    /// Counts up from the start of the stack.
    pub n: u64,
    /// The service (`ec2`).
    pub service: String,
    /// The operation (`DescribeVpcs`), where the gateway could tell it.
    #[serde(default)]
    pub action: Option<String>,
    /// The account whose credentials signed it.
    #[serde(default)]
    pub account: Option<String>,
    /// The region.
    #[serde(default)]
    pub region: Option<String>,
    /// The HTTP status of the answer; 0 when the caller got none.
    #[serde(default)]
    pub status: Option<u16>,
    /// Who made the call, before any role was assumed.
    #[serde(default)]
    pub origin: Option<String>,
    /// Whether it changes something.
    #[serde(default)]
    pub write: bool,
}

/// By role (`account/name`), by verdict, by action: how often.
pub type Verdicts = BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>>;

/// Every action that a role was denied.
fn denied(verdicts: &Verdicts) -> Vec<String> {
    let of_role = |(role, verdicts): (&String, &BTreeMap<String, BTreeMap<String, u64>>)| {
        let denials = verdicts.iter().filter(|(verdict, _)| *verdict != "allowed");
        let actions = denials.flat_map(|(why, actions)| actions.keys().map(move |action| (why, action)));
        actions.map(|(why, action)| format!("{role}: {action} {why}")).collect::<Vec<_>>()
    };
    verdicts.iter().flat_map(of_role).collect()
}

impl Stack {
    /// Starts the emulators and waits until they answer.
    pub async fn start() -> Outcome<Self> {
        let script = environment::root()?.join("infra/local/stack.py");
        let mut command = Command::new(environment::python()?);
        command.arg(&script);
        if let Some(directory) = std::env::var_os("FORESTER_STACK_DIR") {
            command.arg("--workdir").arg(directory);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", script.display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("the stack has no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(START_LIMIT, lines.next_line()).await;
        let line = first.map_err(|_| format!("the stack did not answer within {START_LIMIT:?}"))??;
        let ready: Value = serde_json::from_str(&line.ok_or("the stack ended before it was ready")?)?;
        let field = |name: &str| ready.get(name).and_then(Value::as_str).ok_or(format!("the stack gave no {name}"));
        Ok(Self {
            endpoint: field("endpoint")?.to_owned(),
            event_plane: field("event_plane")?.to_owned(),
            control: field("control")?.to_owned(),
            management: field("management_account")?.parse()?,
            child,
            stdin,
        })
    }

    /// A client that speaks as the management account's root user.
    pub async fn sdk(&self, region: &Region) -> Sdk {
        Sdk::at(&self.endpoint, self.management.as_ref(), region).await
    }

    /// The calls that the gateway has seen after call `since`.
    pub async fn calls(&self, since: u64) -> Outcome<Vec<SeenCall>> {
        let answer = request("GET", &format!("{}/log?since={since}", self.control), None).await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// The number of the newest call.
    pub async fn last_call(&self) -> Outcome<u64> {
        let health = request("GET", &format!("{}/health", self.control), None).await?;
        Ok(health.get("calls").and_then(Value::as_u64).ok_or("the stack does not count its calls")?)
    }

    /// Makes the next `times` calls that match fail: see `infra/local/README.md` for matches and kinds.
    pub async fn fault(&self, matching: Value, kind: &str, times: u32) -> Outcome<()> {
        let fault = json!({ "match": matching, "kind": kind, "times": times });
        request("POST", &format!("{}/faults", self.control), Some(&fault)).await.map(drop)
    }

    /// Takes all faults away.
    pub async fn heal(&self) -> Outcome<()> {
        request("DELETE", &format!("{}/faults", self.control), None).await.map(drop)
    }

    /// Lets accounts have three regions, and every list that no emulator has be empty: a reset lists a thousand types in
    /// each region.
    pub async fn shorten(&self) -> Outcome<()> {
        let config = json!({ "regions": SHORT, "unknown_is_empty": true });
        self.control("config", &config).await.map(drop)
    }

    /// Posts `body` to another control path.
    pub async fn control(&self, path: &str, body: &Value) -> Outcome<Value> {
        request("POST", &format!("{}/{path}", self.control), Some(body)).await
    }

    /// The mail that SES took, each as it was asked for.
    pub async fn mail(&self) -> Outcome<Vec<Value>> {
        let sent = request("GET", &format!("{}/mail", self.control), None).await?;
        Ok(serde_json::from_value(sent)?)
    }

    /// How often the policies of a role allowed or denied an action: by role, by verdict (`allowed`, or why not), by action.
    pub async fn verdicts(&self) -> Outcome<Verdicts> {
        let answer = request("GET", &format!("{}/permissions", self.control), None).await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// What each function that it runs held in memory at most so far.
    pub fn memory(&self) -> Vec<Held> {
        memory::held(&self.endpoint)
    }

    /// Ends the emulators and waits until they are gone. Whatever a role was denied is an error: a permission lacks in a
    /// template, or the code does what it should not. So is a function that held more than half of its memory.
    pub async fn stop(mut self) -> Outcome<()> {
        let (verdicts, memory) = (self.verdicts().await?, self.memory());
        memory.iter().for_each(|held| println!("{held}"));
        drop(self.stdin.take());
        let ended = tokio::time::timeout(Duration::from_secs(15), self.child.wait()).await;
        ended.map_err(|_| "the stack did not end within 15 s of being told")??;
        let denied = denied(&verdicts).into_iter().map(|denied| format!("denied to {denied}"));
        let tight = memory.iter().filter(|held| held.is_tight()).map(|held| format!("too much: {held}"));
        let wrong: Vec<String> = denied.chain(tight).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_role_was_denied_is_named_with_why() {
        let verdicts = json!({
            "111122223333/quiet": { "allowed": { "s3:GetObject": 3 } },
            "111122223333/loud": { "allowed": { "s3:GetObject": 1 }, "because no policy allows it": { "s3:PutObject": 2 } },
        });
        let denied = denied(&serde_json::from_value(verdicts).unwrap());
        assert_eq!(denied, ["111122223333/loud: s3:PutObject because no policy allows it"]);
    }
}

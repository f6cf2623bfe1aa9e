//! `forester doctor`: what the organization lacks for Forester to work, and what to do about each.

use std::fmt::Display;

use forester::Forester;
use forester::aws::{CallError, Scope};
use forester::org::{Account, AccountState};
use serde::Serialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Tell what the organization lacks for Forester to work
#[derive(Debug, clap::Args)]
pub struct Doctor {}

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Missing,
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Finding {
    state: State,
    what: String,
    hint: String,
}

impl Finding {
    fn ok(what: impl Display) -> Self {
        Self { state: State::Ok, what: what.to_string(), hint: String::new() }
    }

    fn missing(what: impl Display, hint: impl Display) -> Self {
        Self { state: State::Missing, what: what.to_string(), hint: hint.to_string() }
    }

    /// The check itself was refused or failed: neither good nor bad is known.
    fn unknown(what: impl Display, error: &CallError) -> Self {
        Self { state: State::Unknown, what: what.to_string(), hint: error.to_string() }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.state {
            State::Ok => "ok      ",
            State::Missing => "MISSING ",
            State::Unknown => "unknown ",
        };
        write!(f, "{mark} {}", self.what)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n           {}", self.hint) }
    }
}

impl Doctor {
    /// Runs every check; each failing one says what to do.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let findings = examine(&forester).await?;
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        let healthy = findings.iter().all(|finding| finding.state == State::Ok);
        let summary =
            if healthy { "everything that was looked at is in place" } else { "see the lines that are not ok" };
        result(
            context.form,
            &json!({ "findings": findings, "healthy": healthy }),
            format!("{}\n{summary}", lines.join("\n")),
        );
        Ok(if healthy { Exit::Done } else { Exit::Failed })
    }
}

async fn examine(forester: &Forester) -> Result<Vec<Finding>, Problem> {
    let home = forester.accounts.home().await.map_err(Problem::failed)?;
    let scope = forester.accounts.scope(&home, &forester.config.home_region).await.map_err(Problem::failed)?;
    let mut findings = vec![Finding::ok(format_args!("credentials for account {home}"))];
    match forester.directory.accounts().await {
        Ok(accounts) => {
            findings.push(Finding::ok(format_args!("{} accounts can be listed", accounts.len())));
            findings.extend(entrances(forester, &accounts).await);
        }
        Err(error) => findings.push(Finding::unknown("accounts can be listed", &error)),
    }
    findings.push(trail(&scope).await);
    findings.extend(sandboxes(forester).await);
    let hint = forester.config.cleanability_hint();
    findings.extend(hint.map(|hint| Finding { hint, ..Finding::ok("sandboxes are declared") }));
    findings.push(topics(&scope).await);
    Ok(findings)
}

/// Whether each active account can be entered.
async fn entrances(forester: &Forester, accounts: &[Account]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for account in accounts.iter().filter(|account| account.state == AccountState::Active) {
        let what = format!("{} ({}) can be entered", account.name, account.id);
        let entered = async {
            let scope = forester.accounts.scope(&account.id, &forester.config.home_region).await?;
            scope.call("sts", "GetCallerIdentity", json!({})).await
        };
        findings.push(match entered.await {
            Ok(identity) if identity.get("Account") == Some(&json!(account.id)) => Finding::ok(what),
            Ok(identity) => Finding::missing(what, format_args!("its role leads to somebody else: {identity}")),
            Err(error) => Finding::missing(what, error),
        });
    }
    findings
}

/// EventBridge hears of API calls only where a trail with logging on records them
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>); those of Organizations
/// are recorded in us-east-1, so the trail has to be there or in all regions.
async fn trail(home: &Scope) -> Finding {
    let what = "a trail with logging on records this account's events of us-east-1";
    let hint = "without one EventBridge hears nothing of Organizations: create a trail (an organization trail is best)";
    let trails = match home.call("cloudtrail", "DescribeTrails", json!({})).await {
        Ok(answer) => answer.get("trailList").and_then(Value::as_array).cloned().unwrap_or_default(),
        Err(error) => return Finding::unknown(what, &error),
    };
    let mut finding = Finding::missing(what, hint);
    for trail in trails.iter().filter(|trail| records_organizations(trail)) {
        match home.call("cloudtrail", "GetTrailStatus", json!({ "Name": trail.get("TrailARN") })).await {
            Ok(status) if status.get("IsLogging") == Some(&Value::Bool(true)) => return Finding::ok(what),
            Ok(_) => {}
            Err(error) => finding = Finding::unknown(what, &error),
        }
    }
    finding
}

fn records_organizations(trail: &Value) -> bool {
    let everywhere = trail.get("IsMultiRegionTrail") == Some(&Value::Bool(true));
    everywhere || trail.get("HomeRegion") == Some(&json!("us-east-1"))
}

/// Nothing privileged may match the sandbox section.
async fn sandboxes(forester: &Forester) -> Option<Finding> {
    forester.config.sandbox.as_ref()?;
    let what = "the management account and delegated administrators are known, so that no reset can touch them";
    Some(match forester.directory.privileged().await {
        Ok(privileged) => Finding::ok(format_args!("{what} ({})", privileged.len())),
        Err(error) => Finding::unknown(what, &error),
    })
}

/// A subscription that nobody confirmed delivers nothing.
async fn topics(home: &Scope) -> Finding {
    let what = "every topic subscription of this account is confirmed";
    match home.pages("sns", "ListSubscriptions", json!({})).await {
        Ok(subscriptions) => {
            let pending =
                |subscription: &&Value| subscription.get("SubscriptionArn") == Some(&json!("PendingConfirmation"));
            let waiting: Vec<&str> =
                subscriptions.iter().filter(pending).filter_map(|one| one.get("TopicArn")?.as_str()).collect();
            match waiting.as_slice() {
                [] => Finding::ok(what),
                waiting => Finding::missing(what, format_args!("unconfirmed: {}", waiting.join(", "))),
            }
        }
        Err(error) => Finding::unknown(what, &error),
    }
}

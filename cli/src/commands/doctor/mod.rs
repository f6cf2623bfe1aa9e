//! `forester doctor`: what the organization lacks for Forester to work, and what to do about each. A file for each part
//! that is looked at; all of it only reads.

mod events;
mod finding;
mod members;
mod organization;
mod quota;
mod topics;

use forester::Forester;
use forester::aws::{CallError, Scope};
use forester::config::OperatingMode;
use forester::org::{Account, AccountState};
use forester::types::AccountId;
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{Exit, Problem, result};
use finding::{Finding, State};
pub(super) use organization::landing_zones;

/// Tell what the organization lacks for Forester to work
#[derive(Debug, clap::Args)]
pub struct Doctor {}

impl Doctor {
    /// Runs every check; each failing one says what to do.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let findings = examine(&forester).await?;
        let healthy = healthy(&findings);
        result(context.form, &json!({ "findings": findings, "healthy": healthy }), told(&findings));
        Ok(if healthy { Exit::Done } else { Exit::Failed })
    }
}

/// Whether nothing is missing or unknown.
pub(super) fn healthy(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.state == State::Ok)
}

/// The findings for people, a line each.
pub(super) fn told(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let summary = match healthy(findings) {
        true => "everything that was looked at is in place",
        false => "see the lines that are not ok",
    };
    format!("{}\n{summary}", lines.join("\n"))
}

/// Runs every check.
pub(super) async fn examine(forester: &Forester) -> Result<Vec<Finding>, Problem> {
    let home = forester.accounts.home().await.map_err(Problem::failed)?;
    let scope = forester.accounts.scope(&home, &forester.config.home_region).await.map_err(Problem::failed)?;
    let mut findings = vec![Finding::ok(format_args!("credentials for account {home}"))];
    let accounts = forester.directory.accounts().await;
    match &accounts {
        Ok(accounts) => {
            findings.push(Finding::ok(format_args!("{} accounts can be listed", accounts.len())));
            findings.extend(entrances(forester, accounts).await);
        }
        Err(error) => findings.push(Finding::unknown("accounts can be listed", error)),
    }
    findings.push(events::trail(&scope).await);
    findings.extend(events::rules(forester, &home).await);
    let privileged = forester.directory.privileged().await;
    findings.extend(organization::examine(forester, &home, &privileged, accounts.as_deref().ok()).await);
    if forester.config.mode == OperatingMode::Organization {
        findings.extend(members::stacks(&scope).await);
    }
    findings.extend(sandboxes(forester, &privileged));
    let hint = forester.config.cleanability_hint();
    findings.extend(hint.map(|hint| Finding { hint, ..Finding::ok("sandboxes are declared") }));
    findings.push(topics::subscriptions(&scope).await);
    findings.extend(topics::of_budgets(forester, &scope).await);
    findings.push(concurrency(&scope).await);
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

/// Nothing privileged may match the sandbox section.
fn sandboxes(forester: &Forester, privileged: &Result<Vec<AccountId>, CallError>) -> Option<Finding> {
    forester.config.sandbox.as_ref()?;
    let what = "the management account and delegated administrators are known, so that no reset can touch them";
    Some(match privileged {
        Ok(privileged) => Finding::ok(format_args!("{what} ({})", privileged.len())),
        Err(error) => Finding::unknown(what, error),
    })
}

/// New accounts may run very few functions at once, and all functions of a region share what there is
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
async fn concurrency(home: &Scope) -> Finding {
    const ENOUGH: u64 = 100;
    let what = "enough functions may run at once in this account and region";
    match home.call("lambda", "GetAccountSettings", json!({})).await {
        Ok(settings) => {
            let limit = settings.pointer("/AccountLimit/ConcurrentExecutions").and_then(Value::as_u64).unwrap_or(0);
            match limit >= ENOUGH {
                true => Finding::ok(format_args!("{what} ({limit})")),
                false => Finding::missing(
                    what,
                    format_args!(
                        "it is {limit}, and events wait or are throttled: ask Service Quotas for Lambda's concurrent executions"
                    ),
                ),
            }
        }
        Err(error) => Finding::unknown(what, &error),
    }
}

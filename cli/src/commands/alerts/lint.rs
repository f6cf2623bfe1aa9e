//! `forester alerts lint [ACCOUNT]`.

use forester::Forester;
use forester::alert::Lint as Facts;
use forester::types::{AccountId, Region};
use serde_json::json;

use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Find alarms and metric filters that can never fire, that nobody hears, or that are not the benchmark's
#[derive(Debug, clap::Args)]
pub struct Lint {
    /// A 12-digit id, or a name in the file; without it, the account that Forester runs in
    account: Option<String>,
    /// The region to look in; without it, the home region
    #[arg(long)]
    region: Option<Region>,
}

impl Lint {
    /// Reads the account and tells what is wrong; findings end with exit code 4.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let account = account(&forester, self.account.as_deref()).await?;
        let region = self.region.unwrap_or_else(|| forester.config.home_region.clone());
        let scope = forester.accounts.scope(&account, &region).await.map_err(Problem::failed)?;
        let facts = Facts::observe(&scope).await.map_err(Problem::failed)?;
        let findings = facts.findings();
        let (alarms, filters) = (facts.alarms.len(), facts.filters.len());
        let mut text = vec![format!(
            "{alarms} alarms and {filters} metric filters in {account}/{region}: {} findings",
            findings.len()
        )];
        text.extend(findings.iter().map(|found| format!("  {}: {}; {}", found.name, found.problem, found.hint)));
        text.extend(facts.unseen.iter().map(|unseen| format!("  not looked at: {unseen}")));
        let json = json!({
            "account": account, "region": region, "alarms": alarms, "filters": filters, "findings": findings,
            "not_looked_at": facts.unseen,
        });
        result(context.form, &json, text.join("\n"));
        Ok(if findings.is_empty() { Exit::Done } else { Exit::Unclean })
    }
}

async fn account(forester: &Forester, named: Option<&str>) -> Result<AccountId, Problem> {
    let Some(name) = named else { return forester.accounts.home().await.map_err(Problem::failed) };
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let known = forester.directory.accounts().await.map_err(Problem::failed)?;
    let found = known.into_iter().find(|account| account.name == name).map(|account| account.id);
    found.ok_or_else(|| Problem::failed(format_args!("no account is called {name}; give its 12-digit id")))
}

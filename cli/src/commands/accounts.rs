//! `forester accounts`: the tree of OUs and accounts, with class, layers and baseline state.

use std::collections::{BTreeMap, BTreeSet};

use forester::baseline::{Baseline, Ledger};
use forester::config::Config;
use forester::org::{Account, AccountState};
use forester::types::AccountId;
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{Exit, Problem, note, result};
use crate::pick::document;

/// Show the tree of OUs and accounts
#[derive(Debug, clap::Args)]
pub struct Accounts {}

impl Accounts {
    /// Reads the directory and the ledger.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let baseline = Baseline::new(&forester);
        let directory = baseline.directory();
        let accounts = directory.accounts().await.map_err(Problem::failed)?;
        let privileged = directory.privileged().await.map_err(Problem::failed)?.into_iter().collect();
        for name in baseline.missing(&accounts) {
            note(format_args!("{name}: named in the file, not in the organization"));
        }
        let mut rows = Vec::new();
        for account in accounts {
            let class = class(&forester.config, &privileged, &account);
            let layers = baseline.resolve(&account).layers;
            let last = baseline.last(&account).await.map_err(Problem::failed)?;
            rows.push(Row { account, class, layers, last });
        }
        let documents: Vec<Value> = rows.iter().map(Row::document).collect();
        result(context.form, &document(json!(documents)), tree(&rows));
        Ok(Exit::Done)
    }
}

/// One account, and what is known of it.
struct Row {
    account: Account,
    class: &'static str,
    layers: Vec<usize>,
    last: Option<Ledger>,
}

/// `privileged` stands above `sandbox`: such an account is never emptied, whatever it matches.
fn class(config: &Config, privileged: &BTreeSet<AccountId>, account: &Account) -> &'static str {
    let sandbox = config.sandbox.as_ref().map(|sandbox| &sandbox.matches);
    let fits = sandbox.is_some_and(|it| it.takes_ou(&account.ou) && it.missing_tag(&account.tags).is_none());
    match (privileged.contains(&account.id), fits) {
        (true, _) => "privileged",
        (false, true) => "sandbox",
        (false, false) => "member",
    }
}

impl Row {
    fn document(&self) -> Value {
        let Self { account, class, layers, last } = self;
        let Account { id, name, email, state, ou, tags, .. } = account;
        json!({ "id": id, "name": name, "email": email, "ou": ou, "state": state, "tags": tags, "class": class,
            "layers": layers, "baseline": last })
    }

    fn line(&self) -> String {
        let Self { account, class, layers, last } = self;
        let baseline = match (account.state, last) {
            (AccountState::Active, Some(last)) => format!("baseline {} at {:.0}", last.state, last.at),
            (AccountState::Active, None) => "baseline never looked at".to_owned(),
            (state, _) => state.to_string(),
        };
        format!("{:<20} {}  {class:<10} layers {layers:?}  {baseline}", account.name, account.id)
    }
}

/// OUs in order, each with its accounts below.
fn tree(rows: &[Row]) -> String {
    let mut by_ou: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_ou.entry(row.account.ou.as_ref()).or_default().push(row);
    }
    let mut lines = Vec::new();
    for (ou, rows) in by_ou {
        lines.push(if ou.is_empty() { "(root)".to_owned() } else { ou.to_owned() });
        lines.extend(rows.iter().map(|row| format!("  {}", row.line())));
    }
    lines.join("\n")
}

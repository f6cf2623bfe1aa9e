//! Empties the account in this process, by the catalogue as it lies on the disk, and looks with plain calls at what is
//! left.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use forester::aws::{Accounts, CallError, Scope};
use forester::config::Config;
use forester::org;
use forester::reset::catalogue::{Catalogue, Kind};
use forester::reset::{Baseliner, Declared, Handover, Next, Nobody, Order, Receipt, Reset, Run};
use forester::store::{DirectoryObjects, MemoryStore};
use forester::types::AccountId;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::form::{fill, fill_text};
use super::plant::Planted;
use crate::Outcome;
use crate::stack::Stack;
use crate::world::{HOME, World};

/// A sandbox that is emptied as soon as anybody asks, and needs no second look ten minutes later.
const CONFIG: &str = r#"
version: 1
mode: organization
home_region: us-east-1
regions: {govern: [us-east-1]}
access: {role: OrganizationAccountAccessRole}
accounts: {management: {id: "111122223333"}}
sandbox:
  match: {ou: Sandbox, tag: {forester-sandbox: "true"}}
  default_vpc: keep
  guards: {first_run: delete}
  rescan_after: 0s
  patience: 60s
  witnesses: {ask: []}
"#;

/// How long an account of seeds may take.
const LIMIT: Duration = Duration::from_secs(1200);

/// What a reset said.
#[derive(Debug)]
pub struct Emptied {
    /// What its first scan wanted to delete: type and id.
    pub found: BTreeSet<(String, String)>,
    /// Its receipt.
    pub receipt: Receipt,
}

/// No baseline: what is tried here is the reset alone.
struct Bare;

#[async_trait]
impl Baseliner for Bare {
    async fn declared(&self, _: &AccountId) -> Result<Declared, String> {
        Ok(Declared::default())
    }

    async fn baseline(&self, _: &AccountId) -> Result<Handover, String> {
        Ok(Handover { summary: "none".to_owned(), failed: Vec::new() })
    }

    async fn seen(&self, _: &AccountId) -> Result<Option<Handover>, String> {
        Ok(None)
    }

    async fn holds(&self, _: &AccountId) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// Plans, then empties the account called `name`.
pub async fn empty(stack: &Stack, world: &World, name: &str, catalogue: &'static Catalogue) -> Outcome<Emptied> {
    let id = world.ids.get(name).ok_or_else(|| format!("no account {name}"))?;
    let reset = reset(stack, world, catalogue).await?;
    let plan = reset.plan(id).await?;
    let found = doomed(&plan);
    let run = format!("{id}-seeds");
    let began = std::time::Instant::now();
    for slice in 0_u32.. {
        let deadline = Timestamp::now() + SignedDuration::from_mins(5);
        let order = Order { slice: format!("slice-{slice}"), deadline, ..order(id, &run) };
        let report = reset.slice(&order).await?;
        match report.next {
            Next::Continue => {}
            Next::Wait => tokio::time::sleep(Duration::from_secs(report.seconds.min(5))).await,
            Next::Done | Next::Stuck | Next::Refused => break,
        }
        if began.elapsed() > LIMIT {
            return Err(format!("not done within {LIMIT:?}: {}", report.progress).into());
        }
    }
    let receipt = reset.receipt(&run).await?.ok_or("the run left no receipt")?;
    Ok(Emptied { found, receipt })
}

fn order(account: &AccountId, run: &str) -> Order {
    let (account, run) = (account.clone(), run.to_owned());
    Order { account, run, plan: None, slice: String::new(), deadline: Timestamp::MAX, insists: true }
}

async fn reset(stack: &Stack, world: &World, catalogue: &'static Catalogue) -> Outcome<Reset> {
    let text = CONFIG.replace("111122223333", stack.management.as_ref());
    let config = Arc::new(Config::parse(&text, "seeds")?);
    let accounts: Arc<dyn Accounts> = Arc::clone(&world.accounts);
    let directory = org::directory(&config, &stack.sdk(&HOME.parse()?).await, &accounts);
    let objects = DirectoryObjects::new(std::env::temp_dir().join(format!("forester-seeds-{}", std::process::id())));
    Ok(Reset {
        config,
        accounts,
        directory,
        store: Arc::new(MemoryStore::default()),
        objects: Arc::new(objects),
        baseliner: Arc::new(Bare),
        people: Arc::new(Nobody),
        catalogue,
        clock: Arc::new(Timestamp::now),
    })
}

fn doomed(plan: &Run) -> BTreeSet<(String, String)> {
    plan.work.keys().map(|key| (key.cell.kind.to_string(), key.id.clone())).collect()
}

/// Whether a plain call still shows the thing; the answer is its proof.
pub async fn shown(world: &World, name: &str, catalogue: &Catalogue, planted: &Planted) -> Outcome<Option<String>> {
    let scope = world.scope(name, planted.region.as_ref()).await?;
    let kind = catalogue.kind(&planted.seed.kind).ok_or_else(|| format!("{} is in no file", planted.seed.kind))?;
    match answer(&scope, kind, planted).await {
        Ok(answer) => Ok(shows(&answer.to_string(), planted).then(|| answer.to_string())),
        // A service that was switched off says so instead of showing nothing.
        Err(error) if error.is_gone() || kind.unused(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the seed's own look says; without one, the list that the catalogue names.
async fn answer(scope: &Scope, kind: &Kind, planted: &Planted) -> Result<Value, CallError> {
    let Some(look) = &planted.seed.look else {
        let pages = scope.pages(&kind.service, &kind.list.operation, kind.list.params.clone()).await?;
        return Ok(pages.into());
    };
    let service = look.service.as_ref().unwrap_or(&planted.seed.service);
    scope.call(service, &look.operation, fill(&look.params, &planted.known)).await
}

fn shows(answer: &str, planted: &Planted) -> bool {
    let look = planted.seed.look.as_ref();
    let excused = look.is_some_and(|look| look.unless.iter().any(|text| answer.contains(&text.replace(": ", ":"))));
    let told = look.and_then(|look| look.shows.as_ref()).map(|shows| fill_text(shows, &planted.known));
    let tail = planted.id.rsplit(['/', ':']).next().unwrap_or_default();
    let shown = match told {
        Some(text) => answer.contains(&text),
        None => answer.contains(&planted.id) || (tail.len() > 3 && answer.contains(tail)),
    };
    shown && !excused
}

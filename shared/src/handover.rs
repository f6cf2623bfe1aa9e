//! Where the capabilities meet: how a reset ends in the baseline, and how a notice of the baseline or a letter of a reset
//! becomes an alert. The one place that knows two of them.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::Forester;
use crate::alert::Router;
use crate::alert::ladder::{Ladder, No, Sandboxes};
use crate::aws::{Accounts, CallError};
use crate::baseline::{Baseline, Ledger, Notice, Notices, Report, Unheard, declared_names, declared_roles};
use crate::config::{Config, DefaultVpc, Enforce, Resolved, Trail};
use crate::event::Message;
use crate::job::{Invocation, Job};
use crate::live::Told;
use crate::org::{Account, Forest};
use crate::reset::catalogue::Unreadable;
use crate::reset::{Baseliner, Declared, Handover, Letter, Nobody, People, Reserved, Reset};
use crate::types::{AccountId, Arn, Malformed, Region};

impl Forester {
    /// The way to people, where the file names some.
    pub(crate) fn notices(&self) -> Arc<dyn Notices> {
        match (&self.config.alerts, Router::new(self)) {
            (Some(_), Ok(router)) => Arc::new(Alerted(router)),
            (None, _) | (_, Err(_)) => Arc::new(Unheard),
        }
    }

    /// The same way, for what a reset has to say.
    fn people(&self) -> Arc<dyn People> {
        match (&self.config.alerts, Router::new(self)) {
            (Some(_), Ok(router)) => Arc::new(Alerted(router)),
            (None, _) | (_, Err(_)) => Arc::new(Nobody),
        }
    }

    /// Resets that hand accounts to their baseline.
    pub fn reset(&self) -> Result<Reset, Unreadable> {
        Reset::new(self, Arc::new(Baseline::new(self)), self.people())
    }
}

/// Why the router could not be wired.
#[derive(Debug, thiserror::Error)]
pub enum Unwired {
    /// The environment names something wrong.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The catalogue of resets cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Forester {
    /// The router, with a ladder over the sandboxes where the file has one.
    pub fn router(&self) -> Result<Router, Unwired> {
        let router = Router::new(self)?;
        if self.config.alerts.as_ref().is_none_or(|alerts| alerts.ladder.is_none()) {
            return Ok(router);
        }
        Ok(router.with_ladder(Arc::new(self.sandboxes()?)))
    }

    /// The sandboxes, for the ladder.
    fn sandboxes(&self) -> Result<Ground, Unreadable> {
        let (accounts, machine) = (Arc::clone(&self.accounts), self.settings.machine.clone());
        Ok(Ground { reset: self.reset()?, accounts, machine })
    }

    /// The ladder, for whoever undoes what it did.
    pub fn ladder(&self) -> Result<Ladder, Unwired> {
        Ok(Router::new(self)?.ladder(Arc::new(self.sandboxes()?)))
    }
}

/// Where the ladder's steps are taken: by the guards and the policies of resets, and by their state machine.
struct Ground {
    reset: Reset,
    accounts: Arc<dyn Accounts>,
    machine: Option<String>,
}

impl Ground {
    /// Starts the state machine. An execution of this name that there is already is the one that was meant.
    async fn start(&self, machine: &Machine, account: &AccountId, name: &str) -> Result<(), CallError> {
        let scope = self.accounts.scope(&self.accounts.home().await?, &machine.region).await?;
        let input = json!({ "action": "reset", "account": account }).to_string();
        let params = json!({ "stateMachineArn": machine.arn, "name": name, "input": input });
        match scope.call("stepfunctions", "StartExecution", params).await {
            Err(error) if error.has_code("ExecutionAlreadyExists") => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}

/// The state machine of resets.
struct Machine {
    arn: String,
    region: Region,
}

impl Machine {
    fn named(arn: &str) -> Option<Self> {
        let region = arn.parse::<Arn>().ok()?.region().parse().ok()?;
        Some(Self { arn: arn.to_owned(), region })
    }
}

#[async_trait]
impl Sandboxes for Ground {
    async fn may(&self, account: &AccountId) -> Result<(), No> {
        self.reset.may_touch(account).await.map_err(|refusal| no(refusal.may_pass(), &refusal))
    }

    async fn freeze(&self, account: &AccountId, until: Timestamp, because: &str) -> Result<String, No> {
        let hold = self.reset.hold(account, until, because).await.map_err(|error| no(error.may_pass(), &error))?;
        let undo = format!("`forester alerts unfreeze {account}` lets people in again");
        Ok(format!("{hold}; {undo}"))
    }

    async fn unfreeze(&self, account: &AccountId) -> Result<bool, No> {
        Ok(self.reset.let_go(account).await.map_err(|error| no(error.may_pass(), &error))?.is_some())
    }

    async fn frozen(&self) -> Result<Vec<(AccountId, Timestamp)>, No> {
        let held = self.reset.held().await.map_err(|error| No::Later(error.to_string()))?;
        Ok(held.into_iter().map(|hold| (hold.account, hold.until)).collect())
    }

    async fn reset(&self, account: &AccountId, name: &str) -> Result<String, No> {
        let by_hand =
            || format!("FORESTER_RESET_MACHINE names no state machine; by hand: `forester reset run {account}`");
        let machine = self.machine.as_deref().and_then(Machine::named).ok_or_else(|| No::Refused(by_hand()))?;
        self.start(&machine, account, name).await.map_err(|error| no(error.may_pass(), &error))?;
        Ok(format!("the state machine empties it, as execution {name}"))
    }
}

fn no(may_pass: bool, why: &impl ToString) -> No {
    if may_pass { No::Later(why.to_string()) } else { No::Refused(why.to_string()) }
}

impl Baseline {
    async fn bring_now(&self, account: Account, forest: &Arc<Forest>) -> Result<Report, String> {
        let target = self.target(account, forest).await.map_err(|error| error.to_string())?;
        self.bring(target, Timestamp::now()).await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Baseliner for Baseline {
    async fn declared(&self, account: &AccountId) -> Result<Declared, String> {
        let kind = "AWS::IAM::Role".parse().map_err(|error| format!("{error}"))?;
        let key = "AWS::KMS::Key".parse().map_err(|error| format!("{error}"))?;
        let mut declared = Declared::default();
        let forest = self.forest().await.map_err(|error| error.to_string())?;
        for account in self.accounts_of(account).await.map_err(|error| error.to_string())? {
            let target = self.target(account, &forest).await.map_err(|error| error.to_string())?;
            let why = "the baseline declares it (layers in the file)";
            let reserve = |name| Reserved { kind: Clone::clone(&kind), name, why: why.to_owned() };
            declared.reserved.extend(declared_roles(&target).into_iter().map(reserve));
            let keys = self.declared_keys(&target).await.map_err(|error| error.to_string())?;
            let reserve = |name| Reserved { kind: Clone::clone(&key), name, why: why.to_owned() };
            declared.reserved.extend(keys.into_iter().map(reserve));
            for (kind, name) in declared_names(&target) {
                let kind = kind.parse().map_err(|error| format!("{error}"))?;
                declared.reserved.push(Reserved { kind, name, why: why.to_owned() });
            }
            let unwanted = match target.wanted.default_vpc {
                Some(DefaultVpc::DeleteIfUnused | DefaultVpc::Delete) => true,
                Some(DefaultVpc::Keep | DefaultVpc::Strip | DefaultVpc::Recreate) | None => false,
            };
            declared.no_default_vpc |= unwanted && target.enforce != Enforce::Observe;
        }
        Ok(declared)
    }

    async fn seen(&self, account: &AccountId) -> Result<Option<Handover>, String> {
        let ledgers = self.ledgers(account).await.map_err(|error| error.to_string())?;
        if ledgers.is_empty() {
            return Ok(None);
        }
        let told = |ledger: &Ledger| format!("{} {} at {}", ledger.name, ledger.state, ledger.at);
        let summary: Vec<String> = ledgers.iter().map(told).collect();
        let failed = ledgers.iter().flat_map(|ledger| ledger.failed.iter().cloned()).collect();
        Ok(Some(Handover { summary: summary.join(", "), failed }))
    }

    async fn holds(&self, account: &AccountId) -> Result<Option<String>, String> {
        let accounts = self.accounts_of(account).await.map_err(|error| error.to_string())?;
        let what = accounts.iter().find_map(|account| held(self.config(), account, &self.resolve(account)));
        Ok(what.map(str::to_owned))
    }

    async fn baseline(&self, account: &AccountId) -> Result<Handover, String> {
        let forest = self.forest().await.map_err(|error| error.to_string())?;
        let mut reports = Vec::new();
        for account in self.accounts_of(account).await.map_err(|error| error.to_string())? {
            reports.push(self.bring_now(account, &forest).await?);
        }
        if reports.is_empty() {
            return Err(format!("the organization does not hold account {account} any more"));
        }
        let sum = |count: fn(&Report) -> usize| reports.iter().map(count).sum::<usize>();
        let (done, skipped) = (sum(|report| report.done.len()), sum(|report| report.skipped.len()));
        let failed: Vec<String> = reports.iter().flat_map(Report::complaints).collect();
        let summary = format!("{done} steps done, {skipped} skipped, {} failed", failed.len());
        Ok(Handover { summary, failed })
    }
}

/// What the file puts into an account for others.
fn held(config: &Config, account: &Account, resolved: &Resolved) -> Option<&'static str> {
    let is = |word: &str| word == account.name || word == account.id.as_ref();
    let keeps = |trail: &Trail| trail.organization == Some(true) && trail.remove != Some(true);
    if resolved.wanted.trail.as_ref().is_some_and(keeps) {
        return Some("keeps the organization's trail (layers in the file)");
    }
    let mut admins = config.layers.iter().filter_map(|layer| layer.services.as_ref()?.admin.as_deref());
    if admins.any(is) {
        return Some("runs the organization's security services (services.admin in the file)");
    }
    config.is_home(account.subject()).then_some("is where people's identities live (identities.home in the file)")
}

/// Notices that are routed as alerts.
struct Alerted(Router);

/// What a letter of a reset is called among events.
const LETTER: &str = "Forester Reset";

/// The time that routing a notice may take.
const LIMIT: SignedDuration = SignedDuration::from_secs(30);

#[async_trait]
impl Notices for Alerted {
    async fn tell(&self, notice: &Notice) -> Result<bool, String> {
        let id = format!("{}-{}-{}", notice.rule, notice.account, Timestamp::now().as_second());
        self.0.route(id, "Forester Notice", &json!(notice)).await
    }
}

/// A file that is refused is told by the routes of the one that stays in force.
#[async_trait]
impl Told for Forester {
    async fn refused(&self, location: &str, mark: &str, problem: &str) -> Result<bool, String> {
        if self.config.alerts.is_none() {
            return Ok(false);
        }
        let router = Router::new(self).map_err(|error| error.to_string())?;
        let title = format!("{location} has a mistake: it is refused as a whole, and the last good one stays in force");
        let facts: Vec<&str> = problem.lines().filter(|line| !line.trim().is_empty()).collect();
        let detail = json!({ "kind": "configuration", "rule": "configuration-refused", "matter": mark, "title": title, "facts": facts });
        router.route(format!("configuration-{mark}"), "Forester Notice", &detail).await
    }
}

#[async_trait]
impl People for Alerted {
    async fn tell(&self, letter: &Letter) -> Result<bool, String> {
        let id = format!("{}-{}-{}", letter.rule, letter.account, letter.occasion);
        self.0.route(id, LETTER, &json!(letter)).await
    }
}

impl Router {
    /// Routes one of our own messages: in-process, as if it had come in.
    async fn route(&self, id: String, kind: &str, detail: &Value) -> Result<bool, String> {
        let now = Timestamp::now();
        let event = json!({ "source": "forester", "detail-type": kind, "time": now, "detail": detail });
        let deadline = now.checked_add(LIMIT).unwrap_or(now);
        let invocation = Invocation { request_id: id.clone(), started: now, deadline };
        let outcome = self.handle(&invocation, &Message::direct(id, event.to_string())).await;
        outcome.map(|_| true).map_err(|failure| failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Incoming, Severity, detect};

    #[test]
    fn letter_of_a_reset_arrives_as_it_was_written() {
        let letter = Letter {
            account: "555566667777".parse().unwrap(),
            rule: "reset-notice",
            occasion: "2027-01-17T02:00:00Z/7d".to_owned(),
            severity: Severity::Medium,
            title: "Sandbox sbx-ana (555566667777) will be emptied in 7 days".to_owned(),
            facts: vec![("goes".to_owned(), "AWS::SQS::Queue <b>".to_owned())],
            labels: vec![("notice", "7d".to_owned())],
            page: Some("s3://acme-receipts/resets/555566667777/notices/x.html".to_owned()),
        };
        let event =
            json!({ "source": "forester", "detail-type": LETTER, "time": "2027-01-10T02:30:00Z", "detail": letter });
        let message = Message::direct("m", event.to_string());
        let (source, alert) = detect(&Incoming::new(&message));
        assert_eq!((source.name(), alert.kind.as_str(), alert.severity), ("forester-reset", "reset", Severity::Medium));
        assert_eq!((alert.title.as_str(), alert.account), (letter.title.as_str(), Some(letter.account)));
        assert_eq!((alert.labels["rule"].as_str(), alert.labels["notice"].as_str()), ("reset-notice", "7d"));
        assert_eq!((alert.facts[0].name.as_str(), alert.facts[0].value.as_str()), ("goes", "AWS::SQS::Queue <b>"));
        assert_eq!(alert.links.len(), 1);
    }
}

//! The closing half: may the account be closed, is there room for it, is it closed.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::window::{Admission, Window};
use super::{Ending, Phase, Recreation, Reset, Step, lasted};
use crate::aws::{CallError, ErrorClass};
use crate::config::{Recreate, Sandbox};
use crate::org;
use crate::reset::book::Lock;
use crate::reset::engine::{EngineError, global_region};
use crate::reset::freeze::note;
use crate::reset::guard::{Gate, Refusal};
use crate::reset::scp::Organization;
use crate::reset::slice::{Order, SliceError, seconds};
use crate::reset::state::{Run, Stage};
use crate::store::{Item, Key, StoreError, When};
use crate::types::{AccountId, Region};

/// The partition of the runs that have closed their account and are not over.
const OPEN: &str = "recreations";

/// Looks at a closing account are so far apart.
const LOOK_AGAIN: u64 = 60;

/// A closing that has come back to life by then is asked for once more.
const REVIVED: SignedDuration = SignedDuration::from_mins(15);

/// What is bought for a term: how it is listed, and where its state is.
const COMMITMENTS: [(&str, &str, &str); 7] = [
    ("savingsplans", "DescribeSavingsPlans", "state"),
    ("ec2", "DescribeReservedInstances", "State"),
    ("elasticache", "DescribeReservedCacheNodes", "State"),
    ("memorydb", "DescribeReservedNodes", "State"),
    ("opensearch", "DescribeReservedInstances", "State"),
    ("rds", "DescribeReservedDBInstances", "State"),
    ("redshift", "DescribeReservedNodes", "State"),
];

/// The states in which nothing more is paid.
const PAID: [&str; 4] = ["retired", "returned", "payment-failed", "queued-deleted"];

impl Reset {
    /// Every guard, those of closing too; then what the successor needs is written down.
    pub(super) async fn look_before_closing(
        &self,
        rules: &Recreate,
        state: &mut Recreation,
        run: &mut Run,
    ) -> Result<Step, SliceError> {
        let refuse = |reason: String| Ok(Step::End(Ending::Refused(reason)));
        if !org::governs(&self.config) {
            return refuse("accounts can only be closed and made where there is an organization (`mode`)".to_owned());
        }
        self.guard().check(&run.account).await?;
        let failed = |error: CallError| SliceError::from(EngineError::Call(error));
        let Some(account) = self.directory.account(&run.account).await.map_err(failed)? else {
            return Err(Refusal::Unknown(run.account.clone()).into());
        };
        let age = account.joined.map(|joined| (self.clock)().duration_since(joined));
        match age {
            Some(age) if !age.is_negative() && age.unsigned_abs() >= rules.min_age.length() => {}
            Some(_) => {
                return refuse(format!("it is younger than `min_age`, which is {}", String::from(rules.min_age)));
            }
            None => return refuse("nobody says how old it is, and `min_age` cannot be kept".to_owned()),
        }
        if let Some(reason) = self.committed(rules, &run.account).await {
            return refuse(reason);
        }
        if rules.abandon_commitments {
            note(&mut run.remarks, "what is reserved in the account was not looked at (`abandon_commitments`)");
        }
        let organization = Organization::enter(&*self.accounts, &self.config.home_region).await.map_err(failed)?;
        let parents = organization.pages("ListParents", json!({ "ChildId": run.account })).await.map_err(failed)?;
        let Some(place) = parents.iter().find_map(|parent| parent.get("Id")?.as_str()) else {
            return refuse("the organization does not say which OU holds it".to_owned());
        };
        state.name = slot(&account.name, &account.id);
        (state.old_email, state.place, state.tags) = (account.email, place.to_owned(), account.tags);
        Ok(Step::To(Phase::Admission))
    }

    /// Why the account is not to be closed: something is bought in it for a term, or that cannot be told.
    async fn committed(&self, rules: &Recreate, account: &AccountId) -> Option<String> {
        if rules.abandon_commitments {
            return None;
        }
        let advice =
            "closing does not end what is paid for a term; set `abandon_commitments: true` to close all the same";
        match self.commitments(account).await {
            Ok(0) => None,
            Ok(n) => Some(format!("{n} reserved instances or savings plans are still paid for: {advice}")),
            Err(error) => Some(format!("it cannot be told whether something is bought for a term ({error}): {advice}")),
        }
    }

    async fn commitments(&self, account: &AccountId) -> Result<usize, CallError> {
        let mut found = 0;
        let global = global_region(&self.config.home_region);
        let answer = self.accounts.scope(account, &global).await?.call("ec2", "DescribeRegions", json!({})).await?;
        let listed = answer.get("Regions").and_then(Value::as_array).into_iter().flatten();
        let regions: Vec<Region> =
            listed.filter_map(|region| region.get("RegionName")?.as_str()?.parse().ok()).collect();
        for (service, operation, member) in COMMITMENTS {
            let places = if service == "savingsplans" { vec![global.clone()] } else { regions.clone() };
            for region in places {
                let scope = self.accounts.scope(account, &region).await?;
                let all = match scope.pages(service, operation, json!({})).await {
                    Err(error) if error.class == ErrorClass::Unavailable && region != global => continue,
                    all => all?,
                };
                // A state that is not known counts as paid for.
                let over =
                    |one: &&Value| one.get(member).and_then(Value::as_str).is_some_and(|state| PAID.contains(&state));
                found += all.len() - all.iter().filter(over).count();
            }
        }
        Ok(found)
    }

    /// A place among the closes of the last 30 days.
    pub(super) async fn admit(&self, rules: &Recreate, run: &Run) -> Result<Step, SliceError> {
        let limit = match rules.closes {
            Some(closes) => usize::try_from(closes).unwrap_or(usize::MAX),
            None => {
                let failed = |error: CallError| SliceError::from(EngineError::Call(error));
                let members = self.directory.forest().await.map_err(failed)?.members.len();
                (members / 5).clamp(250, 1_000)
            }
        };
        let now = (self.clock)();
        Ok(match Window(&*self.store).admit(&run.account, &run.id, limit, now).await? {
            Admission::Granted => Step::To(Phase::Closing),
            Admission::Busy => Step::Wait(LOOK_AGAIN),
            Admission::Full(until, reason) => {
                Step::End(Ending::Refused(format!("{reason}; the next one is possible at {until}")))
            }
        })
    }

    /// Every guard once more, and then the gate that deletes go through; nothing comes between that and the call.
    async fn let_through(
        &self,
        order: &Order,
        gate: &mut Gate<'_>,
        lock: &mut Lock,
    ) -> Result<Result<(), Refusal>, SliceError> {
        if let Err(refusal) = self.guard().check(&order.account).await {
            return Ok(Err(refusal));
        }
        // A closed account is in no list of what is due; this is how its run is found again.
        let key = open_key(&order.account);
        self.store.put(&key, json!({ "run": order.run }), None, When::Always).await?;
        self.book().renew(lock, order.deadline).await?;
        Ok(gate.pass(&Stage::Recreating).await)
    }

    /// Closes the account, if it is still open and every guard still says yes.
    pub(super) async fn close_account(
        &self,
        order: &Order,
        run: &mut Run,
        gate: &mut Gate<'_>,
        lock: &mut Lock,
    ) -> Result<Step, SliceError> {
        let (window, now) = (Window(&*self.store), (self.clock)());
        match self.state_of(&run.account).await? {
            None => return Ok(Step::To(Phase::Closed)),
            Some(state) if state == "ACTIVE" => {}
            Some(_) => return Ok(Step::To(Phase::Closed)),
        }
        let organization = self.organization().await?;
        if let Some(until) = gate.closed_until(now) {
            return Ok(Step::Wait(seconds(now, until)));
        }
        match self.let_through(order, gate, lock).await? {
            Ok(()) => {}
            Err(refusal) if refusal.may_pass() || matches!(refusal, Refusal::Stopped { .. }) => {
                return Err(refusal.into());
            }
            Err(refusal) => {
                window.withdraw(&run.account, false, now).await?;
                return Ok(Step::End(Ending::Refused(refusal.to_string())));
            }
        }
        let Err(error) = organization.call("CloseAccount", json!({ "AccountId": run.account })).await else {
            return Ok(Step::To(Phase::Closed));
        };
        if error.has_reason("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED") {
            return Ok(Step::Wait(5 * LOOK_AGAIN));
        }
        if error.has_code("ConflictException") || error.has_code("AccountAlreadyClosedException") || error.may_pass() {
            // The next look tells what it is.
            return Ok(Step::Wait(LOOK_AGAIN / 2));
        }
        let full = error.has_reason("CLOSE_ACCOUNT_QUOTA_EXCEEDED");
        window.withdraw(&run.account, full, now).await?;
        let reason = match full {
            true => "the organization has closed as many accounts in 30 days as AWS allows".to_owned(),
            false => format!("AWS does not close it: {error}"),
        };
        Ok(Step::End(Ending::Refused(reason)))
    }

    /// Waits until the account is closed.
    pub(super) async fn follow_close(&self, state: &Recreation, run: &mut Run) -> Result<Step, SliceError> {
        let now = (self.clock)();
        match self.state_of(&run.account).await?.as_deref() {
            None | Some("SUSPENDED" | "CLOSED") => {
                Window(&*self.store).closed(&run.account, now).await?;
                Ok(Step::To(Phase::Claiming))
            }
            Some("ACTIVE") if lasted(state, now) > REVIVED => Ok(Step::To(Phase::Closing)),
            Some("ACTIVE" | "PENDING_CLOSURE") => Ok(Step::Wait(LOOK_AGAIN)),
            Some(other) => {
                note(&mut run.notes, &format!("while it was closed the account was in the state {other}"));
                Ok(Step::Wait(5 * LOOK_AGAIN))
            }
        }
    }

    /// Runs that have closed their account and are not over.
    pub(in crate::reset) async fn half_done(&self) -> Result<Vec<(AccountId, String)>, StoreError> {
        let items = self.store.list(OPEN, "").await?;
        let told = |item: Item| {
            let run = item.body.get("run").and_then(Value::as_str)?.to_owned();
            Some((item.key.sort.parse().ok()?, run))
        };
        Ok(items.into_iter().filter_map(told).collect())
    }

    /// The run of the account is over.
    pub(in crate::reset) async fn all_done(&self, account: &AccountId) -> Result<(), StoreError> {
        self.store.delete(&open_key(account), When::Always).await
    }

    /// The guards of a run whose account may be closing: it need not be in use any more, and cannot be entered.
    pub(in crate::reset) async fn guard_closing(&self, account: &AccountId) -> Result<&Sandbox, Refusal> {
        let sandbox = self.guard().section()?;
        self.guard().plain(account).await?;
        Ok(sandbox)
    }

    /// The state of an account; none when the organization does not hold it any more.
    async fn state_of(&self, account: &AccountId) -> Result<Option<String>, SliceError> {
        let answer = match self.organization().await?.call("DescribeAccount", json!({ "AccountId": account })).await {
            Err(error) if error.is_gone() => return Ok(None),
            answer => answer.map_err(EngineError::Call)?,
        };
        let text = |member: &str| answer.pointer(member).and_then(Value::as_str).map(str::to_owned);
        Ok(Some(text("/Account/State").or_else(|| text("/Account/Status")).unwrap_or_default()))
    }

    pub(super) async fn organization(&self) -> Result<Organization, SliceError> {
        let entered = Organization::enter(&*self.accounts, &self.config.home_region).await;
        entered.map_err(|error| EngineError::Call(error).into())
    }
}

fn open_key(account: &AccountId) -> Key {
    Key::new(OPEN, account.as_ref())
}

/// The name without the id that tells a successor from its namesake in the file.
fn slot(name: &str, id: &AccountId) -> String {
    name.strip_suffix(&format!("-{id}")).unwrap_or(name).to_owned()
}

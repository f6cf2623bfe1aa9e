//! The creating half: an address, a request, and the new account in the place of the old one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Ending, Phase, Recreation, Reset, Step, lasted, names, overdue};
use crate::aws::CallError;
use crate::config::Recreate;
use crate::org::creation::advice;
use crate::reset::catalogue::path::text;
use crate::reset::engine::EngineError;
use crate::reset::freeze::note;
use crate::reset::scp::Organization;
use crate::reset::slice::SliceError;
use crate::reset::state::Run;
use crate::types::AccountId;

/// Looks at a request are so far apart; AWS makes most accounts within minutes.
const LOOK_AGAIN: u64 = 15;

/// How long a request is tried that AWS does not take: limits of a day pass in a day.
const PATIENCE: SignedDuration = SignedDuration::from_hours(30);

/// The tags by which a successor tells where it comes from.
const FOLLOWS: &str = "forester-successor-of";
const NAME: &str = "forester-name";

/// An account that is wanted.
pub(super) struct Wish<'a> {
    pub name: &'a str,
    pub email: &'a str,
    pub role: &'a str,
    pub tags: &'a BTreeMap<String, String>,
}

/// How its making stands.
pub(super) enum Made {
    /// It is there.
    There(AccountId),
    /// AWS works on it.
    Open,
    /// AWS could not, or would not now; the same again, later.
    Again(String),
    /// Somebody else has the address.
    Taken,
    /// It will not come about without a person.
    Never(String),
}

impl Reset {
    /// Chooses an address that nobody has, and writes it down before it is asked for.
    pub(super) async fn choose_address(&self, rules: &Recreate, state: &mut Recreation) -> Result<Step, SliceError> {
        let organization = self.organization().await?;
        let accounts = organization.pages("ListAccounts", json!({})).await.map_err(EngineError::Call)?;
        let mut taken: BTreeSet<String> = accounts.iter().filter_map(email).map(str::to_lowercase).collect();
        taken.extend(self.config.accounts.values().filter_map(|entry| entry.email.as_deref()).map(str::to_lowercase));
        match names::next(&*self.store, rules, &state.name, &taken).await? {
            Ok(address) => {
                (state.email, state.request) = (Some(address), None);
                Ok(Step::To(Phase::Making))
            }
            Err(problem) => Ok(Step::End(Ending::Incomplete(problem))),
        }
    }

    /// Asks for the successor, and follows its making.
    pub(super) async fn make(&self, state: &mut Recreation) -> Result<Step, SliceError> {
        let Some(address) = state.email.clone() else { return Ok(Step::To(Phase::Naming)) };
        let organization = self.organization().await?;
        let (name, tags) = (state.name.clone(), own_tags(&state.tags));
        let wish = Wish { name: &name, email: &address, role: self.entrance(), tags: &tags };
        let made = advance(&organization, &wish, &mut state.request).await.map_err(EngineError::Call)?;
        let late = lasted(state, (self.clock)()) > PATIENCE;
        Ok(match made {
            Made::There(successor) => {
                state.successor = Some(successor);
                Step::To(Phase::Settling)
            }
            Made::Open if late => {
                Step::End(Ending::Incomplete(format!("AWS has not made {name} <{address}> in a day")))
            }
            Made::Open => Step::Wait(LOOK_AGAIN),
            Made::Again(reason) if late => Step::End(Ending::Incomplete(reason)),
            Made::Again(_) => Step::Wait(8 * LOOK_AGAIN),
            Made::Taken => Step::To(Phase::Naming),
            Made::Never(reason) => Step::End(Ending::Incomplete(reason)),
        })
    }

    /// The role by which new accounts are entered.
    pub(super) fn entrance(&self) -> &str {
        self.config.access.role.rsplit('/').next().unwrap_or_default()
    }

    /// Gives the successor its tags and its place.
    pub(super) async fn settle(&self, state: &Recreation, run: &Run) -> Result<Step, SliceError> {
        let Some(successor) = &state.successor else { return Ok(Step::To(Phase::Naming)) };
        let organization = self.organization().await?;
        if let Some(reason) = self.not_ours(&organization, successor, state.email.as_deref()).await? {
            return Ok(Step::End(Ending::Incomplete(reason)));
        }
        let mut tags = own_tags(&state.tags);
        tags.insert(FOLLOWS.to_owned(), run.account.to_string());
        if state.pooled {
            tags.insert(NAME.to_owned(), state.name.clone());
        }
        let settled = async {
            tag(&organization, successor, &tags).await?;
            put_into(&organization, successor, &state.place).await
        };
        match settled.await {
            Ok(()) => Ok(Step::To(Phase::Awaiting)),
            Err(error) if error.may_pass() && lasted(state, (self.clock)()) < PATIENCE => Ok(Step::Wait(LOOK_AGAIN)),
            Err(error) => {
                let reason = format!("{successor} was made, and does not come to its place or its tags: {error}");
                Ok(Step::End(Ending::Incomplete(reason)))
            }
        }
    }

    /// Why an account is not one that was made here, whatever is written down: it is not the one of the address that was
    /// asked for, or the organization depends on it. Only what was made here is moved and tagged as a sandbox.
    pub(super) async fn not_ours(
        &self,
        organization: &Organization,
        account: &AccountId,
        address: Option<&str>,
    ) -> Result<Option<String>, SliceError> {
        if let Err(refusal) = self.guard().plain(account).await {
            return if refusal.may_pass() { Err(refusal.into()) } else { Ok(Some(refusal.to_string())) };
        }
        let answer = organization.call("DescribeAccount", json!({ "AccountId": account })).await;
        let answer = answer.map_err(EngineError::Call)?;
        let found = answer.get("Account").and_then(email);
        let same = found.zip(address).is_some_and(|(found, address)| found.eq_ignore_ascii_case(address));
        Ok((!same).then(|| {
            let (found, address) = (found.unwrap_or("no address"), address.unwrap_or("none"));
            format!("{account} has the address {found}, and the one that was asked for is {address}: it is left alone")
        }))
    }

    /// Waits for the baseline, which the account's birth sets off and which is not applied once more from here.
    pub(super) async fn await_baseline(
        &self,
        rules: &Recreate,
        state: &mut Recreation,
        run: &mut Run,
    ) -> Result<Step, SliceError> {
        let Some(successor) = state.successor.clone() else { return Ok(Step::To(Phase::Naming)) };
        let seen = self
            .baseliner
            .seen(&successor)
            .await
            .map_err(|reason| SliceError::from(EngineError::Baseline { account: successor.clone(), reason }))?;
        let held = seen.as_ref().is_some_and(|handover| handover.failed.is_empty());
        if !held && !overdue(rules, state, (self.clock)()) {
            return Ok(Step::Wait(2 * LOOK_AGAIN));
        }
        state.baselined = held;
        self.tell_successor(state, run);
        if !held {
            let how = seen
                .as_ref()
                .map_or_else(|| "was not seen".to_owned(), |seen| format!("is incomplete ({})", seen.summary));
            let within = String::from(rules.baseline_within);
            let advice = format!("look with `forester plan {successor}`");
            note(&mut run.notes, &format!("the baseline of {successor} {how} within {within}: {advice}"));
        }
        run.baseline = seen;
        Ok(Step::End(Ending::Done))
    }
}

/// Asks for an account that was not asked for, or looks at the request. Repeating it is harmless: an address belongs to
/// one account, and a request whose answer was lost is found again.
pub(super) async fn advance(
    organization: &Organization,
    wish: &Wish<'_>,
    request: &mut Option<String>,
) -> Result<Made, CallError> {
    let Some(id) = request.clone() else {
        return match known(organization, wish, request).await? {
            Some(made) => Ok(made),
            None => ask(organization, wish, request).await,
        };
    };
    let params = json!({ "CreateAccountRequestId": id });
    let status = match organization.call("DescribeCreateAccountStatus", params).await {
        Err(error) if error.is_gone() => {
            *request = None;
            return Ok(Made::Again("AWS does not know the request any more".to_owned()));
        }
        answer => answer?.get("CreateAccountStatus").cloned().unwrap_or_default(),
    };
    match text(&status, "State") {
        Some("IN_PROGRESS") => Ok(Made::Open),
        Some("SUCCEEDED") => match made_by(organization, &status, wish.email).await? {
            Whose::Ours(account) => Ok(Made::There(account)),
            Whose::Unclear => Ok(Made::Open),
            Whose::Another => {
                *request = None;
                Ok(Made::Again(format!("another account is called {}, too", wish.name)))
            }
        },
        _ => {
            *request = None;
            failed(organization, wish, text(&status, "FailureReason").unwrap_or("no reason given"), request).await
        }
    }
}

/// Whose account a request has made.
enum Whose {
    Ours(AccountId),
    Another,
    /// It is not known everywhere yet.
    Unclear,
}

async fn made_by(organization: &Organization, status: &Value, address: &str) -> Result<Whose, CallError> {
    let Some(id) = text(status, "AccountId") else { return Ok(Whose::Unclear) };
    let account = match organization.call("DescribeAccount", json!({ "AccountId": id })).await {
        Err(error) if error.is_gone() => return Ok(Whose::Unclear),
        answer => answer?.get("Account").cloned().unwrap_or_default(),
    };
    let ours = email(&account).is_some_and(|email| email.eq_ignore_ascii_case(address));
    Ok(match (ours, id.parse()) {
        (true, Ok(account)) => Whose::Ours(account),
        _ => Whose::Another,
    })
}

/// The account, or the request for it, when there is one: listed by its address, or told by a request of its name.
async fn known(
    organization: &Organization,
    wish: &Wish<'_>,
    request: &mut Option<String>,
) -> Result<Option<Made>, CallError> {
    if let Some(account) = held(organization, wish.email).await? {
        return Ok(Some(Made::There(account)));
    }
    let states = json!({ "States": ["IN_PROGRESS", "SUCCEEDED"] });
    let listed = organization.pages("ListCreateAccountStatus", states).await?;
    for status in listed.iter().filter(|status| text(status, "AccountName") == Some(wish.name)) {
        match text(status, "State") {
            Some("IN_PROGRESS") => {
                *request = text(status, "Id").map(str::to_owned);
                return Ok(Some(Made::Open));
            }
            Some("SUCCEEDED") => {
                if let Whose::Ours(account) = made_by(organization, status, wish.email).await? {
                    return Ok(Some(Made::There(account)));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

async fn ask(organization: &Organization, wish: &Wish<'_>, request: &mut Option<String>) -> Result<Made, CallError> {
    let tags: Vec<Value> = wish.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let params = json!({ "AccountName": wish.name, "Email": wish.email, "RoleName": wish.role, "Tags": tags });
    match organization.call("CreateAccount", params).await {
        Ok(answer) => {
            *request = answer.pointer("/CreateAccountStatus/Id").and_then(Value::as_str).map(str::to_owned);
            Ok(Made::Open)
        }
        Err(error) if error.has_reason("ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED") || error.may_pass() => {
            Ok(Made::Again(error.to_string()))
        }
        Err(error) => Ok(Made::Never(format!("AWS does not make {}: {error}", wish.name))),
    }
}

async fn failed(
    organization: &Organization,
    wish: &Wish<'_>,
    reason: &str,
    request: &mut Option<String>,
) -> Result<Made, CallError> {
    if reason == "EMAIL_ALREADY_EXISTS" {
        // An earlier request of ours may have it, whose answer was lost.
        return Ok(known(organization, wish, request).await?.unwrap_or(Made::Taken));
    }
    let (advice, may_pass) = advice(reason);
    let told = format!("AWS did not make {}: {reason}: {advice}", wish.name);
    Ok(if may_pass { Made::Again(told) } else { Made::Never(told) })
}

/// The account of the organization with this address.
async fn held(organization: &Organization, address: &str) -> Result<Option<AccountId>, CallError> {
    let accounts = organization.pages("ListAccounts", json!({})).await?;
    let ours = accounts.iter().find(|account| email(account).is_some_and(|email| email.eq_ignore_ascii_case(address)));
    Ok(ours.and_then(|account| account.get("Id")?.as_str()?.parse().ok()))
}

fn email(account: &Value) -> Option<&str> {
    account.get("Email")?.as_str()
}

/// Tags that can be given: those of AWS cannot, and those of a pool or an earlier succession do not pass on.
fn own_tags(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let ours = |key: &str| !key.to_lowercase().starts_with("aws:") && ![FOLLOWS, NAME].contains(&key);
    tags.iter().filter(|(key, _)| ours(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub(super) async fn tag(
    organization: &Organization,
    account: &AccountId,
    tags: &BTreeMap<String, String>,
) -> Result<(), CallError> {
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    organization.call("TagResource", json!({ "ResourceId": account, "Tags": tags })).await.map(|_| ())
}

/// Moves an account to an OU, unless it is there.
pub(super) async fn put_into(organization: &Organization, account: &AccountId, place: &str) -> Result<(), CallError> {
    let parents = organization.pages("ListParents", json!({ "ChildId": account })).await?;
    match parents.iter().find_map(|parent| parent.get("Id")?.as_str()) {
        Some(parent) if parent == place => Ok(()),
        Some(parent) => {
            let params = json!({ "AccountId": account, "SourceParentId": parent, "DestinationParentId": place });
            organization.call("MoveAccount", params).await.map(|_| ())
        }
        None => {
            let message = format!("{account} has no parent");
            Err(organization.error("ListParents", crate::aws::ErrorClass::Conflict, message))
        }
    }
}

//! Accounts that the file names and that do not exist: they are asked for, and their making is followed for a while.
//!
//! AWS takes the request and works on it, and an answer can be lost. So every look begins with the requests that AWS
//! remembers: one that is open is followed and not repeated, and a refusal because of the e-mail address is checked
//! against the organization's own accounts, since an earlier request of ours may have taken it. The new account's own
//! baseline does the rest.
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::organization_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, CallSite, ErrorClass, Scope};
use crate::config::AccountEntry;
use crate::org;
use crate::org::creation::{NO_ROOM, advice};
use crate::types::{AccountId, Region};

/// How many accounts AWS makes at a time
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>).
const IN_FLIGHT: usize = 5;

/// How often, and how long apart, one request is looked at before it is left to the next run.
const LOOKS: usize = 8;
const PAUSE: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_millis(1500) };

/// Accounts to come.
pub struct Vending;

/// A request that AWS remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The account's name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// When it was made.
    pub at: Timestamp,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// AWS works on it.
    Open,
    /// The account is there.
    Made(AccountId),
    /// It came to nothing, for this reason.
    Refused(String),
}

/// What can be done about accounts to come.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Asks for an account.
    CreateAccount {
        /// Its name.
        name: String,
        /// Its root user's e-mail address.
        email: String,
        /// The role by which it will be entered.
        role: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// Waits for a while until the account is there.
    FollowAccount {
        /// Its name.
        name: String,
        /// Its root user's e-mail address.
        email: String,
    },
}

/// The accounts of the file that the organization does not hold, with their addresses.
fn missing(target: &Target) -> Vec<(&str, &str, &AccountEntry)> {
    let members = &target.forest.members;
    let held = |name: &str, entry: &AccountEntry| {
        members.iter().any(|member| {
            entry.id.as_ref().map_or(member.name == name, |id| member.id == *id)
                || entry.id.is_none() && same_address(entry.email.as_deref(), member.email.as_deref())
        })
    };
    let absent = target.config.accounts.iter().filter(|(name, entry)| !held(name, entry));
    absent.map(|(name, entry)| (name.as_str(), entry.email.as_deref().unwrap_or_default(), entry)).collect()
}

/// An account that is called like one of the file and is not known to be it.
fn namesake<'a>(target: &'a Target, name: &str) -> Option<&'a AccountId> {
    let ids = target.forest.members.iter().filter(|member| member.name == org::namesake(name, &member.id));
    ids.map(|member| &member.id).next()
}

fn same_address(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
}

#[async_trait]
impl Aspect for Vending {
    const NAME: &'static str = "vending";
    /// The requests that are open, and those whose accounts are there although the forest did not show them yet.
    type Facts = Vec<Request>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        organization_if(target.is_management() && !missing(target).is_empty(), target)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Vec<Request>, CallError> {
        let names: Vec<&str> = missing(target).into_iter().map(|(name, ..)| name).collect();
        let mut seen = Vec::new();
        for request in requests(look, &["IN_PROGRESS", "SUCCEEDED"]).await? {
            match &request.state {
                State::Made(id) if names.contains(&request.name.as_str()) => {
                    // An account that left the organization, or is gone for good, can be made again.
                    let outcome = look.call("organizations", "DescribeAccount", json!({ "AccountId": id })).await;
                    match outcome {
                        Ok(_) => seen.push(request),
                        Err(error) if error.is_gone() => {}
                        Err(error) => return Err(error),
                    }
                }
                State::Open => seen.push(request),
                State::Made(_) | State::Refused(_) => {}
            }
        }
        Ok(seen)
    }

    fn plan(target: &Target, seen: &Vec<Request>) -> Planned<Action> {
        let mut planned = Planned::nothing();
        let mut follow = Vec::new();
        let mut open = seen.iter().filter(|request| request.state == State::Open).count();
        for (name, email, entry) in missing(target) {
            if let Some(id) = &entry.id {
                let problem =
                    format!("the organization does not hold {name} ({id}): invite it, or take it out of the file");
                planned.problems.push(problem);
                continue;
            }
            if let Some(other) = namesake(target, name) {
                planned.problems.push(format!(
                    "{other} is called {name} in the organization, but has another e-mail address than {name} in the \
                     file: if it is the same, give the entry its `id`; if not, rename one of them"
                ));
                continue;
            }
            let step = || Action::FollowAccount { name: name.to_owned(), email: email.to_owned() };
            match seen.iter().find(|request| request.name == name).map(|request| &request.state) {
                Some(State::Made(id)) => {
                    planned.waits.push((format!("the account {name}"), format!("AWS has just made it ({id})")));
                }
                Some(State::Open | State::Refused(_)) => follow.push(step()),
                None if open < IN_FLIGHT => {
                    open += 1;
                    planned.steps.push(Action::CreateAccount {
                        name: name.to_owned(),
                        email: email.to_owned(),
                        role: target.config.access.role.rsplit('/').next().unwrap_or_default().to_owned(),
                        tags: entry.tags.clone(),
                    });
                    follow.push(step());
                }
                None => {
                    let reason = format!("AWS makes {IN_FLIGHT} accounts at a time, and those come first");
                    planned.waits.push((format!("the account {name}"), reason));
                }
            }
        }
        planned.steps.extend(follow);
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::CreateAccount { name, email, role, tags } => {
                let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
                let params = json!({ "AccountName": name, "Email": email, "RoleName": role, "Tags": tags });
                match scope.call("organizations", "CreateAccount", params).await {
                    Ok(_) => Ok(Taken::Done),
                    Err(error) if error.has_code("ConstraintViolationException") => {
                        Err(StepError::lasting(error, NO_ROOM))
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Action::FollowAccount { name, email } => follow(scope, name, email).await,
        }
    }
}

/// Looks at the requests for an account until one has made it, all have failed, or the time is up.
async fn follow(scope: &Scope, name: &str, email: &str) -> Result<Taken, StepError> {
    let site = || CallSite::new("organizations", "CreateAccount", scope.account(), scope.region());
    for n in 0..LOOKS {
        if n > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let mut ours = requests(scope, &["IN_PROGRESS", "SUCCEEDED", "FAILED"]).await?;
        ours.retain(|request| request.name == name);
        if ours.iter().any(|request| request.state == State::Open) {
            continue;
        }
        return match ours.into_iter().max_by_key(|request| request.at).map(|request| request.state) {
            Some(State::Made(_)) => Ok(Taken::Done),
            Some(State::Refused(reason)) if reason == "EMAIL_ALREADY_EXISTS" && held(scope, email).await? => {
                Ok(Taken::AlreadySo)
            }
            Some(State::Refused(reason)) => Err(refused(site(), name, &reason)),
            Some(State::Open) | None => {
                let error = site().error(ErrorClass::Conflict, format!("AWS knows of no request for {name}"));
                let hint = "look at why it could not be asked for; the next run asks again".to_owned();
                Err(StepError { hint, ..error.into() })
            }
        };
    }
    let error = site().error(ErrorClass::Conflict, format!("AWS is still making {name}"));
    Err(StepError { hint: "nothing to do: the next run looks at the same request again".to_owned(), ..error.into() })
}

/// Whether an account of the organization has this address.
async fn held(scope: &Scope, email: &str) -> Result<bool, CallError> {
    let accounts = scope.pages("organizations", "ListAccounts", json!({})).await?;
    Ok(accounts.iter().any(|account| same_address(Some(email), account.get("Email").and_then(Value::as_str))))
}

async fn requests(scope: &Scope, states: &[&str]) -> Result<Vec<Request>, CallError> {
    let listed = scope.pages("organizations", "ListCreateAccountStatus", json!({ "States": states })).await?;
    Ok(listed.iter().filter_map(request).collect())
}

fn request(status: &Value) -> Option<Request> {
    let text = |member: &str| status.get(member).and_then(Value::as_str);
    let state = match text("State")? {
        "IN_PROGRESS" => State::Open,
        "SUCCEEDED" => State::Made(text("AccountId")?.parse().ok()?),
        _ => State::Refused(text("FailureReason").unwrap_or("no reason given").to_owned()),
    };
    let at = text("RequestedTimestamp").and_then(|at| at.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    Some(Request { name: text("AccountName")?.to_owned(), state, at })
}

fn refused(site: CallSite, name: &str, reason: &str) -> StepError {
    let (hint, may_pass) = advice(reason);
    let error = site.error(ErrorClass::Other, format!("AWS did not make {name}: {reason}"));
    StepError { cause: CallError { code: Some(reason.to_owned()), ..error }, hint: hint.to_owned(), may_pass }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateAccount { name, email, .. } => write!(f, "create the account {name} <{email}>"),
            Self::FollowAccount { name, .. } => write!(f, "wait for the account {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Report;
    use super::super::super::fake::{FakeMember, FakeOrganization};
    use super::super::super::world::World;
    use super::*;

    const FILE: &str = "accounts:\n  root: {id: \"111122223333\"}\n";

    fn management() -> AccountId {
        "111122223333".parse().unwrap()
    }

    /// An organization without any of these accounts.
    fn world(names: &[&str]) -> World {
        let account =
            |name: &&str| format!("  {name}: {{email: aws+{name}@acme.example, ou: Work, tags: {{kind: x}}}}\n");
        let accounts: String = names.iter().map(account).collect();
        World::organization(&format!("{FILE}{accounts}"), FakeOrganization::new(&management(), &["Work"]))
    }

    async fn apply(world: &World) -> Report {
        world.apply_to(&management()).await
    }

    fn asked(world: &World) -> Vec<String> {
        world.cloud.organization().requests.made.into_iter().map(|request| request.name).collect()
    }

    #[tokio::test]
    async fn missing_account_is_made_with_its_tags_and_the_role_that_enters_it() {
        let world = world(&["dev"]);
        world.cloud.reorganize(|organization| organization.requests.patience = 3);
        let report = apply(&world).await;
        assert!(report.is_clean(), "{report}");
        let request = world.cloud.organization().requests.made[0].clone();
        assert_eq!((request.role.as_str(), request.tags), ("Entrance", [("kind".to_owned(), "x".to_owned())].into()));
        world.cloud.writes();
        assert_eq!((apply(&world).await.steps, world.cloud.writes()), (vec![], vec![]));
    }

    #[tokio::test]
    async fn new_account_is_placed_by_its_own_baseline() {
        let world = world(&["dev"]);
        apply(&world).await;
        let id = world.cloud.organization().requests.made[0].outcome.clone().unwrap().unwrap();
        assert!(world.apply_to(&id).await.is_clean());
        assert_eq!(world.cloud.organization().members[&id].ou.as_ref(), "Work");
    }

    #[tokio::test]
    async fn slow_creation_is_followed_by_the_next_run_and_not_repeated() {
        let world = world(&["dev"]);
        world.cloud.reorganize(|organization| organization.requests.patience = LOOKS + 1);
        let report = apply(&world).await;
        assert!(report.failed[0].reason.contains("still making dev") && report.may_pass(), "{report}");
        assert!(apply(&world).await.is_clean());
        assert_eq!(asked(&world), ["dev"]);
    }

    #[tokio::test]
    async fn request_whose_answer_was_lost_does_not_make_two_accounts() {
        let world = world(&["dev"]);
        world.cloud.reorganize(|organization| organization.requests.patience = 2);
        world.cloud.fail("ListCreateAccountStatus", None, ErrorClass::Throttled, "Throttling");
        let account = world.baseline.directory().account(&management()).await.unwrap().unwrap();
        let forest = world.baseline.forest().await.unwrap();
        let target = world.baseline.target(account, &forest).await.unwrap();
        let plan = Vending::plan(&target, &Vec::new());
        world.cloud.heal();
        let place = Place::Organization;
        let scope = place.enter(&world.cloud, &management(), target.home()).await.unwrap();
        // The same request twice, as when the first answer does not arrive.
        Vending::take(&scope, &plan.steps[0]).await.unwrap();
        Vending::take(&scope, &plan.steps[0]).await.unwrap();
        assert_eq!(Vending::take(&scope, &plan.steps[1]).await.unwrap(), Taken::AlreadySo);
        assert_eq!(world.cloud.organization().members.len(), 2);
        assert!(apply(&world).await.is_clean());
    }

    #[tokio::test]
    async fn five_at_a_time_and_the_rest_waits() {
        let world = world(&["a", "b", "c", "d", "e", "f", "g"]);
        let report = apply(&world).await;
        assert_eq!((report.failed.len(), report.waiting.len()), (0, 2), "{report}");
        assert!(report.waiting[0].reason.contains("5 accounts at a time"), "{report}");
        assert!(apply(&world).await.is_clean());
        assert_eq!(asked(&world).len(), 7);
    }

    #[tokio::test]
    async fn address_that_a_stranger_has_is_for_a_person_to_change() {
        let world = world(&["dev", "qa"]);
        world.cloud.reorganize(|organization| {
            organization.requests.refusals.insert("dev".to_owned(), "EMAIL_ALREADY_EXISTS".to_owned());
        });
        let report = apply(&world).await;
        assert_eq!((report.failed.len(), report.may_pass()), (1, false), "{report}");
        assert!(report.failed[0].hint.contains("give the account another"), "{report}");
        assert_eq!(world.cloud.organization().members.len(), 2);
    }

    #[test]
    fn every_reason_has_an_advice_of_its_own() {
        for reason in [
            "ACCOUNT_LIMIT_EXCEEDED",
            "EMAIL_ALREADY_EXISTS",
            "INVALID_ADDRESS",
            "INVALID_EMAIL",
            "CONCURRENT_ACCOUNT_MODIFICATION",
            "INTERNAL_FAILURE",
            "GOVCLOUD_ACCOUNT_ALREADY_EXISTS",
            "MISSING_BUSINESS_VALIDATION",
            "FAILED_BUSINESS_VALIDATION",
            "PENDING_BUSINESS_VALIDATION",
            "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION",
            "UNKNOWN_BUSINESS_VALIDATION",
            "MISSING_PAYMENT_INSTRUMENT",
            "INVALID_PAYMENT_INSTRUMENT",
            "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED",
        ] {
            assert_ne!(advice(reason).0, advice("SOMETHING_NEW").0, "{reason}");
        }
    }

    #[tokio::test]
    async fn account_of_the_same_name_is_told_and_no_second_one_is_made() {
        let other: AccountId = "222233334444".parse().unwrap();
        let namesake = FakeMember::new(&org::namesake("dev", &other), "");
        let organization = FakeOrganization::new(&management(), &[]).with(&other, namesake);
        let world = World::organization(&format!("{FILE}  dev: {{email: aws+dev@acme.example}}\n"), organization);
        let report = apply(&world).await;
        assert!(report.errors[0].reason.contains("222233334444 is called dev"), "{report}");
        assert_eq!(asked(&world), Vec::<String>::new());
    }

    #[tokio::test]
    async fn account_with_an_id_that_is_not_there_is_invited_by_a_person() {
        let file = format!("{FILE}  old: {{id: \"999988887777\"}}\n");
        let world = World::organization(&file, FakeOrganization::new(&management(), &[]));
        let report = apply(&world).await;
        assert!(report.errors[0].reason.contains("invite it"), "{report}");
        assert_eq!(asked(&world), Vec::<String>::new());
    }

    #[tokio::test]
    async fn observed_organization_gets_no_accounts() {
        let file = format!(
            "{FILE}  dev: {{email: aws+dev@acme.example}}\nlayers:\n- {{match: {{all: true}}, enforce: observe}}\n"
        );
        let world = World::organization(&file, FakeOrganization::new(&management(), &[]));
        let report = apply(&world).await;
        assert!(
            report.skipped.iter().any(|skipped| skipped.step.summary.contains("create the account dev")),
            "{report}"
        );
        assert_eq!(asked(&world), Vec::<String>::new());
    }
}

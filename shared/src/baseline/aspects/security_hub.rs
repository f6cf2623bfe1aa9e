//! Security Hub in every governed region. In an organization the management account appoints an administrator region by
//! region; the administrator takes in the accounts there are, and has new ones come in by themselves.
//!
//! `AutoEnable` is about new accounts only, so that those there are already are taken in by name
//! (<https://docs.aws.amazon.com/securityhub/latest/userguide/accounts-orgs-auto-enable.html>); the management account
//! is left to itself. Under central configuration the policies of the hub decide, and nothing is changed here.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::services::{Part, appointed, await_appointment};
use super::{counted, list, texts};
use crate::aws::{CallError, CallSite, ErrorClass, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::{Service, Services};
use crate::org::AccountState;
use crate::types::{AccountId, Region};

/// `CreateMembers` takes 50 accounts
/// (<https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_CreateMembers.html>).
const AT_ONCE: usize = 50;

/// The hub.
pub struct SecurityHub;

/// What there is in a region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The administrators that the management account has appointed, where that matters.
    administrators: Vec<String>,
    enabled: bool,
    /// What the administrator has set up.
    organization: Option<Setup>,
    /// Whether Security Hub does not know yet that the account is its administrator.
    early: bool,
}

/// What an administrator has set up for the organization.
#[derive(Clone, Debug, Default, PartialEq)]
struct Setup {
    /// Whether policies of the hub decide instead.
    central: bool,
    /// Whether new accounts come in by themselves.
    automatic: bool,
    /// Which standards they get, sent back.
    standards: Option<String>,
    /// The accounts that are in.
    members: BTreeSet<String>,
}

/// What can be done about Security Hub.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Appoints the administrator.
    Appoint {
        /// The account.
        account: AccountId,
    },
    /// Switches it on, with AWS's default standards.
    Enable,
    /// Has new accounts come in by themselves.
    TakeInNew {
        /// Which standards they get, as it was.
        standards: Option<String>,
    },
    /// Takes in accounts that are there already.
    TakeIn {
        /// The accounts and their addresses.
        accounts: Vec<(AccountId, Option<String>)>,
    },
}

/// How the ARN of the hub ends in every account and region.
pub(super) const HUB: &str = "default";

pub(super) fn pick(services: &Services) -> Option<Service> {
    services.securityhub
}

#[async_trait]
impl Aspect for SecurityHub {
    const NAME: &'static str = "security-hub";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        Part::of(target, pick).regions(target, enabled)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        let part = Part::of(target, pick);
        let mut facts = Facts::default();
        if part.runs || part.appoints.is_some() {
            facts.administrators = appointed(look, target, "securityhub", "AccountId").await?;
        }
        if part.own {
            facts.enabled = match look.call("securityhub", "DescribeHub", json!({})).await {
                Err(error) if is_off(&error) => false,
                answer => answer.map(|_| true)?,
            };
        }
        if part.runs && facts.enabled && facts.appointed(&target.account.id) {
            match Setup::read(look).await {
                // "Account … is not an administrator for this organization", for a while after it was appointed.
                Err(error) if error.has_code("InvalidAccessException") => facts.early = true,
                setup => facts.organization = Some(setup?),
            }
        }
        Ok(facts)
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let part = Part::of(target, pick);
        let mut planned = Planned::nothing();
        if let Some(account) = &part.appoints {
            match facts.administrators.iter().find(|other| *other != account.as_ref()) {
                Some(other) => planned.problems.push(format!(
                    "{other} administers Security Hub here, and the file says {account}: remove the one, or name it"
                )),
                None if !facts.appointed(account) => planned.steps.push(Action::Appoint { account: account.clone() }),
                None => {}
            }
        }
        if part.own && !facts.enabled {
            planned.steps.push(Action::Enable);
        }
        if facts.early {
            let why = "Security Hub takes a while to know the administrator it was given".to_owned();
            planned.waits.push(("Security Hub of the organization".to_owned(), why));
        } else if part.runs && facts.appointed(&target.account.id) {
            let fresh = Setup::default();
            facts.organization.as_ref().unwrap_or(&fresh).plan(target, &mut planned);
        } else if part.runs {
            await_appointment(&mut planned, target, "Security Hub of the organization");
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (operation, params) = match action {
            Action::Appoint { account } => ("EnableOrganizationAdminAccount", json!({ "AdminAccountId": account })),
            Action::Enable => ("EnableSecurityHub", json!({ "EnableDefaultStandards": true })),
            Action::TakeInNew { standards } => {
                let mut params = json!({ "AutoEnable": true });
                if let (Some(standards), Value::Object(params)) = (standards, &mut params) {
                    params.insert("AutoEnableStandards".to_owned(), standards.clone().into());
                }
                ("UpdateOrganizationConfiguration", params)
            }
            Action::TakeIn { accounts } => return take_in(scope, accounts).await,
        };
        match scope.call("securityhub", operation, params).await {
            // It is on, or appointed, already.
            Err(error) if error.has_code("ResourceConflictException") => Ok(Taken::AlreadySo),
            outcome => Ok(outcome.map(|_| Taken::Done).map_err(too_early)?),
        }
    }
}

/// For a while after Security Hub was switched on, or given its administrator, it knows nothing of either.
fn too_early(error: CallError) -> StepError {
    match error.has_code("InvalidAccessException") {
        true => {
            let hint = "Security Hub, or its administrator, is not known here yet; the next run tries again".to_owned();
            StepError { cause: error, hint, may_pass: true }
        }
        false => error.into(),
    }
}

impl Facts {
    fn appointed(&self, account: &AccountId) -> bool {
        self.administrators.iter().any(|administrator| administrator == account.as_ref())
    }
}

/// Whoever asks before Security Hub is on is told that the access is invalid
/// (<https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_DescribeHub.html>).
fn is_off(error: &CallError) -> bool {
    error.has_code("InvalidAccessException") || error.is_gone()
}

impl Setup {
    async fn read(scope: &Scope) -> Result<Self, CallError> {
        let set = scope.call("securityhub", "DescribeOrganizationConfiguration", json!({})).await?;
        let members = scope.pages("securityhub", "ListMembers", json!({ "OnlyAssociated": false })).await?;
        Ok(Self {
            central: set.pointer("/OrganizationConfiguration/ConfigurationType") == Some(&"CENTRAL".into()),
            automatic: set.get("AutoEnable") == Some(&true.into()),
            standards: set.get("AutoEnableStandards").and_then(Value::as_str).map(str::to_owned),
            members: texts(&members, "AccountId").into_iter().collect(),
        })
    }

    fn plan(&self, target: &Target, planned: &mut Planned<Action>) {
        if self.central {
            let reason = "central configuration is on: its policies decide which accounts have it".to_owned();
            planned.kept.push(("Security Hub of the organization".to_owned(), reason));
            return;
        }
        if !self.automatic {
            planned.steps.push(Action::TakeInNew { standards: self.standards.clone() });
        }
        let missing = target.forest.members.iter().filter(|member| {
            member.state == AccountState::Active
                && member.id != target.account.id
                && !target.forest.is_management(&member.id)
                && !self.members.contains(member.id.as_ref())
        });
        let missing: Vec<_> = missing.map(|member| (member.id.clone(), member.email.clone())).collect();
        let batches = missing.chunks(AT_ONCE).map(|some| Action::TakeIn { accounts: some.to_vec() });
        planned.steps.extend(batches);
    }
}

async fn take_in(scope: &Scope, accounts: &[(AccountId, Option<String>)]) -> Result<Taken, StepError> {
    let details = accounts.iter().map(|(account, email)| match email {
        Some(email) => json!({ "AccountId": account, "Email": email }),
        None => json!({ "AccountId": account }),
    });
    let params = json!({ "AccountDetails": details.collect::<Vec<_>>() });
    let answer = scope.call("securityhub", "CreateMembers", params).await.map_err(too_early)?;
    let left = list(&answer, "UnprocessedAccounts");
    if left.is_empty() {
        return Ok(Taken::Done);
    }
    let told: Vec<String> = left.iter().map(Value::to_string).collect();
    let site = CallSite::new("securityhub", "CreateMembers", scope.account(), scope.region());
    let cause = site.error(ErrorClass::Other, format!("not taken in: {}", told.join(", ")));
    let hint = "the reasons are AWS's own; the next run tries these accounts again".to_owned();
    Err(StepError { cause, hint, may_pass: true })
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appoint { account } => write!(f, "make {account} the administrator of Security Hub"),
            Self::Enable => f.write_str("switch Security Hub on, with the default standards"),
            Self::TakeInNew { .. } => f.write_str("have new accounts come into Security Hub by themselves"),
            Self::TakeIn { accounts } => write!(f, "take {} into Security Hub", counted(accounts.len(), "account")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorClass;
    use crate::baseline::fake::FakeMember;
    use crate::baseline::world::{World, audit, id, management};

    const OWN: &str = "- {match: {all: true}, services: {securityhub: auto}}";

    fn forest() -> World {
        World::served("securityhub: auto", &[(id(), FakeMember::new("dev", "Workloads"))])
    }

    #[tokio::test]
    async fn account_on_its_own_has_a_hub() {
        let world = World::fresh(OWN);
        assert!(world.apply().await.is_clean());
        world.cloud.writes();
        assert!(world.apply().await.is_clean());
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn hub_switched_on_meanwhile_is_no_failure() {
        let world = World::fresh(OWN);
        let prepared = world.prepare().await;
        world.apply().await;
        assert!(world.take(&prepared).await.is_clean());
    }

    #[tokio::test]
    async fn administrator_takes_in_the_accounts_there_are_and_those_to_come() {
        let world = forest();
        assert_eq!(world.apply_to(&audit()).await.waiting[0].on, Some(management()));
        for account in [management(), audit(), audit()] {
            assert_eq!(world.apply_to(&account).await.complaints(), Vec::<String>::new());
        }
        let hubs = world.cloud.account(&audit()).hubs;
        let hub = hubs.values().next().unwrap();
        assert!(hub.automatic && hub.members.contains(&id()) && hub.members.len() == 1, "{hub:?}");
        world.apply_to(&id()).await;
        world.cloud.writes();
        for account in [management(), audit(), id()] {
            assert!(world.apply_to(&account).await.is_clean());
        }
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn administrator_that_security_hub_does_not_know_yet_comes_again() {
        let world = forest();
        assert!(world.apply_to(&management()).await.is_clean());
        for operation in ["DescribeOrganizationConfiguration", "UpdateOrganizationConfiguration", "CreateMembers"] {
            world.cloud.fail(operation, None, ErrorClass::Denied, "InvalidAccessException");
        }
        // At first the hub is not on, and then it is.
        let first = world.apply_to(&audit()).await;
        assert!(!first.failed.is_empty() && first.may_pass(), "{first}");
        let second = world.apply_to(&audit()).await;
        assert!(second.may_pass() && second.waiting[0].reason.contains("takes a while"), "{second}");
        world.cloud.heal();
        assert!(world.apply_to(&audit()).await.is_clean());
        let hubs = world.cloud.account(&audit()).hubs;
        assert!(hubs.values().all(|hub| hub.automatic && hub.members.contains(&id())), "{hubs:?}");
    }

    #[tokio::test]
    async fn central_configuration_is_left_alone() {
        let world = forest();
        for account in [audit(), management()] {
            world.apply_to(&account).await;
        }
        world.cloud.change(&audit(), |account| account.hubs.values_mut().for_each(|hub| hub.central = true));
        world.cloud.writes();
        let report = world.apply_to(&audit()).await;
        assert!(report.skipped.iter().any(|left| left.reason.contains("central configuration")), "{report}");
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }
}

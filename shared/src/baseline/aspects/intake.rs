//! Intake: a new account waits in an OU under a policy that lets nobody but us work, until it is guarded.
//!
//! AWS puts a new account into the root. Only an account that was never held and that came within the last day is moved
//! from there, and only one whose place the file knows: whatever else lies in the root was put there by somebody, and may
//! be worked in.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;

use super::super::aspect::organization_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::unit;
use crate::aws::{CallError, Scope};
use crate::config::QuarantineUntil;
use crate::types::{AccountId, OuId, OuPath, Region};

/// The quarantine of a new account.
pub struct Intake;

/// What can be done about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Moves the account into the OU where it waits.
    Quarantine {
        /// The account.
        account: AccountId,
        /// Where it is.
        from: OuId,
        /// Where it waits.
        to: OuId,
        /// The path of that.
        ou: OuPath,
    },
}

/// Whether a layer says that the account waits until it is guarded.
pub(super) fn declared(target: &Target) -> bool {
    target.wanted.quarantine_until == Some(QuarantineUntil::Guarded) && !target.is_management()
}

/// Whether nobody works in the account yet. One that is adopted after a longer life would be shut down by quarantine.
fn new(target: &Target) -> bool {
    target.newcomer && target.arriving
}

/// Whether the account, found in `holder`, has to be moved into quarantine first.
pub(super) fn due(target: &Target, holder: &OuId) -> bool {
    let root = target.forest.organization.as_ref().and_then(|found| found.units.get(&OuPath::default()));
    let elsewhere =
        target.entry.ou.as_ref().is_some_and(|ou| !ou.is_root() && *ou != target.config.organization.intake);
    declared(target) && new(target) && elsewhere && root == Some(holder)
}

#[async_trait]
impl Aspect for Intake {
    const NAME: &'static str = "intake";
    /// The root or the OU that holds the account.
    type Facts = OuId;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        organization_if(declared(target) && new(target) && target.lies(OuPath::is_root), target)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<OuId, CallError> {
        unit::holder(look, &target.account.id).await
    }

    fn plan(target: &Target, holder: &OuId) -> Planned<Action> {
        let Some(organization) = target.forest.organization.as_ref().filter(|_| due(target, holder)) else {
            return Planned::nothing();
        };
        let ou = target.config.organization.intake.clone();
        match organization.units.get(&ou) {
            Some(to) => {
                let (account, from, to) = (target.account.id.clone(), holder.clone(), to.clone());
                Planned::steps(vec![Action::Quarantine { account, from, to, ou }])
            }
            None => Planned::awaits(format!("its quarantine in {}", unit::called(&ou)), &organization.management),
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::Quarantine { account, from, to, .. } = action;
        unit::moved(scope, account, from, to).await
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Quarantine { ou, .. } = self;
        write!(f, "quarantine the account in {}", unit::called(ou))
    }
}

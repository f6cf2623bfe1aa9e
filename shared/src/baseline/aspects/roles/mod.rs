//! IAM roles: one engine that reads, plans and writes roles, and the aspect of those that layers declare.
//!
//! The other aspects that make roles (mirrored ones, those of pipelines and of OIDC providers) only say which roles
//! they want. The trust document is compared as a document: decoded, with lists of one and lists in another order
//! counted as equal. Our statements carry a `Sid`, so that a change replaces them, and under `additive` the statements
//! of others stay. A principal that was deleted shows as `AROA…`, which is a difference and is mended.

mod action;
mod model;
mod plan;
mod read;
mod take;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{deploy_roles, identities, oidc};
use crate::aws::{CallError, Scope};
use crate::types::Region;
pub use action::Action;
pub(super) use action::short;
pub use model::{Found, Role, Wishes};
pub(super) use model::{Trust, lets_in, policies, policy};
pub(super) use plan::{plan, removal};
pub(super) use read::{observe, read};
pub(super) use take::take;

/// The names of all roles that the file declares for an account, whichever aspect makes them.
pub fn names(target: &Target) -> BTreeSet<String> {
    let aspects =
        [wishes(target), identities::wishes(target), deploy_roles::wishes(target, None), oidc::wishes(target)];
    aspects.into_iter().flat_map(Wishes::into_keys).collect()
}

/// The declared roles.
pub struct Roles;

/// The roles that the layers declare, as they are called in the account.
fn wishes(target: &Target) -> Wishes {
    let declared = target.wanted.roles.iter().flatten();
    declared.map(|(name, role)| (target.labelled(name), model::declared(target, name, role))).collect()
}

#[async_trait]
impl Aspect for Roles {
    const NAME: &'static str = "roles";
    const GUARD: bool = true;
    type Facts = Found;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.roles.as_ref().is_some_and(|roles| !roles.is_empty()))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Found, CallError> {
        observe(look, target.strict(), &wishes(target)).await
    }

    fn plan(target: &Target, seen: &Found) -> Planned<Action> {
        plan(target, wishes(target), seen)
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        take(scope, action).await
    }
}

//! Mirrored roles: for each group that comes into an account, a role that only the home account may assume.
//!
//! A role that Forester made for a group that may no longer come in is removed, also under `additive`: it is Forester's
//! own, and a denial that leaves the door open would be none. What somebody else made under such a name stays and is
//! told.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::roles::{self, Action, Found, Role, Trust, Wishes};
use crate::aws::{CallError, Scope};
use crate::baseline::aspect::global_if;
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target, Unmet};
use crate::config;
use crate::types::Region;

/// The roles of the groups that come in.
pub struct MirrorRoles;

/// What an account has of mirrored roles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The wanted ones.
    found: Found,
    /// Others that carry the prefix.
    others: Found,
}

/// The mark on what this aspect made.
const MARK: (&str, &str) = ("forester", "mirror-roles");

/// The mirrored roles of an account.
pub(in crate::baseline::aspects) fn wishes(target: &Target) -> Wishes {
    let Some(mirror) = &target.wanted.mirror_roles else { return Wishes::new() };
    let groups = target.config.mirrored(target.account.subject(), &target.wanted);
    groups.into_iter().map(|(group, policy)| (named(target, mirror, group), role(target, mirror, &policy))).collect()
}

fn named(target: &Target, mirror: &config::MirrorRoles, group: &str) -> String {
    target.labelled(&format!("{}{group}", mirror.prefix()))
}

fn role(target: &Target, mirror: &config::MirrorRoles, policy: &str) -> Result<Role, Unmet> {
    let home = target.config.identities.as_ref().map_or("", |identities| identities.home.as_str());
    let home = target.expect(home, "people live there (`identities.home`)")?;
    let trust = Trust { mfa: mirror.mfa != Some(false), ..Trust::account(target, &home) };
    Ok(Role {
        trust: trust.document(),
        policies: [roles::policy(target, policy)?].into(),
        boundary: mirror.boundary.as_ref().map(|boundary| roles::policy(target, boundary)).transpose()?,
        session: mirror.session_hours.map(|hours| u64::from(hours) * 3600),
        tags: [(MARK.0.to_owned(), MARK.1.to_owned())].into(),
        ..Role::default()
    })
}

#[async_trait]
impl Aspect for MirrorRoles {
    const NAME: &'static str = "mirror-roles";
    const GUARD: bool = true;
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        let declared = target.wanted.mirror_roles.is_some() && target.config.identities.is_some();
        global_if(declared && !target.config.is_home(target.account.subject()))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        let wishes = wishes(target);
        let found = roles::observe(look, target.strict(), &wishes).await?;
        let prefix = target.wanted.mirror_roles.as_ref().map(|mirror| target.labelled(mirror.prefix()));
        let mut others = Found::new();
        for role in look.pages("iam", "ListRoles", json!({ "MaxItems": 1000 })).await? {
            let name = role.get("RoleName").and_then(Value::as_str).unwrap_or_default();
            let ours = prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix)) && !wishes.contains_key(name);
            if let (true, Some(role)) = (ours, roles::read(look, name, true).await?) {
                others.insert(name.to_owned(), role);
            }
        }
        Ok(Facts { found, others })
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let mut planned = roles::plan(target, wishes(target), &facts.found);
        let Some(mirror) = &target.wanted.mirror_roles else { return planned };
        let groups = target.config.identities.iter().flat_map(|identities| identities.groups.keys());
        let of_groups: Vec<String> = groups.map(|group| named(target, mirror, group)).collect();
        for (name, role) in &facts.others {
            let ours = role.tags.get(MARK.0).is_some_and(|mark| mark == MARK.1);
            if ours && target.config.owner_of_role(name).is_none() {
                planned.steps.push(roles::removal(name, role));
            } else if of_groups.contains(name) {
                let reason = format!(
                    "its group does not come in here, but the role lacks the tag {}: remove it by hand if nothing else needs it",
                    MARK.0
                );
                planned.kept.push((format!("role {name}"), reason));
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        roles::take(scope, action).await
    }
}

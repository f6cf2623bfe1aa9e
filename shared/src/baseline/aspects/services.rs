//! Who does what for a service that runs in a whole organization: the management account appoints an administrator, the
//! administrator sets the service up for everybody, and each account has it for itself. Not an aspect: what the aspects
//! of these services share.

use serde_json::json;

use super::texts;
use crate::aws::CallError;
use crate::baseline::aspect::regions_if;
use crate::baseline::{Look, Place, Planned, Target};
use crate::config::{Service, Services};
use crate::types::{AccountId, Region};

/// One of the services in the file.
pub(super) type Pick = fn(&Services) -> Option<Service>;

/// What an account does for a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Part {
    /// The account that it appoints, as the management account.
    pub appoints: Option<AccountId>,
    /// Whether it runs the service for the organization.
    pub runs: bool,
    /// Whether it has the service for itself.
    pub own: bool,
}

impl Part {
    /// The part of the target's account in the service that `pick` picks.
    pub(super) fn of(target: &Target, pick: Pick) -> Self {
        let account = &target.account.id;
        let wanted = target.wanted.services.as_ref().and_then(pick);
        let admin = administrator(target);
        let layers = || target.config.layers.iter().filter_map(|layer| layer.services.as_ref());
        let anywhere = layers().any(|services| pick(services) == Some(Service::Auto));
        let appoints = anywhere && target.forest.is_management(account);
        Self {
            runs: wanted == Some(Service::Auto) && admin.as_ref() == Some(account),
            own: matches!(wanted, Some(Service::Auto | Service::Account)),
            appoints: admin.filter(|_| appoints),
        }
    }

    /// The governed regions that the account has enabled, if it has a part at all.
    pub(super) fn regions(&self, target: &Target, enabled: &[Region]) -> Vec<Place> {
        let governed = target.config.regions.govern.iter().filter(|region| enabled.contains(region));
        regions_if(self.own || self.appoints.is_some(), governed)
    }
}

/// The account that runs services for the organization; none where there is no organization or no such account (yet).
pub(super) fn administrator(target: &Target) -> Option<AccountId> {
    target.forest.organization.as_ref()?;
    let mut services = target.config.layers.iter().filter_map(|layer| layer.services.as_ref());
    target.account_of(services.find_map(|services| services.admin.as_deref())?)
}

/// The administrators that the management account has appointed for a service that keeps the list itself, region by
/// region; none where there is no organization. `member` is what it calls an administrator's id.
pub(super) async fn appointed(
    look: &Look<'_>,
    target: &Target,
    service: &str,
    member: &str,
) -> Result<Vec<String>, CallError> {
    let Some(organization) = &target.forest.organization else { return Ok(Vec::new()) };
    let management = look.elsewhere(&organization.management, look.region()).await?;
    let found = management.pages(service, "ListOrganizationAdminAccounts", json!({})).await?;
    Ok(texts(&found, member))
}

/// Adds that `what` needs the management account to appoint this one first.
pub(super) fn await_appointment<A>(planned: &mut Planned<A>, target: &Target, what: &str) {
    let Some(organization) = &target.forest.organization else { return };
    match organization.management == target.account.id {
        true => planned.waits.push((what.to_owned(), "this run appoints the account, the next one goes on".to_owned())),
        false => planned.awaits.push((what.to_owned(), organization.management.clone())),
    }
}

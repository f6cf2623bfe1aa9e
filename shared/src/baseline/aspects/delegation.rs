//! What lets another account than the management account run a service for the organization: trusted access, and a
//! delegated administrator. Not an aspect: a part of the aspects of the services that are run so
//! (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services.html>).

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::texts;
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::{Look, StepError, Taken, Target};
use crate::types::AccountId;

/// What the organization says of a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delegation {
    /// Whether the service may work in the organization.
    pub trusted: bool,
    /// The accounts that administer it.
    administrators: BTreeSet<String>,
}

/// What can be done about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets the service work in the organization.
    TrustService {
        /// Its principal.
        service: &'static str,
    },
    /// Makes an account the service's administrator.
    Delegate {
        /// The service's principal.
        service: &'static str,
        /// The account.
        account: AccountId,
    },
}

impl Delegation {
    /// Reads it; `scope` may ask Organizations.
    pub(super) async fn read(scope: &Scope, service: &str) -> Result<Self, CallError> {
        let trusted = scope.pages("organizations", "ListAWSServiceAccessForOrganization", json!({})).await?;
        let trusted = texts(&trusted, "ServicePrincipal").iter().any(|principal| principal == service);
        if !trusted {
            return Ok(Self::default());
        }
        let params = json!({ "ServicePrincipal": service });
        let administrators = scope.pages("organizations", "ListDelegatedAdministrators", params).await?;
        Ok(Self { trusted, administrators: texts(&administrators, "Id").into_iter().collect() })
    }

    /// Reads it for an account other than the management account; nothing where there is no organization.
    pub(super) async fn from_within(look: &Look<'_>, target: &Target, service: &str) -> Result<Self, CallError> {
        let Some(organization) = &target.forest.organization else { return Ok(Self::default()) };
        let scope = look.elsewhere(&organization.management, &target.partition().organizations()).await?;
        Self::read(&scope, service).await
    }

    /// Whether `account` may run the service for the organization.
    pub(super) fn lets(&self, account: &AccountId, target: &Target) -> bool {
        self.trusted && (target.forest.is_management(account) || self.administrators.contains(account.as_ref()))
    }

    /// What makes `account` the administrator of `service`.
    pub(super) fn steps(&self, service: &'static str, account: &AccountId, target: &Target) -> Vec<Action> {
        let mut steps = Vec::new();
        if !self.trusted {
            steps.push(Action::TrustService { service });
        }
        if !target.forest.is_management(account) && !self.administrators.contains(account.as_ref()) {
            steps.push(Action::Delegate { service, account: account.clone() });
        }
        steps
    }
}

/// Takes one step, as the management account.
pub(super) async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
    let outcome = match action {
        Action::TrustService { service } => {
            scope.call("organizations", "EnableAWSServiceAccess", json!({ "ServicePrincipal": service })).await
        }
        Action::Delegate { service: CLOUDTRAIL, account } => {
            // CloudTrail's own call also makes the service-linked role that an organization trail needs.
            let params = json!({ "MemberAccountId": account });
            scope.call("cloudtrail", "RegisterOrganizationDelegatedAdmin", params).await
        }
        Action::Delegate { service, account } => {
            let params = json!({ "AccountId": account, "ServicePrincipal": service });
            scope.call("organizations", "RegisterDelegatedAdministrator", params).await
        }
    };
    match outcome {
        Err(error) if error.class == ErrorClass::Exists => Ok(Taken::AlreadySo),
        outcome => Ok(outcome.map(|_| Taken::Done)?),
    }
}

/// CloudTrail's principal.
pub(super) const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrustService { service } => write!(f, "let {service} work in the organization"),
            Self::Delegate { service, account } => write!(f, "make {account} the administrator of {service}"),
        }
    }
}

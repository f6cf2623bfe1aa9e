//! AWS Organizations, read: the calls that the directory makes, every list to its last page.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html>

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_organizations::config::Builder;
use aws_sdk_organizations::{Client, types};
use jiff::Timestamp;

use super::{Accounts, CallError, CallSite, ErrorClass, Sdk, failed};
use crate::types::{AccountId, OuId, Region};

/// An account as a list tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: AccountId,
    /// Its name in Organizations.
    pub name: String,
    /// Its root user's e-mail address.
    pub email: Option<String>,
    /// `State`, or the older `Status` where there is none.
    pub state: String,
    /// When it came into the organization.
    pub joined: Option<Timestamp>,
}

/// The organization itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its id (`o-exampleorgid`).
    pub id: String,
    /// Its management account.
    pub management: AccountId,
}

/// What the directory asks Organizations.
#[async_trait]
pub trait Organizations: Send + Sync {
    /// The root that holds every OU.
    async fn root(&self) -> Result<OuId, CallError>;

    /// The OUs directly below a root or an OU, with their names.
    async fn units(&self, parent: &OuId) -> Result<Vec<(OuId, String)>, CallError>;

    /// The accounts directly in a root or an OU.
    async fn accounts_in(&self, parent: &OuId) -> Result<Vec<Listed>, CallError>;

    /// Every account, without saying where it is.
    async fn accounts(&self) -> Result<Vec<Listed>, CallError>;

    /// One account; `None` when the organization does not hold it.
    async fn account(&self, id: &AccountId) -> Result<Option<Listed>, CallError>;

    /// The root or the OU that holds an account or an OU.
    async fn parent(&self, child: &str) -> Result<OuId, CallError>;

    /// The name of an OU.
    async fn unit_name(&self, unit: &OuId) -> Result<String, CallError>;

    /// The tags of an account.
    async fn tags(&self, id: &AccountId) -> Result<BTreeMap<String, String>, CallError>;

    /// The organization itself.
    async fn organization(&self) -> Result<Described, CallError>;

    /// Every account that a service's administration was delegated to.
    async fn delegated(&self) -> Result<Vec<AccountId>, CallError>;
}

/// The typed client behind the port.
pub struct OrganizationsClient {
    client: Client,
    accounts: Arc<dyn Accounts>,
    region: Region,
}

impl OrganizationsClient {
    /// A client with the credentials of the home account; `region` is what errors name.
    pub fn new(sdk: &Sdk, accounts: Arc<dyn Accounts>, region: Region) -> Self {
        let config = Builder::from(sdk.config()).interceptor(sdk.counter()).build();
        Self { client: Client::from_conf(config), accounts, region }
    }

    /// Which call an error is about.
    async fn site(&self, operation: &str) -> Result<CallSite, CallError> {
        Ok(CallSite::new("organizations", operation, &self.accounts.home().await?, &self.region))
    }
}

/// Sends a paginated operation to its last page and yields the pages.
macro_rules! pages {
    ($self:ident, $operation:literal, $request:expr) => {{
        let pages = $request.into_paginator().send().try_collect().await;
        let site = $self.site($operation).await?;
        pages.map_err(|error| failed(site, error))?
    }};
}

/// Sends one call and yields the site, for what may be wrong with the answer, and the answer.
macro_rules! once {
    ($self:ident, $operation:literal, $request:expr) => {{
        let answer = $request.send().await;
        let site = $self.site($operation).await?;
        (site.clone(), answer.map_err(|error| failed(site, error)))
    }};
}

#[async_trait]
impl Organizations for OrganizationsClient {
    async fn root(&self) -> Result<OuId, CallError> {
        let pages = pages!(self, "ListRoots", self.client.list_roots());
        let id = pages.iter().flat_map(|page| page.roots()).find_map(|root| root.id()?.parse().ok());
        let site = self.site("ListRoots").await?;
        id.ok_or_else(|| site.error(ErrorClass::Other, "the organization has no root"))
    }

    async fn units(&self, parent: &OuId) -> Result<Vec<(OuId, String)>, CallError> {
        let request = self.client.list_organizational_units_for_parent().parent_id(parent.to_string());
        let pages = pages!(self, "ListOrganizationalUnitsForParent", request);
        let unit = |unit: &types::OrganizationalUnit| Some((unit.id()?.parse().ok()?, unit.name()?.to_owned()));
        Ok(pages.iter().flat_map(|page| page.organizational_units()).filter_map(unit).collect())
    }

    async fn accounts_in(&self, parent: &OuId) -> Result<Vec<Listed>, CallError> {
        let request = self.client.list_accounts_for_parent().parent_id(parent.to_string());
        let pages = pages!(self, "ListAccountsForParent", request);
        Ok(pages.iter().flat_map(|page| page.accounts()).filter_map(listed).collect())
    }

    async fn accounts(&self) -> Result<Vec<Listed>, CallError> {
        let pages = pages!(self, "ListAccounts", self.client.list_accounts());
        Ok(pages.iter().flat_map(|page| page.accounts()).filter_map(listed).collect())
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Listed>, CallError> {
        let (_, answer) = once!(self, "DescribeAccount", self.client.describe_account().account_id(id.to_string()));
        match answer {
            Ok(answer) => Ok(answer.account().and_then(listed)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn parent(&self, child: &str) -> Result<OuId, CallError> {
        let (site, answer) = once!(self, "ListParents", self.client.list_parents().child_id(child));
        let parent = answer?.parents().iter().find_map(|parent| parent.id()?.parse().ok());
        parent.ok_or_else(|| site.error(ErrorClass::Other, format!("{child} has no parent")))
    }

    async fn unit_name(&self, unit: &OuId) -> Result<String, CallError> {
        let request = self.client.describe_organizational_unit().organizational_unit_id(unit.to_string());
        let (site, answer) = once!(self, "DescribeOrganizationalUnit", request);
        let name = answer?.organizational_unit().and_then(|unit| unit.name().map(str::to_owned));
        name.ok_or_else(|| site.error(ErrorClass::Other, format!("{unit} has no name")))
    }

    async fn tags(&self, id: &AccountId) -> Result<BTreeMap<String, String>, CallError> {
        let request = self.client.list_tags_for_resource().resource_id(id.to_string());
        let pages = pages!(self, "ListTagsForResource", request);
        let tag = |tag: &types::Tag| (tag.key().to_owned(), tag.value().to_owned());
        Ok(pages.iter().flat_map(|page| page.tags()).map(tag).collect())
    }

    async fn organization(&self) -> Result<Described, CallError> {
        let (site, answer) = once!(self, "DescribeOrganization", self.client.describe_organization());
        let answer = answer?;
        let described = answer.organization().and_then(|found| {
            Some(Described { id: found.id()?.to_owned(), management: found.master_account_id()?.parse().ok()? })
        });
        described.ok_or_else(|| site.error(ErrorClass::Other, "the organization does not name its management account"))
    }

    async fn delegated(&self) -> Result<Vec<AccountId>, CallError> {
        let request = self.client.list_delegated_administrators();
        let pages = pages!(self, "ListDelegatedAdministrators", request);
        let site = self.site("ListDelegatedAdministrators").await?;
        let administrators = pages.iter().flat_map(|page| page.delegated_administrators());
        // One that is left out here would be taken for an account like any other.
        let told = administrators.map(|found| found.id().unwrap_or_default().parse());
        told.collect::<Result<_, crate::types::Malformed>>()
            .map_err(|malformed| site.error(ErrorClass::Other, format!("a delegated administrator: {malformed}")))
    }
}

/// `State` tells more than `Status`, which AWS is withdrawing.
fn listed(account: &types::Account) -> Option<Listed> {
    let state = account.state().map(types::AccountState::as_str);
    let status = account.status().map(types::AccountStatus::as_str);
    Some(Listed {
        id: account.id()?.parse().ok()?,
        name: account.name().unwrap_or_default().to_owned(),
        email: account.email().map(str::to_owned),
        state: state.or(status).unwrap_or_default().to_owned(),
        joined: account.joined_timestamp().and_then(|at| Timestamp::from_second(at.secs()).ok()),
    })
}

//! Who a share is for, in the words of the services that take it.
//!
//! In an organization an OU is named once and stands for every account below it, so that a new account needs no call.
//! Elsewhere each account is named.

use std::collections::BTreeSet;

use super::super::Target;
use crate::config::OuPattern;
use crate::org::{AccountState, Member};
use crate::types::{AccountId, Arn, OuPath, Region};

/// Whether the account is the one that `word` of the file means.
pub(super) fn is(target: &Target, word: &str) -> bool {
    // Where several names share an account, each of them does what the file asks of that name.
    let named = target.label.is_empty() || target.account.name == word || target.account.id.as_ref() == word;
    named && target.account_of(word).as_ref() == Some(&target.account.id)
}

/// The governed regions that the account has enabled.
pub(super) fn regions<'a>(target: &'a Target, enabled: &'a [Region]) -> impl Iterator<Item = &'a Region> {
    target.config.regions.govern.iter().filter(|region| enabled.contains(region))
}

/// The OUs as principals, or the accounts but for the target itself. The root is named by the whole organization,
/// because no service takes the ARN of a root as a principal.
pub(super) fn principals(target: &Target, to: &OuPattern) -> Result<BTreeSet<String>, String> {
    let Some(organization) = &target.forest.organization else { return Ok(texts(accounts(target, to))) };
    let units = organization.topmost(to);
    let arn = |path: &OuPath| match path.is_root() {
        true => Some(Arn::organizations(
            target.partition(),
            &organization.management,
            &format!("organization/{}", organization.id),
        )),
        false => organization.arn(path, target.partition()),
    };
    match units.is_empty() {
        true => Err(nowhere(to)),
        false => Ok(texts(units.into_iter().filter_map(|(path, _)| arn(path)))),
    }
}

/// The accounts in and below the OUs but for the target itself.
pub(super) fn accounts<'a>(target: &'a Target, to: &'a OuPattern) -> impl Iterator<Item = &'a AccountId> {
    covered(target, to).map(|member| &member.id)
}

/// Those of the accounts that are in use.
pub(super) fn active<'a>(target: &'a Target, to: &'a OuPattern) -> impl Iterator<Item = &'a AccountId> {
    covered(target, to).filter(|member| member.state == AccountState::Active).map(|member| &member.id)
}

fn covered<'a>(target: &'a Target, to: &'a OuPattern) -> impl Iterator<Item = &'a Member> {
    target.forest.members.iter().filter(|member| to.covers(&member.ou) && member.id != target.account.id)
}

/// The OUs as the paths of `aws:PrincipalOrgPaths`, each with all that is below it; `None` without an organization.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgpaths>
pub(super) fn paths(target: &Target, to: &OuPattern) -> Result<Option<BTreeSet<String>>, String> {
    let Some(organization) = &target.forest.organization else { return Ok(None) };
    let units = organization.topmost(to);
    let path = |to: &OuPath| {
        // The units are in the order of their paths, so that those above an OU come from the root down.
        let above = organization.units.iter().filter(|(path, _)| to.is_below(path) || to == *path);
        let ids: Vec<&str> = above.map(|(_, unit)| unit.as_ref()).collect();
        format!("{}/{}/*", organization.id, ids.join("/"))
    };
    match units.is_empty() {
        true => Err(nowhere(to)),
        false => Ok(Some(units.into_iter().map(|(to, _)| path(to)).collect())),
    }
}

/// The accounts and OUs of a list of principals, counted.
pub(super) fn counted(principals: &BTreeSet<String>) -> String {
    let accounts = principals.iter().filter(|principal| !principal.starts_with("arn:")).count();
    let whole = principals.iter().any(|principal| principal.contains(":organization/"));
    match (whole, principals.len() - accounts, accounts) {
        (true, ..) => "the organization".to_owned(),
        (_, 0, accounts) => super::counted(accounts, "account"),
        (_, units, 0) => super::counted(units, "OU"),
        (_, units, accounts) => {
            format!("{} and {}", super::counted(units, "OU"), super::counted(accounts, "account"))
        }
    }
}

pub(super) fn nowhere(to: &OuPattern) -> String {
    format!("no OU of the organization fits `{to}`")
}

fn texts(items: impl Iterator<Item = impl ToString>) -> BTreeSet<String> {
    items.map(|item| item.to_string()).collect()
}

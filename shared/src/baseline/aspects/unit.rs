//! OUs and the accounts in them: the calls that several aspects make.

use serde_json::{Value, json};

use super::super::{StepError, Taken};
use crate::aws::{CallError, CallSite, ErrorClass, Scope};
use crate::types::{AccountId, OuId, OuPath};

/// The root or the OU that holds an account now.
pub(super) async fn holder(scope: &Scope, account: &AccountId) -> Result<OuId, CallError> {
    let parents = scope.pages("organizations", "ListParents", json!({ "ChildId": account })).await?;
    let parent = parents.iter().find_map(|parent| parent.get("Id")?.as_str()?.parse().ok());
    parent.ok_or_else(|| {
        let site = CallSite::new("organizations", "ListParents", scope.account(), scope.region());
        site.error(ErrorClass::Other, format!("{account} has no parent"))
    })
}

/// Moves an account. Where somebody moved it meanwhile, it is moved on from there
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html>).
pub(super) async fn moved(scope: &Scope, account: &AccountId, from: &OuId, to: &OuId) -> Result<Taken, StepError> {
    match move_once(scope, account, from, to).await {
        Err(error) if error.has_code("SourceParentNotFoundException") => {
            let now = holder(scope, account).await?;
            if now == *to {
                return Ok(Taken::AlreadySo);
            }
            Ok(move_once(scope, account, &now, to).await?)
        }
        outcome => Ok(outcome?),
    }
}

async fn move_once(scope: &Scope, account: &AccountId, from: &OuId, to: &OuId) -> Result<Taken, CallError> {
    let params = json!({ "AccountId": account, "SourceParentId": from, "DestinationParentId": to });
    match scope.call("organizations", "MoveAccount", params).await {
        Ok(_) => Ok(Taken::Done),
        Err(error) if error.has_code("DuplicateAccountException") => Ok(Taken::AlreadySo),
        Err(error) => Err(error),
    }
}

/// The root or the OU at a path, looked for from the root down; `None` when there is none.
pub(super) async fn at(scope: &Scope, path: &OuPath) -> Result<Option<OuId>, CallError> {
    let mut at = identified(scope.pages("organizations", "ListRoots", json!({})).await?, |_| true);
    for name in path.as_ref().split('/').filter(|name| !name.is_empty()) {
        let Some(parent) = at else { return Ok(None) };
        let params = json!({ "ParentId": parent });
        let units = scope.pages("organizations", "ListOrganizationalUnitsForParent", params).await?;
        at = identified(units, |unit| unit.get("Name").and_then(Value::as_str) == Some(name));
    }
    Ok(at)
}

fn identified(found: Vec<Value>, meant: impl Fn(&Value) -> bool) -> Option<OuId> {
    found.iter().filter(|unit| meant(unit)).find_map(|unit| unit.get("Id")?.as_str()?.parse().ok())
}

/// An error for a path at which nothing is, although something was just made there or had been.
pub(super) fn nowhere(scope: &Scope, operation: &str, path: &OuPath) -> StepError {
    let site = CallSite::new("organizations", operation, scope.account(), scope.region());
    site.error(ErrorClass::Conflict, format!("{} is not there", called(path))).into()
}

/// `the root`, `the OU Workloads/Prod`.
pub(super) fn called(path: &OuPath) -> String {
    if path.is_root() { "the root".to_owned() } else { format!("the OU {path}") }
}

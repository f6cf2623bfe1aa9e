//! Whether a new account answers yet.
//!
//! The services of a new account wake one by one, region by region, within minutes to hours. A ladder of cheap reads
//! tells how far it has come: the identity, IAM, the regions, then EC2 in each region. Nobody waits here: what is not
//! awake is told, and asked for again later.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::observe::side_by_side;
use crate::aws::{Accounts, CallError, ErrorClass, Scope};
use crate::types::{AccountId, Region};

/// How many regions are asked at the same time.
const AT_ONCE: usize = 24;

/// The lowest rungs: without them nothing in the account can be looked at.
pub async fn account(home: &Scope) -> Result<(), CallError> {
    home.call("sts", "GetCallerIdentity", json!({})).await?;
    home.call("iam", "GetAccountSummary", json!({})).await?;
    Ok(())
}

/// The regions that are not awake yet, each with AWS's answer. A region that answers anything else is for the aspects
/// to judge.
pub async fn asleep(accounts: &dyn Accounts, account: &AccountId, regions: &[Region]) -> BTreeMap<Region, CallError> {
    let rungs = regions.iter().map(|region| rung(accounts, account, region).boxed()).collect();
    side_by_side(AT_ONCE, rungs).await.into_iter().flatten().collect()
}

async fn rung(accounts: &dyn Accounts, account: &AccountId, region: &Region) -> Option<(Region, CallError)> {
    match asked(accounts, account, region).await {
        Err(error) if error.class == ErrorClass::NotReady => Some((region.clone(), error)),
        Ok(_) | Err(_) => None,
    }
}

async fn asked(accounts: &dyn Accounts, account: &AccountId, region: &Region) -> Result<Value, CallError> {
    accounts.scope(account, region).await?.call("ec2", "DescribeVpcs", json!({ "MaxResults": 5 })).await
}

//! Whether the organization may have more accounts than it has.
//!
//! Service Quotas knows that of the management account, in us-east-1. Codes of quotas may change, so this one is looked
//! for by its name. Closed accounts count until they are gone for good; open invitations count as well, and are not
//! looked at here (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>).

use forester::aws::{CallError, Scope};
use forester::org::{Account, AccountState};
use forester::types::AccountId;
use serde_json::{Value, json};

use super::finding::Finding;

const NAME: &str = "Default maximum number of accounts";

/// Compares the accounts that there are with how many there may be; `organization` is the account `home` in us-east-1.
pub async fn of_accounts(organization: &Scope, home: &AccountId, accounts: &[Account]) -> Finding {
    let used = accounts.iter().filter(|account| account.state != AccountState::Closed).count();
    match limit(organization, home).await {
        Ok(limit) => judged(used, limit),
        Err(error) => Finding::unknown("the organization may have more accounts", &error),
    }
}

/// How many accounts there may be; nothing where only somebody else can tell.
async fn limit(organization: &Scope, home: &AccountId) -> Result<Option<f64>, CallError> {
    let described = organization.call("organizations", "DescribeOrganization", json!({})).await?;
    if described.pointer("/Organization/MasterAccountId") != Some(&json!(home)) {
        return Ok(None);
    }
    match organization.pages("service-quotas", "ListServiceQuotas", json!({ "ServiceCode": "organizations" })).await {
        Ok(quotas) => Ok(named(&quotas)),
        // Service Quotas does not have Organizations there.
        Err(error) if error.has_code("NoSuchResourceException") => Ok(None),
        Err(error) => Err(error),
    }
}

/// The value of the quota, if it is among them.
fn named(quotas: &[Value]) -> Option<f64> {
    let is_it = |quota: &&Value| quota["QuotaName"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(NAME));
    quotas.iter().find(is_it)?["Value"].as_f64()
}

/// What that means for the next account.
fn judged(used: usize, limit: Option<f64>) -> Finding {
    let Some(limit) = limit else {
        let hint = format!(
            "how many there may be was not looked at: the management account's Service Quotas tells (`{NAME}`)"
        );
        return Finding { hint, ..Finding::ok(format_args!("{used} accounts are in the organization")) };
    };
    let count = u32::try_from(used).map_or(f64::INFINITY, f64::from);
    let what = format!("the organization may have more accounts ({used} of {limit})");
    let ask = format!("ask Service Quotas in us-east-1 for more of `{NAME}`");
    match count {
        full if full >= limit => Finding::missing(
            what,
            format_args!("none can be made or invited: {ask}; a closed account counts until it is gone for good"),
        ),
        much if much >= 0.9 * limit => Finding {
            hint: format!("few are left, and open invitations take of them: {ask} in time"),
            ..Finding::ok(what)
        },
        _ => Finding::ok(what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    fn check(used: usize, limit: Option<f64>, state: State, words: &str) {
        let finding = judged(used, limit);
        assert_eq!(finding.state, state, "{finding}");
        assert!(finding.to_string().contains(words), "{finding}");
        let is_quiet = state == State::Ok && !words.contains("are left") && limit.is_some();
        assert_eq!(finding.hint.is_empty(), is_quiet, "{finding}");
    }

    #[test]
    fn an_organization_that_is_full_or_nearly_is_told_in_time() {
        check(4, Some(10.0), State::Ok, "(4 of 10)");
        check(8, Some(10.0), State::Ok, "(8 of 10)");
        check(9, Some(10.0), State::Ok, "few are left");
        check(10, Some(10.0), State::Missing, "none can be made");
        check(11, Some(10.0), State::Missing, "(11 of 10)");
    }

    #[test]
    fn what_was_not_looked_at_is_said() {
        check(4, None, State::Ok, "was not looked at");
    }

    #[test]
    fn the_quota_is_found_by_its_name() {
        let quota = |name: &str, value: f64| json!({ "QuotaName": name, "QuotaCode": "L-00000000", "Value": value });
        let age = quota("Minimum age for removal of created accounts", 7.0);
        assert_eq!(named(&[age.clone(), quota("Default maximum number of accounts", 50.0)]), Some(50.0));
        assert_eq!(named(&[age]), None);
    }
}

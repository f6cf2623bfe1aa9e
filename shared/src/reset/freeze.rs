//! While an account is reset nobody else works in it: what people and programs make meanwhile would have to be deleted
//! again, and the two scans would never be quiet.
//!
//! That an account is frozen is written down before it is done and struck out after it is undone. So whoever comes after
//! a crash, the next slice or the next look at what is due, knows that there may be something to undo; undoing what was
//! never done is no harm.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::book::Book;
use super::engine::{EngineError, global_region};
use super::guard::Refusal;
use super::scp::Organization;
use super::slice::{Reset, SliceError};
use super::state::{End, Run};
use crate::aws::CallError;
use crate::config::{Freeze, Sandbox};
use crate::org;
use crate::store::{Key, StoreError, When};
use crate::types::AccountId;

/// The partition of all freezes.
const FREEZES: &str = "freezes";

/// A run that nobody has driven for so long keeps nobody out any more.
const ABANDONED: SignedDuration = SignedDuration::from_hours(24);

/// Services that act by a role that was given to them, run nobody's code under it, and need it to let go of what they
/// made. Lambda, EC2 and containers are not among them: their roles belong to the programs that are to stop.
const TIDY: [&str; 14] = [
    "autoscaling",
    "backup",
    "batch",
    "cloudformation",
    "codedeploy",
    "dlm",
    "ecs",
    "eks",
    "elasticbeanstalk",
    "elasticmapreduce",
    "fsx",
    "globalaccelerator",
    "servicecatalog",
    "spotfleet",
];

/// That an account is frozen, or about to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Frozen {
    run: String,
    policy: String,
    since: Timestamp,
}

impl Reset {
    /// Freezes the account of the run, as far as the file asks for it; says in the run's notes where it could not be done.
    pub(super) async fn freeze(&self, sandbox: &Sandbox, run: &mut Run) -> Result<(), SliceError> {
        if sandbox.freeze == Freeze::Off {
            return Ok(());
        }
        if !org::governs(&self.config) {
            let message = "the account was not frozen: without an organization there is no policy that could do it";
            if sandbox.freeze == Freeze::Required {
                run.finish(End::Refused(format!("`freeze: required`, and {message}")), (self.clock)());
            }
            note(&mut run.remarks, message);
            return Ok(());
        }
        let (policy, left_out) = match self.spared_roles(&run.account).await {
            Ok(roles) => self.config.freeze_policy_that_fits(&run.account, roles),
            Err(error) => return self.unfrozen(sandbox, run, &error),
        };
        if left_out > 0 {
            let message = format!("{left_out} roles of AWS services had no room in the freeze and are bound by it");
            note(&mut run.remarks, &message);
        }
        let frozen = Frozen { run: run.id.clone(), policy: policy.name.clone(), since: (self.clock)() };
        self.store.put(&key(&run.account), json!(frozen), None, When::Always).await?;
        let imposed = async {
            let organization = Organization::enter(&*self.accounts, &self.config.home_region).await?;
            organization.impose(&policy, &run.account).await
        };
        match imposed.await {
            Ok(()) => Ok(()),
            Err(error) => self.unfrozen(sandbox, run, &error),
        }
    }

    /// Without a freeze the run goes on, unless the file requires one.
    fn unfrozen(&self, sandbox: &Sandbox, run: &mut Run, error: &CallError) -> Result<(), SliceError> {
        let what = match error.has_reason("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED") {
            true => "it has as many service control policies as AWS allows; put some of them on its OU".to_owned(),
            false => error.to_string(),
        };
        match sandbox.freeze {
            Freeze::Required if error.may_pass() => Err(EngineError::Call(error.clone()).into()),
            Freeze::Required => {
                run.finish(
                    End::Refused(format!("`freeze: required`, and the account cannot be frozen: {what}")),
                    (self.clock)(),
                );
                Ok(())
            }
            Freeze::Try | Freeze::Off => {
                note(&mut run.remarks, &format!("the account was not frozen: {what}"));
                Ok(())
            }
        }
    }

    /// The roles of the account that only services of AWS act by that have to let go of something.
    pub(super) async fn spared_roles(&self, account: &AccountId) -> Result<Vec<String>, CallError> {
        let scope = self.accounts.scope(account, &global_region(&self.config.home_region)).await?;
        let roles = scope.pages("iam", "ListRoles", json!({})).await?;
        let linked = |arn: &str| arn.contains(":role/aws-service-role/");
        let spared = roles.iter().filter(|role| is_tidy(role.get("AssumeRolePolicyDocument").unwrap_or(&Value::Null)));
        let spared = spared.filter_map(|role| role.get("Arn")?.as_str()).filter(|arn| !linked(arn));
        Ok(spared.map(str::to_owned).collect())
    }

    /// Lets everybody in again. What could not be undone is told, stays written down, and is tried again later.
    pub(super) async fn thaw(&self, account: &AccountId) -> Result<Option<String>, StoreError> {
        let key = key(account);
        let Some(item) = self.store.get(&key).await? else { return Ok(None) };
        let frozen: Frozen = item.read()?;
        let lift = async {
            let organization = Organization::enter(&*self.accounts, &self.config.home_region).await?;
            organization.lift(&frozen.policy, account, true).await
        };
        if let Err(error) = lift.await {
            tracing::warn!(account.id = %account, %error, "account {account} is still frozen: {error}");
            return Ok(Some(format!(
                "the account is still frozen, and the next run tries again to lift that; by hand: detach the policy {} \
                 from it ({error})",
                frozen.policy
            )));
        }
        match self.store.delete(&key, When::Version(item.version)).await {
            // Somebody froze it anew meanwhile, and undoes that.
            Ok(()) | Err(StoreError::Lost { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lifts what runs left behind that are over, or that nobody drives any more.
    pub(super) async fn thaw_left_over(&self) -> Result<(), StoreError> {
        let (book, now): (Book<'_>, Timestamp) = (self.book(), (self.clock)());
        for item in self.store.list(FREEZES, "").await? {
            let frozen: Frozen = item.read()?;
            let head = book.head(&frozen.run).await?;
            let since = head.as_ref().map_or(frozen.since, |head| head.updated.max(frozen.since));
            let over = head.is_some_and(|head| head.end.is_some() && head.receipt.is_some());
            if let (true, Ok(account)) = (over || now.duration_since(since) > ABANDONED, item.key.sort.parse()) {
                self.thaw(&account).await?;
            }
        }
        Ok(())
    }

    /// A guard says no to an account that is frozen: it will not be worked on, so nobody is kept out.
    pub(super) async fn thaw_refused(&self, account: &AccountId, refusal: &Refusal) {
        // What was wrong with the order says nothing about the account: a run of it may be under way.
        if refusal.may_pass() || matches!(refusal, Refusal::Run(_) | Refusal::Approval(_)) {
            return;
        }
        if let Err(error) = self.thaw(account).await {
            tracing::warn!(account.id = %account, %error, "cannot tell whether account {account} is frozen: {error}");
        }
    }
}

fn key(account: &AccountId) -> Key {
    Key::new(FREEZES, account.as_ref())
}

/// A note is told once, however often a slice that died is repeated.
pub(super) fn note(notes: &mut Vec<String>, text: &str) {
    if !notes.iter().any(|known| known == text) {
        notes.push(text.to_owned());
    }
}

/// Whether a trust policy lets nobody in but services that tidy up. IAM answers with URL-encoded text.
fn is_tidy(trust: &Value) -> bool {
    let trust = match trust.as_str() {
        Some(text) => serde_json::from_str(&percent_decode_str(text).decode_utf8_lossy()).unwrap_or_default(),
        None => trust.clone(),
    };
    let statements: Vec<&Value> = listed(trust.get("Statement"));
    let allowing = |statement: &&&Value| statement.get("Effect").and_then(Value::as_str) != Some("Deny");
    let mut services = BTreeSet::new();
    for statement in statements.iter().filter(allowing) {
        let Some(principal) = statement.get("Principal").and_then(Value::as_object) else { return false };
        if principal.keys().any(|kind| kind != "Service") {
            return false;
        }
        services.extend(listed(principal.get("Service")).into_iter().filter_map(Value::as_str));
    }
    let tidy = |service: &&str| service.split('.').next().is_some_and(|name| TIDY.contains(&name));
    !services.is_empty() && services.iter().all(tidy)
}

/// A list, or one thing in its place.
fn listed(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(principal: Value, expect: bool) {
        let trust = json!({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]});
        assert_eq!(is_tidy(&trust), expect, "{trust}");
        let text: String = trust.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(is_tidy(&json!(text)), expect, "as IAM tells it");
    }

    #[test]
    fn roles_of_services_that_tidy_up_are_spared_and_those_of_programs_are_not() {
        check(json!({"Service": "batch.amazonaws.com"}), true);
        check(json!({"Service": ["elasticmapreduce.amazonaws.com", "cloudformation.amazonaws.com"]}), true);
        check(json!({"Service": ["batch.amazonaws.com", "lambda.amazonaws.com"]}), false);
        check(json!({"Service": "ec2.amazonaws.com"}), false);
        check(json!({"Service": "ecs-tasks.amazonaws.com"}), false);
        check(json!({"Service": "batch.amazonaws.com", "AWS": "arn:aws:iam::555566667777:root"}), false);
        check(json!("*"), false);
        assert!(!is_tidy(&Value::Null));
        assert!(!is_tidy(&json!({"Statement": []})));
    }
}

//! The password policy of IAM users.
//!
//! The call replaces the whole policy, and what it does not name falls back to AWS's default
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html>); so the step always
//! carries the full set: what is declared, over what there is.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::config;
use crate::types::Region;

/// The password policy.
pub struct PasswordPolicy;

/// A whole password policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Policy {
    /// The least number of characters.
    pub min_length: u32,
    /// Whether a symbol is required.
    pub symbols: bool,
    /// Whether a digit is required.
    pub numbers: bool,
    /// Whether an upper-case letter is required.
    pub uppercase: bool,
    /// Whether a lower-case letter is required.
    pub lowercase: bool,
    /// Whether users may change their own password.
    pub users_may_change: bool,
    /// After how many days a password must be changed.
    pub max_age_days: Option<u32>,
    /// How many earlier passwords may not be used again.
    pub reuse: Option<u32>,
    /// Whether an expired password can only be reset by an administrator.
    pub hard_expiry: bool,
}

/// What can be done about the policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Sets the whole policy.
    SetPasswordPolicy {
        /// The policy.
        policy: Policy,
    },
}

#[async_trait]
impl Aspect for PasswordPolicy {
    const NAME: &'static str = "password-policy";
    const GUARD: bool = true;
    type Facts = Option<Policy>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.password_policy.is_some())
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<Option<Policy>, CallError> {
        match look.call("iam", "GetAccountPasswordPolicy", json!({})).await {
            Ok(answer) => Ok(answer.get("PasswordPolicy").map(Policy::read)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn plan(target: &Target, seen: &Option<Policy>) -> Planned<Action> {
        let Some(declared) = &target.wanted.password_policy else { return Planned::nothing() };
        let base = match seen {
            Some(policy) if !target.strict() => policy.clone(),
            _ => Policy::default(),
        };
        let policy = base.with(declared);
        if seen.as_ref() == Some(&policy) {
            return Planned::nothing();
        }
        Planned::steps(vec![Action::SetPasswordPolicy { policy }])
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::SetPasswordPolicy { policy } = action;
        scope.call("iam", "UpdateAccountPasswordPolicy", policy.params()).await?;
        Ok(Taken::Done)
    }
}

impl Default for Policy {
    /// What AWS takes for everything that a call does not name.
    fn default() -> Self {
        Self {
            min_length: 6,
            symbols: false,
            numbers: false,
            uppercase: false,
            lowercase: false,
            users_may_change: false,
            max_age_days: None,
            reuse: None,
            hard_expiry: false,
        }
    }
}

impl Policy {
    fn read(answer: &Value) -> Self {
        let flag = |member: &str| answer.get(member).and_then(Value::as_bool).unwrap_or(false);
        let number = |member: &str| answer.get(member).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        Self {
            min_length: number("MinimumPasswordLength").unwrap_or(6),
            symbols: flag("RequireSymbols"),
            numbers: flag("RequireNumbers"),
            uppercase: flag("RequireUppercaseCharacters"),
            lowercase: flag("RequireLowercaseCharacters"),
            users_may_change: flag("AllowUsersToChangePassword"),
            max_age_days: number("MaxPasswordAge").filter(|days| *days > 0),
            reuse: number("PasswordReusePrevention").filter(|n| *n > 0),
            hard_expiry: flag("HardExpiry"),
        }
    }

    fn with(self, declared: &config::PasswordPolicy) -> Self {
        Self {
            min_length: declared.min_length.unwrap_or(self.min_length),
            symbols: declared.symbols.unwrap_or(self.symbols),
            numbers: declared.numbers.unwrap_or(self.numbers),
            uppercase: declared.uppercase.unwrap_or(self.uppercase),
            lowercase: declared.lowercase.unwrap_or(self.lowercase),
            users_may_change: declared.users_may_change.unwrap_or(self.users_may_change),
            max_age_days: declared.max_age_days.or(self.max_age_days),
            reuse: declared.reuse.or(self.reuse),
            hard_expiry: self.hard_expiry,
        }
    }

    fn params(&self) -> Value {
        let mut params = Map::new();
        params.insert("MinimumPasswordLength".into(), self.min_length.into());
        for (member, value) in [
            ("RequireSymbols", self.symbols),
            ("RequireNumbers", self.numbers),
            ("RequireUppercaseCharacters", self.uppercase),
            ("RequireLowercaseCharacters", self.lowercase),
            ("AllowUsersToChangePassword", self.users_may_change),
        ] {
            params.insert(member.into(), value.into());
        }
        for (member, value) in [("MaxPasswordAge", self.max_age_days), ("PasswordReusePrevention", self.reuse)] {
            params.extend(value.map(|value| (member.to_owned(), value.into())));
        }
        if self.hard_expiry {
            params.insert("HardExpiry".into(), true.into());
        }
        Value::Object(params)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::SetPasswordPolicy { policy } = self;
        write!(f, "set the password policy: at least {} characters", policy.min_length)?;
        let required = [
            ("a symbol", policy.symbols),
            ("a digit", policy.numbers),
            ("an upper-case letter", policy.uppercase),
            ("a lower-case letter", policy.lowercase),
        ];
        for (what, _) in required.iter().filter(|(_, on)| *on) {
            write!(f, ", {what}")?;
        }
        if let Some(reuse) = policy.reuse {
            write!(f, ", none of the last {reuse}")?;
        }
        policy.max_age_days.map_or(Ok(()), |days| write!(f, ", changed every {days} days"))
    }
}

//! The account alias: what people see on the sign-in page instead of twelve digits.
//!
//! Aliases are unique in all of AWS, and `EntityAlreadyExists` says the same for "somebody has it" and "you have it";
//! so the list comes first (<https://docs.aws.amazon.com/IAM/latest/UserGuide/console-account-alias.html>).

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::types::Region;

/// The account alias.
pub struct Alias;

/// What can be done about the alias.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Sets the alias; AWS replaces the one there is.
    SetAlias {
        /// The alias.
        alias: String,
        /// The one that goes.
        replaces: Option<String>,
    },
}

#[async_trait]
impl Aspect for Alias {
    const NAME: &'static str = "alias";
    type Facts = Option<String>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.alias.is_some())
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<Option<String>, CallError> {
        current(look).await
    }

    fn plan(target: &Target, seen: &Option<String>) -> Planned<Action> {
        let Some(template) = &target.wanted.alias else { return Planned::nothing() };
        let alias = match target.account.subject().fill(template) {
            Ok(alias) => alias,
            Err(problem) => return Planned::problem(problem),
        };
        if !well_formed(&alias) {
            let rule = "3 to 63 of a-z, 0-9 and single hyphens, none at the ends";
            return Planned::problem(format!("`{alias}` (from `{template}`) cannot be an alias; expected {rule}"));
        }
        if seen.as_ref() == Some(&alias) {
            return Planned::nothing();
        }
        Planned::steps(vec![Action::SetAlias { alias, replaces: seen.clone() }])
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::SetAlias { alias, .. } = action;
        match scope.call("iam", "CreateAccountAlias", json!({ "AccountAlias": alias })).await {
            Ok(_) => Ok(Taken::Done),
            // A repetition of a call whose answer was lost finds its own work.
            Err(error) if error.class == ErrorClass::Exists && current(scope).await?.as_ref() == Some(alias) => {
                Ok(Taken::AlreadySo)
            }
            Err(error) if error.class == ErrorClass::Exists => Err(StepError::lasting(
                error,
                format!("another account somewhere in AWS has the alias `{alias}`: choose another in the file"),
            )),
            Err(error) => Err(error.into()),
        }
    }
}

async fn current(scope: &Scope) -> Result<Option<String>, CallError> {
    let aliases = scope.pages("iam", "ListAccountAliases", json!({})).await?;
    Ok(aliases.first().and_then(Value::as_str).map(str::to_owned))
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>
fn well_formed(alias: &str) -> bool {
    let letters = alias.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let hyphens = alias.starts_with('-') || alias.ends_with('-') || alias.contains("--");
    (3..=63).contains(&alias.len()) && letters && !hyphens
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAlias { alias, replaces: None } => write!(f, "set the alias to {alias}"),
            Self::SetAlias { alias, replaces: Some(old) } => write!(f, "set the alias to {alias} instead of {old}"),
        }
    }
}

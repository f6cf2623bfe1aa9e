//! How an account is closed and another one made in its place.
//!
//! AWS limits how many accounts an organization closes in 30 days, never lets an e-mail address be used again, and keeps a
//! closed account for 90 days; so this is the exception, and emptying the rule
//! (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html>).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Pause;
use crate::types::OuPath;

/// What is done about an account that cannot be emptied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// Nothing more: people look.
    #[default]
    None,
    /// The account is closed and a fresh one made.
    Recreate,
}

/// How accounts are closed and made anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recreate {
    /// The address of each new account: `{name}` and `{generation}` are filled in. No address is ever used twice.
    pub email: String,
    /// The most accounts that are closed in 30 days. Default: what AWS allows, 250 or a fifth of the accounts, whichever
    /// is more, and 1,000 at most.
    #[serde(default)]
    pub closes: Option<u32>,
    /// How old an account must be to be closed.
    #[serde(default = "a_week")]
    pub min_age: Pause,
    /// With `fallback: recreate`: after how many runs in a row that got stuck.
    #[serde(default = "two")]
    pub after_stuck: u32,
    /// Close accounts with reserved instances and savings plans all the same, although they are billed until they end.
    #[serde(default)]
    pub abandon_commitments: bool,
    /// How long the baseline of the new account is awaited before the receipt says that it has not been seen.
    #[serde(default = "half_an_hour")]
    pub baseline_within: Pause,
}

/// Fresh accounts that are kept ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// How many.
    pub ready: u32,
    /// The OU where they wait.
    pub ou: OuPath,
    /// How their names begin.
    pub prefix: String,
}

const fn a_week() -> Pause {
    Pause::seconds(7 * 24 * 3600)
}

const fn two() -> u32 {
    2
}

const fn half_an_hour() -> Pause {
    Pause::seconds(1_800)
}

impl Recreate {
    /// The address of the account of this name in this generation.
    pub fn address(&self, name: &str, generation: u32) -> Result<String, String> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let name: String = name.chars().map(|letter| if plain(letter) { letter } else { '-' }).collect();
        let address =
            self.email.replace("{name}", &name.to_lowercase()).replace("{generation}", &generation.to_string());
        match wrong(&address) {
            None => Ok(address),
            Some(problem) => Err(format!("the address {address} {problem}; change `sandbox.recreate.email`")),
        }
    }

    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if !self.email.contains("{generation}") || !self.email.contains("{name}") {
            let message = "expected `{name}` and `{generation}` in it, because no address can be used twice";
            found.push(("email".to_owned(), message.to_owned()));
        } else if let Err(problem) = self.address("x", 2) {
            found.push(("email".to_owned(), problem));
        }
        if self.closes == Some(0) {
            found.push(("closes".to_owned(), "expected at least 1".to_owned()));
        }
        found
    }
}

/// AWS takes 6 to 64 letters, one `@` and a dot behind it
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>).
fn wrong(address: &str) -> Option<&'static str> {
    let whole = |part: &str| !part.is_empty() && !part.contains(|letter: char| letter.is_whitespace() || letter == '@');
    match address.split_once('@') {
        Some((local, domain)) if whole(local) && whole(domain) && domain.contains('.') => {
            (!(6..=64).contains(&address.len())).then_some("is not of 6 to 64 letters")
        }
        _ => Some("is no e-mail address"),
    }
}

impl Pool {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if self.prefix.is_empty() || self.prefix.len() > 30 || !self.prefix.chars().all(letters) {
            found.push(("prefix".to_owned(), "expected 1 to 30 letters, digits and hyphens".to_owned()));
        }
        if self.ou.is_root() {
            found.push(("ou".to_owned(), "expected an OU of its own".to_owned()));
        }
        if self.ready > 20 {
            found.push(("ready".to_owned(), "expected at most 20: each is an account of the organization".to_owned()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recreate(email: &str) -> Recreate {
        serde_json::from_value(json!({ "email": email })).unwrap()
    }

    #[test]
    fn address_names_the_account_and_its_generation() {
        let recreate = recreate("aws+{name}-g{generation}@acme.example");
        assert_eq!(recreate.address("sbx-ana", 3).unwrap(), "aws+sbx-ana-g3@acme.example");
        assert_eq!(recreate.address("Ana's box", 12).unwrap(), "aws+ana-s-box-g12@acme.example");
        assert!(recreate.address(&"x".repeat(50), 3).unwrap_err().contains("64 letters"));
        assert_eq!(recreate.problems(), []);
    }

    #[test]
    fn template_that_would_repeat_an_address_is_wrong() {
        for email in
            ["aws@acme.example", "aws+{name}@acme.example", "aws+{generation}@acme.example", "{name}{generation}"]
        {
            assert_eq!(recreate(email).problems().len(), 1, "{email}");
        }
    }
}

//! What stands between an account and its reset beside its OU and its tags.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::AccountId;
use crate::types::words::words;

/// Words that no sandbox bears; the file can add to them.
const WORDS: [&str; 3] = ["prod", "production", "live"];

/// What stands between an account and its reset beside its OU and its tags.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guards {
    /// Words beside `prod`, `production` and `live` that keep an account from being emptied where they stand in its
    /// name, its alias or its tags. They are compared as whole words: `product` and `delivery` are none of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Ids of accounts that may bear such a word all the same.
    #[serde(rename = "except", skip_serializing_if = "BTreeSet::is_empty")]
    pub exceptions: BTreeSet<AccountId>,
    /// What the first run of an account does.
    pub first_run: FirstRun,
    /// What a run needs beside a right time.
    pub approve: Approve,
}

/// What the first run of an account does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstRun {
    /// It makes and tells a plan; the next run deletes. A run with the hash of a plan deletes at once.
    #[default]
    Plan,
    /// It deletes as every other.
    Delete,
}

/// What somebody must have looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approve {
    /// Nothing: the schedule is enough.
    #[default]
    Nothing,
    /// The plan: a run without the hash of its plan is refused.
    Plan,
}

impl Guards {
    /// All words that keep an account from being emptied, in lower case.
    pub fn forbidden(&self) -> BTreeSet<String> {
        WORDS.iter().map(|word| (*word).to_owned()).chain(self.words.iter().map(|word| word.to_lowercase())).collect()
    }

    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let wrong = |(n, word): (usize, &String)| {
            let message = format!("`{word}` is not one word of letters, so it would never be found; write it in parts");
            (words(word) != [word.to_lowercase()]).then(|| (format!("guards.words[{n}]"), message))
        };
        self.words.iter().enumerate().filter_map(wrong).collect()
    }
}

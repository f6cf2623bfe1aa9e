//! CloudFormation's registry: it knows which types there are today, and this version knows those of the day it was made.
//!
//! It is read once a run, and the run keeps what it said. What it does not name stays known all the same, and where it
//! cannot be read a run goes on with what comes along, and tells: the registry only ever adds.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListTypes.html>

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schema::{self, Learned};
use super::{Control, Known, known};
use crate::aws::{CallError, Scope};
use crate::reset::catalogue::path::text;
use crate::reset::catalogue::{Catalogue, Kind, TypeName};

/// What can be deleted: the rest has no handlers at all.
const PROVISIONED: [&str; 2] = ["FULLY_MUTABLE", "IMMUTABLE"];

/// Schemas that are read at once.
const AT_ONCE: usize = 4;

/// What the registry said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// Whether it was asked.
    pub asked: bool,
    /// Why it did not answer, if so.
    pub silent: Option<String>,
    /// Types that are newer than this version.
    pub strangers: BTreeSet<TypeName>,
    /// What is known of those whose services are in use.
    pub learned: BTreeMap<TypeName, Learned>,
}

/// What a run wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Of which services, by the first part of their types; nothing stands for all of them.
    pub services: Option<BTreeSet<String>>,
    /// What it knows already.
    pub registry: Registry,
}

impl Wish {
    /// Whether there is anything to ask.
    pub fn is_open(&self) -> bool {
        let wanted = self.services.as_ref().is_none_or(|services| !services.is_empty());
        wanted && (!self.registry.asked || !self.wanted().is_empty())
    }

    /// Types to read the schema of.
    fn wanted(&self) -> Vec<TypeName> {
        let known = |name: &TypeName| self.registry.learned.contains_key(name);
        let meant = |name: &TypeName| self.services.as_ref().is_none_or(|services| services.contains(name.service()));
        self.registry.strangers.iter().filter(|name| meant(name) && !known(name)).cloned().collect()
    }

    /// Asks the registry in each of these regions: a type is in some of them first.
    pub async fn fulfil(mut self, scopes: &[Scope], catalogue: &Catalogue) -> Registry {
        if !self.registry.asked {
            self.registry.list(scopes, catalogue).await;
        }
        let wanted = self.wanted();
        let types: BTreeSet<TypeName> = catalogue.all().chain(&self.registry.strangers).cloned().collect();
        let described = wanted.into_iter().map(|name| {
            let types = &types;
            async move {
                let learned = describe(scopes, &name, types).await;
                (name, learned)
            }
        });
        let described: Vec<(TypeName, Learned)> = stream::iter(described).buffer_unordered(AT_ONCE).collect().await;
        self.registry.learned.extend(described);
        self.registry
    }
}

impl Registry {
    async fn list(&mut self, scopes: &[Scope], catalogue: &Catalogue) {
        self.asked = true;
        let lists = scopes.iter().flat_map(|scope| PROVISIONED.map(|kind| names(scope, kind)));
        let mut errors = Vec::new();
        for answer in futures_util::future::join_all(lists).await {
            match answer {
                Ok(names) => {
                    let strange = |name: &TypeName| catalogue.kind(name).is_none() && !Known::embedded().tells(name);
                    self.strangers.extend(names.into_iter().filter(strange));
                }
                Err(error) => errors.push(error.to_string()),
            }
        }
        self.silent = errors.into_iter().next();
    }

    /// The registry that could not be reached.
    pub fn unread(self, error: &CallError) -> Self {
        Self { asked: true, silent: Some(error.to_string()), ..self }
    }

    /// What is worth keeping when the run begins again.
    pub fn unless_silent(self) -> Self {
        if self.silent.is_some() { Self::default() } else { self }
    }

    /// The types that were learned, in the form of entries.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.learned.iter().filter_map(|(name, learned)| {
            let control = match learned {
                Learned::Listed { given, below } => {
                    Control { given: given.clone(), below: below.clone(), ..Control::default() }
                }
                Learned::Nameless(why) => Control { nameless: Some(why.clone()), ..Control::default() },
                Learned::Unlisted | Learned::Unread(_) => return None,
            };
            known::kind(name, control)
        })
    }

    /// What is to be told of it, if it did not say all that it was asked.
    pub fn remark(&self) -> Option<String> {
        if let Some(reason) = &self.silent {
            return Some(format!(
                "which types CloudFormation has today could not be read in full, so types newer than this version may have \
                 been looked for nowhere: {reason}"
            ));
        }
        let unread = self.learned.iter().filter_map(|(name, learned)| match learned {
            Learned::Unread(reason) => Some((name.as_ref(), reason)),
            Learned::Listed { .. } | Learned::Nameless(_) | Learned::Unlisted => None,
        });
        let (names, reasons): (Vec<&str>, Vec<&String>) = unread.unzip();
        let reason = reasons.first()?;
        Some(format!(
            "types newer than this version whose schema could not be read were looked for nowhere: {} ({reason})",
            names.join(", ")
        ))
    }
}

/// The types of AWS's own in one region; others are somebody's extensions.
async fn names(scope: &Scope, provisioned: &str) -> Result<Vec<TypeName>, CallError> {
    let params = json!({
        "Visibility": "PUBLIC",
        "Type": "RESOURCE",
        "ProvisioningType": provisioned,
        "Filters": { "Category": "AWS_TYPES" },
        "MaxResults": 100,
    });
    let found = scope.pages("cloudformation", "ListTypes", params).await?;
    let names = found.iter().filter_map(|one| text(one, "TypeName")).filter(|name| name.starts_with("AWS::"));
    Ok(names.filter_map(|name| name.parse().ok()).filter(|name| !Known::embedded().is_left(name)).collect())
}

/// What one type's schema says, by the first region that knows it.
async fn describe(scopes: &[Scope], name: &TypeName, types: &BTreeSet<TypeName>) -> Learned {
    let mut reason = "no region could be asked".to_owned();
    for scope in scopes {
        let params = json!({ "Type": "RESOURCE", "TypeName": name });
        match scope.call("cloudformation", "DescribeType", params).await {
            Ok(answer) => match text(&answer, "Schema").map(serde_json::from_str::<Value>) {
                Some(Ok(schema)) => return schema::read(name, &schema, types),
                Some(Err(error)) => reason = format!("its schema is no JSON: {error}"),
                None => "the answer has no schema".clone_into(&mut reason),
            },
            Err(error) => reason = error.to_string(),
        }
    }
    Learned::Unread(reason)
}

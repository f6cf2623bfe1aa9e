//! Accounts by the table: one for every pair of an application and a stage.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::Problems;
use super::yaml::Spot;
use super::{AccountEntry, Config};

/// An account for every pair of an application and a stage. In the texts `{app}` and `{stage}` stand for the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// The applications.
    pub apps: Vec<String>,
    /// The stages.
    pub stages: Vec<String>,
    /// The account's name: `{app}-{stage}`.
    pub name: String,
    /// Its root user's e-mail address.
    pub email: String,
    /// The OU it belongs in.
    pub ou: String,
    /// Its tags. Default: `app` and `stage`.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Adds the accounts of the table to those that the file names.
pub(super) fn expand(config: &mut Config, problems: &mut Problems) {
    for (n, matrix) in config.matrix.clone().iter().enumerate() {
        let spot = Spot::default().key("matrix").index(n);
        for (key, template) in [("name", &matrix.name), ("email", &matrix.email), ("ou", &matrix.ou)] {
            if let Err(message) = fill(template, "", "") {
                problems.add(&spot.key(key), message);
            }
        }
        for (key, list) in [("apps", &matrix.apps), ("stages", &matrix.stages)] {
            if list.is_empty() {
                problems.add(&spot.key(key), "the list is empty; expected at least one name");
            }
        }
        for (app, stage) in matrix.apps.iter().flat_map(|app| matrix.stages.iter().map(move |stage| (app, stage))) {
            match matrix.account(app, stage) {
                Ok((name, _)) if config.accounts.contains_key(&name) => {
                    let message =
                        format!("`{name}`, for {app} and {stage}, is an account already; expected different names");
                    problems.add(&spot.key("name"), message);
                }
                Ok((name, entry)) => {
                    problems.name_account(&name);
                    config.accounts.insert(name, entry);
                }
                Err(message) => problems.add(&spot, message),
            }
        }
    }
}

impl Matrix {
    fn account(&self, app: &str, stage: &str) -> Result<(String, AccountEntry), String> {
        let own = || ["app", "stage"].map(|key| (key.to_owned(), format!("{{{key}}}"))).into();
        let tags = self.tags.clone().unwrap_or_else(own).into_iter();
        let tags = tags.map(|(key, value)| Ok((key, fill(&value, app, stage)?)));
        let ou = fill(&self.ou, app, stage)?;
        let entry = AccountEntry {
            id: None,
            email: Some(fill(&self.email, app, stage)?),
            ou: Some(ou.parse().map_err(|error| format!("ou: {error}"))?),
            tags: tags.collect::<Result<_, String>>()?,
        };
        Ok((fill(&self.name, app, stage)?, entry))
    }
}

fn fill(template: &str, app: &str, stage: &str) -> Result<String, String> {
    let text = template.replace("{app}", app).replace("{stage}", stage);
    match text.split_once('{') {
        Some((_, rest)) => {
            let word = rest.split('}').next().unwrap_or_default();
            Err(format!("`{{{word}}}` stands for nothing here; expected {{app}} or {{stage}}"))
        }
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(matrix: &str) -> Result<Config, String> {
        let head = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
            access: {role: Admin}\naccounts: {audit: {id: \"222233334444\"}}\n";
        Config::parse(&format!("{head}{matrix}"), "f").map_err(|errors| errors.to_string())
    }

    #[test]
    fn every_pair_is_an_account_that_layers_can_name() {
        let config = parse(
            "matrix:\n- {apps: [shop, pay], stages: [test, prod], name: \"{app}-{stage}\", \
             email: \"aws+{app}-{stage}@acme.example\", ou: \"Workloads/{stage}\"}\n\
             layers:\n- {match: {account: shop-prod}, alias: acme-shop}\n",
        )
        .unwrap();
        let names: Vec<&str> = config.accounts.keys().map(String::as_str).collect();
        assert_eq!(names, ["audit", "pay-prod", "pay-test", "shop-prod", "shop-test"]);
        let entry = &config.accounts["pay-test"];
        assert_eq!(entry.email.as_deref(), Some("aws+pay-test@acme.example"));
        assert_eq!(entry.ou.as_ref().map(AsRef::as_ref), Some("Workloads/test"));
        assert_eq!(entry.tags, [("app", "pay"), ("stage", "test")].map(|(k, v)| (k.into(), v.into())).into());
    }

    #[test]
    fn pairs_that_come_to_one_name_and_unknown_words_are_refused() {
        let table = "matrix:\n- {apps: [shop], stages: [test, prod], name: NAME, email: \"a+{app}-{stage}@acme.example\", ou: W}\n";
        let error = parse(&table.replace("NAME", "\"{app}\"")).unwrap_err();
        assert!(error.contains("`shop`, for shop and prod, is an account already"), "{error}");
        let error = parse(&table.replace("NAME", "\"{app}-{stage}\"").replace("+{app}-{stage}", "+{app}")).unwrap_err();
        assert!(error.contains("is the address of shop-prod as well"), "{error}");
        let error = parse(&table.replace("NAME", "\"{ap}-{stage}\"")).unwrap_err();
        assert!(error.contains("`{ap}` stands for nothing here"), "{error}");
    }
}

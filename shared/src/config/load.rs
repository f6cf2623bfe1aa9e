//! Reads the file and reports every problem with line, column and what was expected.
//!
//! A deserializer stops at its first error. So each error is recorded, the piece that caused it is cut out of the
//! document, and the rest is read again, until nothing is left to complain about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

use super::yaml::{self, Data, Mark, Node, Spot, Step};
use super::{Config, check, matrix, policies, words};

/// One thing wrong with the file.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Problem {
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
    /// Where in the document (`layers[2].budget.monthly`).
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Everything wrong with a file, in order of appearance.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct ConfigErrors {
    /// What the file is called.
    pub name: String,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Problem { line, column, path, message }) in self.problems.iter().enumerate() {
            let end = if n == 0 { "" } else { "\n" };
            let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
            write!(f, "{end}{}:{line}:{column}: {path}{message}", self.name)?;
        }
        Ok(())
    }
}

/// Collects problems; a section's own `check` adds to it by the place in the document.
pub(super) struct Problems {
    found: Vec<(Mark, Spot, String)>,
    /// The document without what was cut out, for positions.
    document: Node,
    /// Names under `accounts`, those with problems included.
    names: BTreeSet<String>,
    /// What was cut out.
    cut: BTreeSet<Spot>,
}

impl Problems {
    /// Records a problem at `spot` of the configuration as it was read. Where something below was cut out, the rest
    /// says nothing about the whole, and the problem is left for the next reading.
    pub fn add(&mut self, spot: &Spot, message: impl Into<String>) {
        let node = self.document.nearest(spot);
        if !self.cut.iter().any(|cut| cut.0.starts_with(&node.path.0) && !node.path.0.is_empty()) {
            self.found.push((node.mark, node.path.clone(), message.into()));
        }
    }

    /// Adds an account that the file names otherwise than under `accounts`.
    pub fn name_account(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    /// Whether the file names this account.
    pub fn knows_account(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Every account the file names.
    pub fn account_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

/// How a file beside the configuration is read.
pub(super) type Beside<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

pub(super) fn parse(text: &str, name: &str, beside: &Beside<'_>) -> Result<Config, ConfigErrors> {
    let reading = yaml::read(text);
    let Some(document) = reading.root else { return Err(errors(name, reading.problems)) };
    let names = match document.nearest(&Spot::default().key("accounts")) {
        Node { path, data: Data::Map(entries), .. } if !path.0.is_empty() => entries.keys().cloned().collect(),
        _ => BTreeSet::new(),
    };
    let mut problems = Problems { found: reading.problems, document, names, cut: BTreeSet::new() };
    let mut config = typed(&mut problems);
    if let Some(config) = &mut config {
        matrix::expand(config, &mut problems);
        policies::read(config, beside, &mut problems);
        check::all(config, &mut problems);
    }
    match config {
        Some(config) if problems.found.is_empty() => Ok(config),
        _ => Err(errors(name, problems.found)),
    }
}

fn errors(name: &str, mut found: Vec<(Mark, Spot, String)>) -> ConfigErrors {
    found.sort();
    found.dedup();
    let problem = |(mark, spot, message): (Mark, Spot, String)| Problem {
        line: mark.line,
        column: mark.column,
        path: spot.to_string(),
        message,
    };
    ConfigErrors { name: name.to_owned(), problems: found.into_iter().map(problem).collect() }
}

/// Deserializes what it can, cutting out what it cannot. `None` when not even the rest makes a configuration.
fn typed(problems: &mut Problems) -> Option<Config> {
    if !matches!(problems.document.data, Data::Map(_)) {
        problems.add(&Spot::default(), "expected a mapping of `version`, `mode`, `home_region`, `regions`, `access` …");
        return None;
    }
    missing_at_the_top(problems);
    loop {
        let value = with_stand_ins(problems.document.value());
        let error = match serde_path_to_error::deserialize::<_, Config>(&value) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let spot = spot(error.path());
        let node = problems.document.nearest(&spot);
        let (mark, place, raw) = (node.mark, node.path.clone(), raw(node));
        let message = error.into_inner().to_string();
        let missing = words::missing_field(&message).map(|field| place.key(field));
        if !missing.is_some_and(|field| problems.cut.contains(&field)) {
            problems.found.push((mark, place, words::explain(&message, raw.as_deref())));
        }
        let cut = problems.document.take(&spot.0)?;
        problems.cut.insert(cut.path);
    }
}

/// What stands in for a key that the whole file cannot be read without, once its absence is on the list.
fn stand_ins() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("version", json!(1)),
        ("mode", json!("organization")),
        ("home_region", json!("us-east-1")),
        ("regions", json!({"govern": ["us-east-1"]})),
        ("access", json!({"role": "OrganizationAccountAccessRole"})),
    ])
}

fn missing_at_the_top(problems: &mut Problems) {
    for (key, example) in stand_ins() {
        if problems.document.child(&Step::Key(key.to_owned())).is_none() {
            problems.add(&Spot::default(), format!("`{key}` is missing; expected for example `{key}: {example}`"));
        }
    }
}

fn with_stand_ins(mut value: Value) -> Value {
    if let Value::Object(entries) = &mut value {
        for (key, example) in stand_ins() {
            entries.entry(key).or_insert(example);
        }
    }
    value
}

fn spot(path: &Path) -> Spot {
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    Spot(path.iter().filter_map(step).collect())
}

fn raw(node: &Node) -> Option<String> {
    match &node.data {
        Data::Scalar(_, raw) => raw.clone(),
        Data::List(_) | Data::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
        access: {role: Admin}\naccounts: {audit: {id: \"222233334444\"}}\n";

    /// `text` follows six good lines; each expectation is `line:column: path: start of the message`.
    fn check(text: &str, expect: &[&str]) {
        whole(&format!("{HEAD}{text}"), expect);
    }

    fn whole(text: &str, expect: &[&str]) {
        let found = match Config::parse(text, "f") {
            Ok(_) => Vec::new(),
            Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
        };
        let fits = |(found, expect): (&String, &&str)| found.starts_with(&format!("f:{expect}"));
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(fits), "{found:#?}");
    }

    #[test]
    fn three_mistakes_of_three_kinds_are_three_problems() {
        check(
            "layers:\n- match: {all: true}\n  alais: x\n  password_policy: {min_length: fourteen}\n- match: {account: adit}\n",
            &[
                "9:3: layers[0].alais: there is no key `alais` here; did you mean `alias`?",
                "10:21: layers[0].password_policy.min_length: found the text \"fourteen\"; expected a whole number",
                "11:11: layers[1].match.account: `adit` is not an account of this file; `accounts` names audit",
            ],
        );
    }

    #[test]
    fn positions_stay_right_after_an_element_was_cut_out() {
        check(
            "layers:\n- 5\n- match: {all: true}\n- match: {all: true}\n  enforce: hard\n",
            &["8:3: layers[0]: found the number 5", "11:3: layers[2].enforce: there is no word `hard` here"],
        );
    }

    #[test]
    fn unquoted_account_id_is_shown_as_it_was_written() {
        whole(
            &HEAD.replace("\"222233334444\"", "012345678901"),
            &["6:20: accounts.audit.id: `012345678901` without quotes is read as the number 12345678901; expected a \
               string: write \"012345678901\""],
        );
    }

    #[test]
    fn every_missing_key_of_the_top_is_told() {
        whole(
            "version: 1\nregions: {}\n",
            &[
                "1:1: `access` is missing",
                "1:1: `home_region` is missing",
                "1:1: `mode` is missing",
                "2:1: regions: `govern` is missing",
            ],
        );
    }

    #[test]
    fn missing_key_is_not_told_twice_when_its_value_was_the_problem() {
        check("layers:\n- match: 5\n", &["8:3: layers[0].match: found the number 5; expected a mapping"]);
    }

    #[test]
    fn duplicate_keys_and_other_problems_come_in_order() {
        check(
            "layers: []\nlayers: []\nsanbox: {}\n",
            &[
                "8:1: layers: `layers` is given twice; the first one is in line 7",
                "9:1: sanbox: there is no key `sanbox`",
            ],
        );
    }

    #[test]
    fn file_that_is_no_mapping_is_told_what_it_should_be() {
        whole("- 1\n", &["1:1: expected a mapping"]);
        whole("", &["1:1: the file is empty"]);
    }

    #[test]
    fn budget_needs_somebody_to_tell_and_an_amount() {
        check(
            "layers:\n- match: {all: true}\n  budget: {actual: [0, 50, 50]}\n",
            &[
                "9:3: layers[0].budget: no layer says the amount",
                "9:3: layers[0].budget: thresholds are given",
                "9:21: layers[0].budget.actual[0]: expected different percentages",
                "9:28: layers[0].budget.actual[2]: expected different percentages",
            ],
        );
    }

    #[test]
    fn strict_layers_may_not_contradict_each_other_for_one_account() {
        let layers = |second: &str| {
            format!(
                "layers:\n- match: {{all: true}}\n  enforce: strict\n  password_policy: {{min_length: 14}}\n\
                 - match: {{account: audit}}\n  enforce: {second}\n  password_policy: {{min_length: 16}}\n"
            )
        };
        check(
            &layers("strict"),
            &["13:21: layers[1].password_policy.min_length: 16 contradicts 14 of layers[0] for audit"],
        );
        check(&layers("additive"), &[]);
        check(&layers("strict").replace("account: audit", "account: \"sbx-*\""), &[]);
    }

    #[test]
    fn roles_need_trust_of_known_accounts() {
        check(
            "layers:\n- match: {all: true}\n  roles:\n    A: {policies: [X]}\n    B: {trust: [nobody, audit]}\n",
            &[
                "10:5: layers[0].roles.A: no layer says who may assume it",
                "11:17: layers[0].roles.B.trust[0]: `nobody`",
            ],
        );
    }

    #[test]
    fn single_account_mode_has_one_id_and_one_alias() {
        let text = HEAD.replace("organization", "single-account").replace("}}", "}, b: {id: \"111122223333\"}}");
        whole(
            &format!("{text}layers:\n- match: {{all: true}}\n  alias: \"a-{{name}}\"\n"),
            &["6:45: accounts.b.id: in single-account mode", "9:3: layers[0].alias: in single-account mode"],
        );
    }
}

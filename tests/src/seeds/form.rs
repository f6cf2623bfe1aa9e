//! The form of a seed, and templates filled from what is known so far.

use std::collections::BTreeMap;
use std::path::Path;

use forester::reset::catalogue::TypeName;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Outcome;

/// What templates are filled from.
pub type Known = BTreeMap<String, Value>;

/// One resource: how it is made, and found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TypeName,
    /// The service of its file.
    #[serde(skip)]
    pub service: String,
    /// Made once, not once a region.
    #[serde(default)]
    pub global: bool,
    /// The calls that make it.
    pub make: Vec<Make>,
    /// Template of the id that the catalogue gives it.
    pub id: String,
    /// A plain call that shows it while it is there.
    pub look: Option<Look>,
}

/// A call that makes something.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Make {
    /// The service, where it is another one.
    pub service: Option<String>,
    /// The operation.
    pub operation: String,
    /// Its parameters, as templates.
    #[serde(default = "nothing")]
    pub params: Value,
    /// Names for values in the answer, by path.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

/// A call that looks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// The service, where it is another one.
    pub service: Option<String>,
    /// The operation.
    pub operation: String,
    /// Its parameters, as templates.
    #[serde(default = "nothing")]
    pub params: Value,
    /// Template of the text that its answer shows while the thing is there; default: the id, or its last part.
    pub shows: Option<String>,
    /// Text that its answer may show even so, as `"status": "INACTIVE"`: then the thing counts as gone.
    #[serde(default)]
    pub unless: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "seed")]
    seeds: Vec<Seed>,
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

/// Every seed of a directory, or those of the services that are named.
pub fn read(directory: &Path, services: &[String]) -> Outcome<Vec<Seed>> {
    let mut files: Vec<_> = std::fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::path);
    let mut seeds = Vec::new();
    for path in files.iter().map(std::fs::DirEntry::path) {
        let service = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !services.is_empty() && !services.contains(&service) {
            continue;
        }
        let file: File =
            toml::from_str(&std::fs::read_to_string(&path)?).map_err(|error| format!("{}: {error}", path.display()))?;
        seeds.extend(file.seeds.into_iter().map(|seed| Seed { service: service.clone(), ..seed }));
    }
    Ok(seeds)
}

/// A template with `{name}` replaced by what is known; a string that is one name alone becomes the value itself. Braces
/// around anything else (policy documents) stay.
pub fn fill(template: &Value, known: &Known) -> Value {
    match template {
        Value::String(text) => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) if known.contains_key(name) => known[name].clone(),
            _ => Value::String(fill_text(text, known)),
        },
        Value::Array(list) => list.iter().map(|value| fill(value, known)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), fill(value, known))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }
}

/// The same for text; `|tail` takes what is behind the last slash or colon.
pub fn fill_text(text: &str, known: &Known) -> String {
    known.iter().fold(text.to_owned(), |text, (name, value)| {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let tail = shown.rsplit(['/', ':']).next().unwrap_or_default();
        text.replace(&format!("{{{name}}}"), &shown).replace(&format!("{{{name}|tail}}"), tail)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_behind_the_last_slash_can_be_asked_for() {
        let known = Known::from([("zone".to_owned(), json!("/hostedzone/Z1"))]);
        assert_eq!(fill(&json!("{zone|tail}"), &known), json!("Z1"));
    }

    #[test]
    fn known_names_are_filled_and_other_braces_stay() {
        let known = Known::from([("n".to_owned(), json!("a1")), ("ids".to_owned(), json!(["x"]))]);
        let template = json!({"Name": "seed-{n}", "Ids": "{ids}", "Policy": "{\"Version\": \"{n}\"}"});
        let expect = json!({"Name": "seed-a1", "Ids": ["x"], "Policy": "{\"Version\": \"a1\"}"});
        assert_eq!(fill(&template, &known), expect);
    }
}

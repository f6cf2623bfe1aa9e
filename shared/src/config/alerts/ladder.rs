//! What the spend of a sandbox does beyond a message.
//!
//! The short form is the list of steps, and a list only says what it would do. Whoever wants it done writes the long
//! form with `act: live`.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Alerts;
use crate::config::Pause;

/// Steps by how much of a budget is spent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ladder {
    /// Whether steps are taken or only told.
    pub act: Act,
    /// How many accounts it may act on before a person has to look.
    pub at_most: AtMost,
    /// The steps, from the lowest up.
    pub steps: Vec<Rung>,
}

/// Whether steps are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// They are told and not taken.
    #[default]
    DryRun,
    /// They are taken.
    Live,
}

/// So many accounts in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtMost {
    /// How many accounts.
    pub accounts: usize,
    /// In what time.
    pub within: Pause,
}

impl Default for AtMost {
    fn default() -> Self {
        Self { accounts: 3, within: Pause::seconds(3600) }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// From how many percent of the budget on: of what is spent, not of what is forecast.
    pub at: u32,
    /// What is done.
    pub r#do: Do,
    /// Who hears of it as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// Tells others as well.
    Notify,
    /// Lets nobody work in the account until the period ends.
    Freeze,
    /// Empties the account.
    Reset,
}

impl Do {
    /// The word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Freeze => "freeze",
            Self::Reset => "reset",
        }
    }
}

/// The long form.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Long {
    /// Whether steps are taken or only told.
    #[serde(default)]
    act: Act,
    /// How many accounts it may act on before a person has to look.
    #[serde(default)]
    at_most: AtMost,
    /// The steps, from the lowest up.
    steps: Vec<Rung>,
}

/// Both forms, for the schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Form {
    /// Steps that are only told.
    Short(Vec<Rung>),
    /// Steps, and whether they are taken.
    Long(Long),
}

impl JsonSchema for Ladder {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ladder".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Form::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Ladder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Reads whichever form is there, so that what is wrong is told about that form.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Ladder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of steps, or {act: dry-run | live, steps: [...]}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Ladder, A::Error> {
        let steps = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(Ladder { act: Act::default(), at_most: AtMost::default(), steps })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Ladder, A::Error> {
        let Long { act, at_most, steps } = Long::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Ladder { act, at_most, steps })
    }
}

impl Alerts {
    /// What is wrong with `ladder`.
    pub(super) fn ladder_problems(&self) -> Vec<(String, String)> {
        let Some(ladder) = &self.ladder else { return Vec::new() };
        let mut found = Vec::new();
        let mut before = None;
        for (n, step) in ladder.steps.iter().enumerate() {
            let path = format!("ladder.steps[{n}]");
            if step.at == 0 {
                found.push((format!("{path}.at"), "expected a percentage of the budget above 0".to_owned()));
            }
            if before.is_some_and(|before| before >= step.at) {
                found.push((format!("{path}.at"), "steps go up: expected more than the step before".to_owned()));
            }
            before = Some(step.at);
            for name in step.also.iter().filter(|name| !self.receivers.contains_key(*name)) {
                found.push((format!("{path}.also"), format!("`{name}` is not a receiver")));
            }
            if step.r#do == Do::Notify && step.also.is_empty() {
                found.push((path, "the message itself goes by the routes; say in `also` who else hears".to_owned()));
            }
        }
        if ladder.steps.is_empty() {
            found.push(("ladder.steps".to_owned(), "a ladder without steps does nothing; remove it".to_owned()));
        }
        if ladder.at_most.accounts == 0 {
            found.push(("ladder.at_most.accounts".to_owned(), "expected at least 1".to_owned()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn alerts(ladder: &Value) -> Result<Alerts, serde_json::Error> {
        serde_json::from_value(
            json!({"receivers": {"platform": [{"webhook": {"url": "https://hooks.acme.example/x"}}]},
            "route": {"receiver": "platform"}, "ladder": ladder}),
        )
    }

    #[test]
    fn list_of_steps_takes_none_of_them() {
        let ladder = alerts(&json!([{"at": 100, "do": "freeze"}])).unwrap().ladder.unwrap();
        assert_eq!((ladder.act, ladder.at_most), (Act::DryRun, AtMost { accounts: 3, within: Pause::seconds(3600) }));
    }

    #[test]
    fn live_is_a_word_that_somebody_has_to_write() {
        let ladder = alerts(&json!({"act": "live", "at_most": {"accounts": 1, "within": "10m"},
            "steps": [{"at": 100, "do": "freeze"}]}));
        assert_eq!(ladder.unwrap().ladder.unwrap().act, Act::Live);
        assert_eq!(alerts(&json!({"steps": [{"at": 100, "do": "freeze"}]})).unwrap().ladder.unwrap().act, Act::DryRun);
        for wrong in [json!({"act": "yes", "steps": []}), json!({"stepz": []}), json!([{"at": 100, "do": "nuke"}])] {
            assert!(alerts(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn steps_go_up_and_name_who_exists() {
        let check = |ladder: Value| {
            let found = alerts(&ladder).unwrap().ladder_problems();
            found.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        let fine = json!([{"at": 80, "do": "notify", "also": ["platform"]}, {"at": 100, "do": "freeze"}]);
        assert_eq!(check(fine), [""; 0]);
        assert_eq!(check(json!([{"at": 100, "do": "freeze"}, {"at": 100, "do": "reset"}])), ["ladder.steps[1].at"]);
        assert_eq!(
            check(json!([{"at": 0, "do": "freeze", "also": ["x"]}])),
            ["ladder.steps[0].at", "ladder.steps[0].also"]
        );
        assert_eq!(check(json!([{"at": 5, "do": "notify"}])), ["ladder.steps[0]"]);
        assert_eq!(check(json!([])), ["ladder.steps"]);
    }
}

//! Values of the `alerts` section: references to secrets.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::Malformed;

/// Where a secret is kept. The secret itself never stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// An environment variable.
    Env(String),
    /// A secret of Secrets Manager, by name or ARN.
    SecretsManager(String),
    /// A parameter of Systems Manager, by name.
    Ssm(String),
}

impl FromStr for Reference {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("secretsmanager", name)) if !name.is_empty() => Ok(Self::SecretsManager(name.to_owned())),
            Some(("ssm", name)) if !name.is_empty() => Ok(Self::Ssm(name.to_owned())),
            // The value may be a secret that somebody wrote down here: it is not repeated.
            _ => Err(Malformed {
                found: "(not shown)".to_owned(),
                expected: "a reference to a secret: env:NAME, secretsmanager:NAME or ssm:/NAME",
            }),
        }
    }
}

impl TryFrom<String> for Reference {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::SecretsManager(name) => write!(f, "secretsmanager:{name}"),
            Self::Ssm(name) => write!(f, "ssm:{name}"),
        }
    }
}

impl JsonSchema for Reference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reference".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(env|secretsmanager|ssm):.+$" })
    }
}

/// A URL, or a reference to one: a URL that carries a token is itself a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Secretive {
    /// As it stands in the file.
    Plain(String),
    /// Kept elsewhere.
    Kept(Reference),
}

impl TryFrom<String> for Secretive {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Self::Plain(text));
        }
        text.parse().map(Self::Kept).map_err(|_| Malformed {
            found: "(not shown)".to_owned(),
            expected: "an https URL, or a reference to one (env:NAME, secretsmanager:NAME or ssm:/NAME)",
        })
    }
}

impl From<Secretive> for String {
    fn from(url: Secretive) -> Self {
        match url {
            Secretive::Plain(url) => url,
            Secretive::Kept(reference) => reference.to_string(),
        }
    }
}

impl JsonSchema for Secretive {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secretive".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(https?|env|secretsmanager|ssm):.+$" })
    }
}

//! Values with a meaning of their own: checked once when they enter, trusted afterwards.

mod account;
mod arn;
mod mode;
mod region;
mod severity;
mod topic;
pub(crate) mod words;

pub use account::{AccountId, OuId, OuPath};
pub use arn::Arn;
pub use mode::Mode;
pub use region::{Partition, Region};
pub use severity::Severity;
pub use topic::TopicArn;

/// A value that does not have the form its type asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}")]
pub struct Malformed {
    /// What was given, as it was given.
    pub found: String,
    /// What would have been accepted, as a noun phrase.
    pub expected: &'static str,
}

impl Malformed {
    pub(crate) fn new(found: &str, expected: &'static str) -> Self {
        Self { found: found.to_owned(), expected }
    }
}

/// Gives a string-shaped value type its conversions: `Display`, `AsRef<str>`, serde through `FromStr`, a JSON Schema.
macro_rules! string_type {
    ($name:ident, $pattern:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = $crate::types::Malformed;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
pub(crate) use string_type;

//! Encryption keys, and what is encrypted with them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A KMS key in every governed region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its alias, with or without `alias/`, by which it is known. Default: the name it has in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Whether AWS gives it new material every year. `false` leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<bool>,
    /// Other accounts, by name or id, that may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_by: Option<Vec<String>>,
    /// Drops the key that an earlier layer declared; a key that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

impl Key {
    /// Its alias without `alias/`; `name` is what the file calls the key.
    pub fn alias<'a>(&'a self, name: &'a str) -> &'a str {
        let alias = self.alias.as_deref().unwrap_or(name);
        alias.strip_prefix("alias/").unwrap_or(alias)
    }
}

/// Whether new EBS volumes are encrypted, and with which key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EbsEncryption {
    /// With whatever key is the default in the region; `false` leaves the account as it is.
    Plain(bool),
    /// With one of `keys`, in the governed regions.
    With {
        /// The name of the key.
        key: String,
    },
}

impl<'de> Deserialize<'de> for EbsEncryption {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

/// The mapping that names a key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WithKey {
    /// The name of one of `keys`.
    key: String,
}

impl<'de> Visitor<'de> for Either {
    type Value = EbsEncryption;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or the name of one of `keys` as `{key: NAME}`")
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<EbsEncryption, E> {
        Ok(EbsEncryption::Plain(on))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EbsEncryption, A::Error> {
        WithKey::deserialize(MapAccessDeserializer::new(map)).map(|WithKey { key }| EbsEncryption::With { key })
    }
}

impl JsonSchema for EbsEncryption {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EbsEncryption".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "boolean" }, generator.subschema_for::<WithKey>()] })
    }
}

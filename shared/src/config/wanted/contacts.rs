//! Whom AWS writes to about an account.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The alternate contacts, beside the root user's address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contacts {
    /// For abuse reports, vulnerabilities and incidents.
    #[serde(default, deserialize_with = "contact", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "contact_schema")]
    pub security: Option<Contact>,
    /// For invoices and payments.
    #[serde(default, deserialize_with = "contact", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "contact_schema")]
    pub billing: Option<Contact>,
    /// For maintenance and interruptions.
    #[serde(default, deserialize_with = "contact", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "contact_schema")]
    pub operations: Option<Contact>,
    /// Drops the contacts that an earlier layer declared; contacts that exist stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

impl Contacts {
    /// Every declared contact, by the key it stands under.
    pub fn declared(&self) -> impl Iterator<Item = (&'static str, &Contact)> {
        let all = [("security", &self.security), ("billing", &self.billing), ("operations", &self.operations)];
        all.into_iter().filter_map(|(key, contact)| Some((key, contact.as_ref()?)))
    }
}

/// A contact. In the texts `{name}`, `{id}` and `{tag.KEY}` stand for the account's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name. Default: what the account has, else the kind of contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The title. Default: what the account has, else the kind of contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The telephone number. Default: what the account has, else that of its primary contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Drops the contact that an earlier layer declared; a contact that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// A contact, or its e-mail address alone.
fn contact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Contact>, D::Error> {
    deserializer.deserialize_any(Either).map(Some)
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Contact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an e-mail address, or a mapping of `email`, `name`, `title` and `phone`")
    }

    fn visit_str<E: Error>(self, email: &str) -> Result<Contact, E> {
        Ok(Contact { email: Some(email.to_owned()), ..Contact::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Contact, A::Error> {
        Contact::deserialize(MapAccessDeserializer::new(map))
    }
}

fn contact_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<Contact>()] })
}

//! Reads the short forms of the model files: a type is a letter or `#Name`, and a member without traits is its type alone.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use super::{Kind, Member, MemberTraits, Members, Text};

impl<'de: 'static> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_letter(<&'de str>::deserialize(deserializer)?)
    }
}

impl Kind {
    fn from_letter<E: Error>(text: Text) -> Result<Self, E> {
        Ok(match text {
            "s" => Self::String,
            "i" => Self::Integer,
            "f" => Self::Float,
            "b" => Self::Boolean,
            "x" => Self::Blob,
            "t" => Self::Timestamp,
            "j" => Self::Document,
            _ => Self::Shape(text.strip_prefix('#').ok_or_else(|| E::custom(format!("no such type: {text}")))?),
        })
    }
}

struct MemberVisitor;

impl<'de: 'static> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a type, or an object with a type and traits")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Member, E> {
        Ok(Member(MemberTraits::plain(Kind::from_letter(text)?)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
        MemberTraits::deserialize(MapAccessDeserializer::new(map)).map(Member)
    }
}

impl<'de: 'static> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MembersVisitor;

impl<'de: 'static> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::with_capacity(map.size_hint().unwrap_or_default());
        while let Some(entry) = map.next_entry()? {
            members.push(entry);
        }
        members.shrink_to_fit();
        Ok(Members(members))
    }
}

impl<'de: 'static> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl MemberTraits {
    fn plain(kind: Kind) -> Self {
        Self {
            kind,
            name: None,
            at: None,
            format: None,
            query: None,
            flat: false,
            attribute: false,
            namespace: None,
            token: false,
            label: false,
            required: false,
        }
    }
}

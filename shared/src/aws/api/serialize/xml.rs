//! XML bodies of the REST protocol.

use serde_json::{Map, Value};

use super::super::model::{List, Map as MapShape, MemberTraits, Service, Shape, Structure, TimeFormat};
use super::text;

/// A structure as a document with the root element `name`.
pub(super) fn document(service: &Service, name: &str, shape: &Structure, given: &Map<String, Value>) -> Vec<u8> {
    let mut xml = Writer { service, out: String::new() };
    xml.structure(name, shape, shape.namespace, given);
    xml.out.into_bytes()
}

/// A payload member as a document.
pub(super) fn payload(service: &Service, name: &str, member: &MemberTraits, value: &Value) -> Vec<u8> {
    let mut xml = Writer { service, out: String::new() };
    let own = match service.shape(member.kind) {
        Some(Shape::Structure(shape)) => shape.name,
        _ => None,
    };
    xml.value(member.name.or(own).unwrap_or(name), member, value);
    xml.out.into_bytes()
}

struct Writer<'a> {
    service: &'a Service,
    out: String,
}

impl Writer<'_> {
    fn value(&mut self, name: &str, member: &MemberTraits, value: &Value) {
        match (self.service.shape(member.kind), value) {
            (Some(Shape::Structure(shape)), Value::Object(given)) => {
                self.structure(name, shape, member.namespace.or(shape.namespace), given);
            }
            (Some(Shape::List(shape)), Value::Array(items)) => self.list(name, shape, member, items),
            (Some(Shape::Map(shape)), Value::Object(given)) => self.map(name, shape, member, given),
            _ => {
                self.open(name, member.namespace);
                self.out.push('>');
                self.out.push_str(&escaped(&text(value, member, TimeFormat::Iso8601)));
                self.close(name);
            }
        }
    }

    fn structure(&mut self, name: &str, shape: &Structure, namespace: Option<&str>, given: &Map<String, Value>) {
        self.open(name, namespace);
        let (attributes, elements): (Vec<_>, Vec<_>) =
            shape.members.iter().filter(|(_, member)| member.at.is_none()).partition(|(_, member)| member.attribute);
        for (key, member) in attributes {
            if let Some(value) = given.get(key) {
                let value = escaped(&text(value, member, TimeFormat::Iso8601)).into_owned();
                self.out.push_str(&format!(" {}=\"{value}\"", member.wire_name(key)));
            }
        }
        self.out.push('>');
        for (key, member) in elements {
            if let Some(value) = given.get(key) {
                self.value(member.wire_name(key), member, value);
            }
        }
        self.close(name);
    }

    fn list(&mut self, name: &str, shape: &List, member: &MemberTraits, items: &[Value]) {
        let flat = shape.flat || member.flat;
        if !flat {
            self.open(name, member.namespace);
            self.out.push('>');
        }
        for item in items {
            let element = if flat { name } else { shape.element.wire_name("member") };
            self.value(element, &shape.element, item);
        }
        if !flat {
            self.close(name);
        }
    }

    fn map(&mut self, name: &str, shape: &MapShape, member: &MemberTraits, given: &Map<String, Value>) {
        let flat = shape.flat || member.flat;
        let entry = if flat { name } else { "entry" };
        if !flat {
            self.open(name, member.namespace);
            self.out.push('>');
        }
        for (key, value) in given {
            self.out.push_str(&format!("<{entry}>"));
            self.value(shape.key.wire_name("key"), &shape.key, &Value::String(key.clone()));
            self.value(shape.value.wire_name("value"), &shape.value, value);
            self.close(entry);
        }
        if !flat {
            self.close(name);
        }
    }

    /// The start of an element, up to where attributes may follow.
    fn open(&mut self, name: &str, namespace: Option<&str>) {
        self.out.push('<');
        self.out.push_str(name);
        match namespace.map(|namespace| namespace.split_once(' ').unwrap_or(("", namespace))) {
            Some(("", uri)) => self.out.push_str(&format!(" xmlns=\"{uri}\"")),
            Some((prefix, uri)) => self.out.push_str(&format!(" xmlns:{prefix}=\"{uri}\"")),
            None => {}
        }
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// Line ends are escaped too: parsers normalize them, and an object's key must come through as it is.
fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\r', '\n', '\u{85}', '\u{2028}']) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' | '\n' | '\u{85}' | '\u{2028}' => out.push_str(&format!("&#x{:X};", u32::from(letter))),
            other => out.push(other),
        }
    }
    out.into()
}

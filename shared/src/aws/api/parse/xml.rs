//! XML answers: read into a small tree first, then by the shape.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value};

use super::super::model::{List, Map as MapShape, MemberTraits, Service, Shape, Structure};
use super::{Garbled, scalar};

/// An element, its name without prefix.
#[derive(Debug, Default)]
pub(in super::super) struct Element {
    pub name: String,
    /// Names with their prefix.
    attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// The text before the first child.
    pub text: String,
}

/// Reads a whole document; one that ends early is an error.
pub(in super::super) fn read(body: &[u8]) -> Result<Element, Garbled> {
    let text = std::str::from_utf8(body).map_err(|_| Garbled("not UTF-8".to_owned()))?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| Garbled(format!("not XML: {error}")))? {
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(start) => {
                let leaf = element(&start)?;
                within(&mut open)?.children.push(leaf);
            }
            Event::End(_) => {
                let closed = open.pop().ok_or_else(unbalanced)?;
                within(&mut open)?.children.push(closed);
            }
            Event::Text(part) => add(&mut open, &part.xml10_content())?,
            Event::CData(part) => add(&mut open, &part.xml10_content())?,
            Event::GeneralRef(reference) => add(&mut open, &resolved(&reference)?)?,
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(mut document), true) if document.children.len() == 1 => document.children.pop().ok_or_else(unbalanced),
        _ => Err(unbalanced()),
    }
}

fn unbalanced() -> Garbled {
    Garbled("the XML ends early, or is none".to_owned())
}

fn within(open: &mut [Element]) -> Result<&mut Element, Garbled> {
    open.last_mut().ok_or_else(unbalanced)
}

fn add(open: &mut [Element], text: &str) -> Result<(), Garbled> {
    let element = within(open)?;
    if element.children.is_empty() {
        element.text.push_str(text);
    }
    Ok(())
}

/// `&lt;`, `&#x41;` and the like.
fn resolved(reference: &BytesRef<'_>) -> Result<String, Garbled> {
    let letter = reference.resolve_char_ref().map_err(|error| Garbled(error.to_string()))?;
    let named = || resolve_predefined_entity(reference).map(str::to_owned);
    letter.map(String::from).or_else(named).ok_or_else(|| Garbled(format!("unknown entity &{};", &**reference)))
}

fn element(start: &BytesStart<'_>) -> Result<Element, Garbled> {
    let name = start.local_name().as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| Garbled(error.to_string()))?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
        let value = value.map_err(|error| Garbled(error.to_string()))?.into_owned();
        attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

impl Element {
    /// The first child of that name.
    pub(in super::super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element that the query protocol wraps results in.
    pub(super) fn inside(&self, wrapper: Option<&str>) -> Result<&Element, Garbled> {
        let Some(wrapper) = wrapper else { return Ok(self) };
        self.child(wrapper).ok_or_else(|| Garbled(format!("no <{wrapper}> in <{}>", self.name)))
    }
}

/// Reads elements by their shape.
pub(super) struct Reader<'a> {
    pub service: &'a Service,
}

impl Reader<'_> {
    pub(super) fn structure(&self, shape: &Structure, element: &Element) -> Result<Value, Garbled> {
        let mut out = Map::new();
        for (name, member) in shape.members.iter().filter(|(_, member)| member.in_answer()) {
            if let Some(value) = self.member(name, member, element)? {
                out.insert(name.to_owned(), value);
            }
        }
        Ok(Value::Object(out))
    }

    fn member(&self, name: &str, member: &MemberTraits, element: &Element) -> Result<Option<Value>, Garbled> {
        let key = self.key(name, member);
        if member.attribute {
            let found = element.attributes.iter().find(|(known, _)| known == key);
            return found.map(|(_, text)| scalar(member.kind, text)).transpose();
        }
        match self.service.shape(member.kind) {
            Some(Shape::List(list)) if list.flat || member.flat => self.flat_list(key, list, element),
            Some(Shape::Map(map)) if map.flat || member.flat => {
                let entries: Vec<&Element> = element.children.iter().filter(|child| child.name == key).collect();
                if entries.is_empty() { Ok(None) } else { self.map(map, &entries).map(Some) }
            }
            _ => element.child(key).map(|found| self.value(member, found)).transpose(),
        }
    }

    /// A flattened list stands under its elements' name.
    fn key<'a>(&self, name: &'a str, member: &MemberTraits) -> &'a str
    where
        'static: 'a,
    {
        match self.service.shape(member.kind) {
            Some(Shape::List(list)) if list.flat || member.flat => list.element.name.or(member.name).unwrap_or(name),
            _ => member.wire_name(name),
        }
    }

    pub(super) fn value(&self, member: &MemberTraits, element: &Element) -> Result<Value, Garbled> {
        match self.service.shape(member.kind) {
            Some(Shape::Structure(shape)) => self.structure(shape, element),
            Some(Shape::List(list)) => element.children.iter().map(|item| self.value(&list.element, item)).collect(),
            Some(Shape::Map(map)) => self.map(map, &element.children.iter().collect::<Vec<_>>()),
            None => scalar(member.kind, &element.text),
        }
    }

    fn flat_list(&self, key: &str, list: &List, element: &Element) -> Result<Option<Value>, Garbled> {
        let items = element.children.iter().filter(|child| child.name == key);
        let items = items.map(|item| self.value(&list.element, item)).collect::<Result<Vec<_>, _>>()?;
        Ok(if items.is_empty() { None } else { Some(Value::Array(items)) })
    }

    fn map(&self, shape: &MapShape, entries: &[&Element]) -> Result<Value, Garbled> {
        let mut out = Map::new();
        for entry in entries {
            let key = entry.child(shape.key.wire_name("key"));
            let key = key.ok_or_else(|| Garbled(format!("a map's <{}> has no key", entry.name)))?;
            if let Some(value) = entry.child(shape.value.wire_name("value")) {
                out.insert(key.text.clone(), self.value(&shape.value, value)?);
            }
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use serde_json::{Value, json};

    fn check(service: &str, operation: &str, body: &str, expect: Value) {
        assert_eq!(parsed(service, operation, &[], body).unwrap(), expect);
    }

    #[test]
    fn ec2_sets_become_lists() {
        check(
            "ec2",
            "DescribeVpcs",
            "<DescribeVpcsResponse xmlns='http://ec2.amazonaws.com/doc/2016-11-15/'><requestId>r</requestId><vpcSet>\
             <item><vpcId>vpc-1</vpcId><isDefault>true</isDefault></item><item><vpcId>vpc-2</vpcId></item></vpcSet>\
             </DescribeVpcsResponse>",
            json!({"Vpcs": [{"VpcId": "vpc-1", "IsDefault": true}, {"VpcId": "vpc-2"}]}),
        );
    }

    #[test]
    fn query_results_are_taken_out_of_their_wrapper() {
        check(
            "iam",
            "ListAccountAliases",
            "<ListAccountAliasesResponse><ListAccountAliasesResult><AccountAliases><member>a&amp;b&#x41;</member>\
             </AccountAliases><IsTruncated>false</IsTruncated></ListAccountAliasesResult></ListAccountAliasesResponse>",
            json!({"AccountAliases": ["a&bA"], "IsTruncated": false}),
        );
    }

    #[test]
    fn missing_wrapper_and_early_end_are_errors() {
        assert!(parsed("iam", "ListUsers", &[], "<ListUsersResponse/>").is_err());
        assert!(parsed("ec2", "DescribeVpcs", &[], "<DescribeVpcsResponse><vpcSet><item>").is_err());
        assert!(parsed("ec2", "DescribeVpcs", &[], "").is_err());
        assert!(parsed("ec2", "DescribeVpcs", &[], "Service Unavailable").is_err());
    }

    #[test]
    fn flattened_lists_and_two_kinds_side_by_side() {
        check(
            "s3",
            "ListObjectVersions",
            "<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key> a </Key><VersionId>1</VersionId>\
             <Size>5</Size></Version><DeleteMarker><Key>a</Key><VersionId>2</VersionId></DeleteMarker></ListVersionsResult>",
            json!({
                "IsTruncated": false,
                "Versions": [{"Key": " a ", "VersionId": "1", "Size": 5}],
                "DeleteMarkers": [{"Key": "a", "VersionId": "2"}],
            }),
        );
    }
}

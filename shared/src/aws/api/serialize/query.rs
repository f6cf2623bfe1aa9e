//! The query protocol, and EC2's variant of it: everything is a flat list of form fields.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>, <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>

use serde_json::{Map, Value};

use super::super::model::{
    List, Map as MapShape, MemberTraits, Operation, Protocol, Service, Shape, Structure, TimeFormat,
};
use super::{Wire, encoded, text};

pub(super) fn request(service: &Service, name: &str, operation: &Operation, params: &Map<String, Value>) -> Wire {
    let mut form = Form { service, ec2: service.protocol == Protocol::Ec2, body: String::new() };
    form.field("Action", name);
    form.field("Version", service.version);
    if let Some(input) = service.structure(operation.input) {
        form.structure("", input, params);
    }
    Wire {
        path: "/".to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded; charset=utf-8".to_owned())],
        body: form.body.into_bytes(),
        ..Wire::default()
    }
}

struct Form<'a> {
    service: &'a Service,
    ec2: bool,
    body: String,
}

impl Form<'_> {
    fn field(&mut self, key: &str, value: &str) {
        if !self.body.is_empty() {
            self.body.push('&');
        }
        self.body.push_str(&encoded(key));
        self.body.push('=');
        self.body.push_str(&encoded(value));
    }

    fn structure(&mut self, prefix: &str, shape: &Structure, given: &Map<String, Value>) {
        for (name, member) in shape.members.iter() {
            if let Some(value) = given.get(name) {
                self.value(&joined(prefix, &self.name(member, name)), member, value);
            }
        }
    }

    fn value(&mut self, key: &str, member: &MemberTraits, value: &Value) {
        match (self.service.shape(member.kind), value) {
            (Some(Shape::Structure(shape)), Value::Object(given)) => self.structure(key, shape, given),
            (Some(Shape::List(shape)), Value::Array(items)) => self.list(key, shape, member.flat, items),
            (Some(Shape::Map(shape)), Value::Object(given)) => self.map(key, shape, member.flat, given),
            _ => self.field(key, &text(value, member, TimeFormat::Iso8601)),
        }
    }

    fn list(&mut self, key: &str, shape: &List, flat: bool, items: &[Value]) {
        // EC2 has no way to say "empty list"; the query protocol says it with an empty field.
        if items.is_empty() && !self.ec2 {
            return self.field(key, "");
        }
        let prefix = match (self.ec2, shape.flat || flat, shape.element.name) {
            (true, ..) | (false, true, None) => key.to_owned(),
            // A flattened list is called what its elements are called.
            (false, true, Some(name)) => joined(key.rsplit_once('.').map_or("", |(outer, _)| outer), name),
            (false, false, name) => joined(key, name.unwrap_or("member")),
        };
        for (n, item) in items.iter().enumerate() {
            self.value(&format!("{prefix}.{}", n + 1), &shape.element, item);
        }
    }

    fn map(&mut self, key: &str, shape: &MapShape, flat: bool, given: &Map<String, Value>) {
        let prefix = if shape.flat || flat { key.to_owned() } else { format!("{key}.entry") };
        for (n, (name, value)) in given.iter().enumerate() {
            self.field(&format!("{prefix}.{}.{}", n + 1, shape.key.wire_name("key")), name);
            self.value(&format!("{prefix}.{}.{}", n + 1, shape.value.wire_name("value")), &shape.value, value);
        }
    }

    /// EC2 has names of its own, or capitalizes the XML ones.
    fn name(&self, member: &MemberTraits, name: &str) -> String {
        match (self.ec2, member.query, member.name) {
            (true, Some(query), _) => query.to_owned(),
            (true, None, _) => capitalized(member.wire_name(name)),
            _ => member.wire_name(name).to_owned(),
        }
    }
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::tests::wire;
    use serde_json::{Value, json};

    fn check(service: &str, operation: &str, params: Value, expect: &str) {
        let body = String::from_utf8(wire(service, operation, params).body).unwrap();
        let fields = body.split_once("&Version=").unwrap().1.split_once('&').map_or("", |(_, fields)| fields);
        assert_eq!(fields, expect);
    }

    #[test]
    fn ec2_lists_carry_the_singular_name_and_count_from_one() {
        check(
            "ec2",
            "DescribeVpcs",
            json!({"VpcIds": ["vpc-1", "vpc-2"], "Filters": [{"Name": "is-default", "Values": ["true"]}]}),
            "Filter.1.Name=is-default&Filter.1.Value.1=true&VpcId.1=vpc-1&VpcId.2=vpc-2",
        );
    }

    #[test]
    fn ec2_leaves_empty_lists_out() {
        check("ec2", "DescribeVpcs", json!({"VpcIds": []}), "");
    }

    #[test]
    fn query_lists_have_members() {
        check(
            "iam",
            "TagRole",
            json!({"RoleName": "a b", "Tags": [{"Key": "k", "Value": "ü"}]}),
            "RoleName=a%20b&Tags.member.1.Key=k&Tags.member.1.Value=%C3%BC",
        );
    }

    #[test]
    fn query_maps_have_entries() {
        check(
            "sns",
            "CreateTopic",
            json!({"Name": "n", "Attributes": {"DisplayName": "d"}}),
            "Name=n&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=d",
        );
    }

    #[test]
    fn timestamps_are_iso_and_numbers_plain() {
        check(
            "cloudwatch",
            "GetMetricStatistics",
            json!({"Namespace": "n", "MetricName": "m", "StartTime": 0, "EndTime": "2026-01-01T00:00:00Z", "Period": 60}),
            "Namespace=n&MetricName=m&StartTime=1970-01-01T00%3A00%3A00Z&EndTime=2026-01-01T00%3A00%3A00Z&Period=60",
        );
    }
}

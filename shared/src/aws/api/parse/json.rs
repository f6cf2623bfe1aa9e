//! JSON answers.

use serde_json::{Map, Value};

use super::super::model::{Kind, MemberTraits, Service, Shape, Structure};
use super::{Garbled, timestamp};

/// The body of the JSON protocol. Only an operation with nothing to say may say nothing.
pub(super) fn body(service: &Service, shape: &Structure, body: &[u8]) -> Result<Value, Garbled> {
    if body.is_empty() && !shape.has_answer() {
        return Ok(Value::Object(Map::new()));
    }
    structure(service, shape, &read(body)?)
}

pub(super) fn read(body: &[u8]) -> Result<Value, Garbled> {
    serde_json::from_slice(body).map_err(|error| Garbled(format!("not JSON: {error}")))
}

pub(super) fn structure(service: &Service, shape: &Structure, given: &Value) -> Result<Value, Garbled> {
    let Value::Object(given) = given else { return Err(Garbled(format!("an object was expected: {}", start(given)))) };
    let mut out = Map::new();
    for (name, member) in shape.members.iter().filter(|(_, member)| member.in_answer()) {
        if let Some(found) = given.get(member.wire_name(name)).filter(|found| !found.is_null()) {
            out.insert(name.to_owned(), value(service, member, found)?);
        }
    }
    Ok(Value::Object(out))
}

pub(super) fn value(service: &Service, member: &MemberTraits, given: &Value) -> Result<Value, Garbled> {
    if given.is_null() {
        return Ok(Value::Null);
    }
    match (service.shape(member.kind), given) {
        (Some(Shape::Structure(shape)), _) => structure(service, shape, given),
        (Some(Shape::List(shape)), Value::Array(items)) => {
            items.iter().map(|item| value(service, &shape.element, item)).collect()
        }
        (Some(Shape::Map(shape)), Value::Object(given)) => given
            .iter()
            .map(|(key, item)| Ok((key.clone(), value(service, &shape.value, item)?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        (Some(_), _) => Err(Garbled(format!("a list or an object was expected: {}", start(given)))),
        (None, _) if member.kind == Kind::Timestamp => timestamp(given),
        (None, _) => Ok(given.clone()),
    }
}

/// Enough of a value to recognize it by.
fn start(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use serde_json::{Value, json};

    fn check(service: &str, operation: &str, body: &str, expect: Value) {
        assert_eq!(parsed(service, operation, &[], body).unwrap(), expect);
    }

    #[test]
    fn timestamps_come_out_as_rfc_3339() {
        let body = r#"{"Accounts":[{"Id":"111122223333","JoinedTimestamp":1795309323.5,"New":1}]}"#;
        let expect = json!({"Accounts": [{"Id": "111122223333", "JoinedTimestamp": "2026-11-22T01:02:03.5Z"}]});
        check("organizations", "ListAccounts", body, expect);
    }

    #[test]
    fn nulls_are_left_out() {
        check(
            "dynamodb",
            "ListTables",
            r#"{"TableNames":[],"LastEvaluatedTableName":null}"#,
            json!({"TableNames": []}),
        );
    }

    #[test]
    fn list_cut_off_is_an_error_and_not_an_empty_list() {
        assert!(parsed("dynamodb", "ListTables", &[], r#"{"TableNames":["a""#).is_err());
        assert!(parsed("dynamodb", "ListTables", &[], "").is_err());
        assert!(parsed("dynamodb", "ListTables", &[], r#"{"TableNames":"a"}"#).is_err());
    }

    #[test]
    fn empty_body_is_fine_where_nothing_is_expected() {
        check("sqs", "DeleteQueue", "", json!({}));
    }
}

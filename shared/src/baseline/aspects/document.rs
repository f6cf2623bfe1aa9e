//! Policy documents: trust, resource and key policies, compared as documents and not as texts.
//!
//! Lists of one and lists in another order count as equal. Each statement of ours carries a `Sid` that begins with
//! [`SID`], so that a change replaces it and the statements of others stay.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// How the `Sid` of each statement of ours begins.
pub(super) const SID: &str = "Forester";

/// How the `Sid` begins of a statement of ours in the document of something that another aspect keeps.
pub(super) const SHARED: &str = "SharedByForester";

/// The document in an answer: IAM answers with URL-encoded text, others with plain text.
pub(super) fn decoded(answer: &Value) -> Value {
    let Some(text) = answer.as_str() else { return answer.clone() };
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&decoded).unwrap_or(Value::Null)
}

/// Whether two documents say the same.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    canonical(one) == canonical(other)
}

/// Our statements in the place of earlier ones of ours, and the statements of others as they are. What is there already
/// under another `Sid` is not said twice; a document that needs no change comes back as it was.
pub(super) fn beside_others(ours: Value, seen: &Value) -> Value {
    beside(SID, ours, seen)
}

/// The same for statements of ours whose `Sid` begins with `sid`.
pub(super) fn beside(sid: &str, ours: Value, seen: &Value) -> Value {
    let (mine, theirs) = (statements(&ours), statements(seen));
    let equal = |one: &Value, other: &Value| without_sid(&canonical(one)) == without_sid(&canonical(other));
    let wanted = |statement: &Value| mine.iter().any(|mine| equal(mine, statement));
    let stale = |statement: &Value| begins(statement, sid) && !wanted(statement);
    let there = |mine: &Value| theirs.iter().any(|statement| equal(mine, statement));
    if mine.iter().all(there) && !theirs.iter().any(stale) {
        return seen.clone();
    }
    let kept = theirs.iter().filter(|statement| !begins(statement, sid) && !wanted(statement)).cloned();
    let version = seen.get("Version").cloned().unwrap_or_else(|| "2012-10-17".into());
    json!({ "Version": version, "Statement": kept.chain(mine.iter().cloned()).collect::<Vec<_>>() })
}

/// How many statements allow something that is not ours to say.
pub(super) fn others(ours: &Value, seen: &Value) -> usize {
    let equal = |one: &Value, other: &Value| without_sid(&canonical(one)) == without_sid(&canonical(other));
    let mine = statements(ours);
    let allows = |statement: &Value| statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let foreign = |statement: &&Value| allows(statement) && !mine.iter().any(|mine| equal(mine, statement));
    statements(seen).iter().filter(foreign).count()
}

/// Our statements, and those of what is declared elsewhere; nothing that somebody else put there.
pub(super) fn without_others(ours: Value, seen: &Value) -> Value {
    let shared = statements(seen).into_iter().filter(|statement| begins(statement, SHARED));
    let all: Vec<Value> = statements(&ours).into_iter().chain(shared).collect();
    json!({ "Version": "2012-10-17", "Statement": all })
}

/// The statements of a document, which may be a list or a single one.
pub(super) fn statements(document: &Value) -> Vec<Value> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(Value::Object(statement)) => vec![Value::Object(statement.clone())],
        _ => Vec::new(),
    }
}

/// Whether a statement is one of ours.
pub(super) fn is_ours(statement: &Value) -> bool {
    begins(statement, SID) || begins(statement, SHARED)
}

fn begins(statement: &Value, with: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str).is_some_and(|sid| sid.starts_with(with))
}

fn without_sid(statement: &Value) -> Value {
    let mut statement = statement.clone();
    if let Value::Object(entries) = &mut statement {
        entries.remove("Sid");
    }
    statement
}

/// The same document for every way of writing it: no lists of one, other lists in order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(canonical).collect();
            items.sort_by_key(Value::to_string);
            items.dedup();
            match items.as_slice() {
                [one] => one.clone(),
                _ => Value::Array(items),
            }
        }
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), canonical(value))).collect(),
        Value::Bool(flag) => flag.to_string().into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": SID, "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::222233334444:root"]}}]})
    }

    #[test]
    fn documents_are_equal_in_any_order_and_with_lists_of_one() {
        let other = json!({"Statement": {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Sid": SID,
            "Principal": {"AWS": ["arn:aws:iam::222233334444:root", "arn:aws:iam::111122223333:root"]}},
            "Version": "2012-10-17"});
        assert!(same(&ours(), &other));
    }

    #[test]
    fn url_encoded_documents_are_decoded() {
        let text = "%7B%22Version%22%3A%222012-10-17%22%7D";
        assert_eq!(decoded(&text.into()), json!({"Version": "2012-10-17"}));
        assert_eq!(decoded(&"{\"Version\": 1}".into()), json!({"Version": 1}));
    }

    #[test]
    fn statements_of_others_stay_and_an_old_one_of_ours_goes() {
        let other =
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
        let old = json!({"Sid": SID, "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}});
        let merged = beside_others(ours(), &json!({"Version": "2008-10-17", "Statement": [other, old]}));
        assert_eq!(merged, json!({"Version": "2008-10-17", "Statement": [other, ours()["Statement"][0]]}));
        assert_eq!(beside_others(ours(), &merged), merged);
    }

    #[test]
    fn what_another_aspect_says_in_a_document_stays_when_others_go() {
        let shared = json!({"Sid": format!("{SHARED}Images"), "Effect": "Allow", "Action": "kms:Decrypt"});
        let other = json!({"Effect": "Allow", "Action": "kms:*"});
        let seen = json!({"Statement": [shared, other]});
        let alone = without_others(ours(), &seen);
        assert_eq!(alone["Statement"], json!([ours()["Statement"][0], shared]));
        assert_eq!(beside_others(ours(), &alone), alone);
    }

    #[test]
    fn equal_statement_under_another_name_is_enough() {
        let mut seen = ours();
        seen["Statement"][0]["Sid"] = "Console".into();
        assert_eq!(beside_others(ours(), &seen), seen);
    }
}

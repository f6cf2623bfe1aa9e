//! What a subscription of a log group hands over: base64 around gzip around JSON, with many log events in it.
//!
//! CloudWatch Logs now and then asks by a control message whether anybody is there; nothing is in it
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde_json::Value;

use super::Message;

/// The most that one message may unfold to; CloudWatch Logs packs about a megabyte.
const LIMIT: usize = 32 * 1024 * 1024;

/// The log events in it, each a message; `None` where it is no such thing, or cannot be unpacked.
pub(super) fn open(payload: &Value) -> Option<Vec<Message>> {
    let packed = STANDARD.decode(payload.pointer("/awslogs/data")?.as_str()?).ok()?;
    let document: Value = serde_json::from_slice(&unpacked(&packed)?).ok()?;
    if document.get("messageType").and_then(Value::as_str) == Some("CONTROL_MESSAGE") {
        return Some(Vec::new());
    }
    let group = document.get("logGroup").and_then(Value::as_str).unwrap_or_default();
    let events = document.get("logEvents")?.as_array()?.iter().enumerate();
    let message = |(n, event): (usize, &Value)| {
        let own = event.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = own.map_or_else(|| format!("{group}#{n}"), str::to_owned);
        Message::direct(id, event.get("message").and_then(Value::as_str).unwrap_or_default())
    };
    Some(events.map(message).collect())
}

/// Gzip's frame around a deflated stream: a header with optional parts, and a checksum at the end
/// (<https://www.rfc-editor.org/rfc/rfc1952>).
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let [0x1f, 0x8b, 8, flags, _, _, _, _, _, _, rest @ ..] = bytes else { return None };
    let mut rest = rest;
    if flags & 4 != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for named in [8, 16] {
        if flags & named != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    let (deflated, tail) = rest.split_last_chunk::<8>()?;
    let unpacked = decompress_to_vec_with_limit(deflated, LIMIT).ok()?;
    let sum = u32::from_le_bytes(*tail.first_chunk::<4>()?);
    (crc32fast::hash(&unpacked) == sum).then_some(unpacked)
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::{Batch, open as opened};

    /// Gzip with these flags and what they announce.
    fn packed(text: &str, flags: u8, extra: &[u8]) -> Value {
        let mut bytes = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        bytes.extend_from_slice(extra);
        bytes.extend(compress_to_vec(text.as_bytes(), 6));
        bytes.extend(crc32fast::hash(text.as_bytes()).to_le_bytes());
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        json!({"awslogs": {"data": STANDARD.encode(bytes)}})
    }

    fn events() -> String {
        let events = [json!({"id": "1", "message": "{\"eventID\": \"a\"}"}), json!({"message": "plain"})];
        json!({"messageType": "DATA_MESSAGE", "logGroup": "trail", "logEvents": events}).to_string()
    }

    #[test]
    fn every_log_event_is_a_message() {
        let Batch::Topic(messages) = opened(&packed(&events(), 0, &[]), "r") else { panic!("not opened") };
        let found: Vec<_> = messages.iter().map(|message| (message.id.as_str(), message.text.as_str())).collect();
        assert_eq!(found, [("1", "{\"eventID\": \"a\"}"), ("trail#1", "plain")]);
    }

    #[test]
    fn optional_parts_of_the_header_are_skipped() {
        let parts = [(4, vec![2, 0, 7, 7]), (8, b"name\0".to_vec()), (16, b"comment\0".to_vec()), (2, vec![9, 9])];
        for (flags, extra) in parts {
            assert_eq!(open(&packed(&events(), flags, &extra)).map(|messages| messages.len()), Some(2), "{flags}");
        }
    }

    #[test]
    fn control_message_has_nothing_in_it() {
        let control = json!({"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]});
        assert_eq!(opened(&packed(&control.to_string(), 0, &[]), "r"), Batch::Topic(Vec::new()));
    }

    #[test]
    fn what_cannot_be_unpacked_arrives_as_it_is() {
        let mut broken = packed(&events(), 0, &[]);
        let data = broken["awslogs"]["data"].as_str().unwrap().to_owned();
        for wrong in ["", "!", "H4sI", &data[..data.len() - 12]] {
            broken["awslogs"]["data"] = json!(wrong);
            let Batch::Direct(message) = opened(&broken, "r") else { panic!("{wrong}") };
            assert!(message.text.contains("awslogs"));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), flags in any::<u8>()) {
            let mut framed = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
            framed.extend(bytes);
            open(&json!({"awslogs": {"data": STANDARD.encode(framed)}}));
        }
    }
}

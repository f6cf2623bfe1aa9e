//! Object keys may hold characters that XML cannot, so S3 is asked to encode them in listings, and they are decoded here:
//! an object whose name cannot be read cannot be deleted.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>, `encoding-type`

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

const LISTINGS: [&str; 4] = ["ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"];
const NAMES: [&str; 8] =
    ["Delimiter", "KeyMarker", "Marker", "NextKeyMarker", "NextMarker", "Prefix", "StartAfter", "Key"];
const LISTS: [&str; 5] = ["Contents", "Versions", "DeleteMarkers", "Uploads", "CommonPrefixes"];

/// Asks for encoded keys; tells whether it did. A caller who asks wants them encoded.
pub(super) fn ask(service: &str, operation: &str, params: &mut Map<String, Value>) -> bool {
    if service != "s3" || !LISTINGS.contains(&operation) || params.contains_key("EncodingType") {
        return false;
    }
    params.insert("EncodingType".to_owned(), Value::String("url".to_owned()));
    true
}

/// Decodes the keys of a listing that says it is encoded.
pub(super) fn decode(output: &mut Value) {
    let Value::Object(output) = output else { return };
    if output.remove("EncodingType").is_none() {
        return;
    }
    names(output);
    for list in LISTS {
        let items = output.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        items.filter_map(Value::as_object_mut).for_each(names);
    }
}

fn names(object: &mut Map<String, Value>) {
    for name in NAMES {
        if let Some(Value::String(text)) = object.get_mut(name) {
            // As in forms: a plus sign is a space.
            *text = percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_decoded_where_the_answer_says_so() {
        let mut output = json!({"EncodingType": "url", "NextKeyMarker": "a%01+b%2B", "Versions": [{"Key": "%0A"}]});
        decode(&mut output);
        assert_eq!(output, json!({"NextKeyMarker": "a\u{1} b+", "Versions": [{"Key": "\n"}]}));
        let mut plain = json!({"Versions": [{"Key": "100%"}]});
        decode(&mut plain);
        assert_eq!(plain, json!({"Versions": [{"Key": "100%"}]}));
    }
}

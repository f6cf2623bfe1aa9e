//! Checksums of request bodies, where a service wants one.
//!
//! S3 takes a choice of algorithms, of which CRC32 is what the SDKs send; services without the choice take Content-MD5.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value};

use super::model::{Algorithm, Operation};
use super::serialize::Wire;
use super::validate::Wrong;

/// Adds the operation's checksum, unless the caller brought one.
pub(super) fn add(operation: &Operation, params: &Map<String, Value>, wire: &mut Wire) -> Result<(), Wrong> {
    let Some(checksum) = &operation.checksum else { return Ok(()) };
    let brought =
        wire.headers.iter().any(|(name, _)| name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-type");
    if brought || wire.has_header("content-md5") {
        return Ok(());
    }
    match checksum.algorithm {
        Algorithm::Md5 => wire.headers.push(("content-md5".to_owned(), STANDARD.encode(Md5::digest(&wire.body)))),
        Algorithm::Crc32 => {
            let asked = checksum.member.and_then(|member| params.get(member)?.as_str()).unwrap_or("CRC32");
            if asked != "CRC32" {
                return Err(Wrong(format!("the checksum {asked} is not computed here; leave it out, or say CRC32")));
            }
            if !wire.has_header("x-amz-sdk-checksum-algorithm") {
                wire.headers.push(("x-amz-sdk-checksum-algorithm".to_owned(), "CRC32".to_owned()));
            }
            let sum = STANDARD.encode(crc32fast::hash(&wire.body).to_be_bytes());
            wire.headers.push(("x-amz-checksum-crc32".to_owned(), sum));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::model::Service;
    use super::super::serialize::tests::wire;
    use super::*;
    use serde_json::json;

    fn check(service: &str, name: &str, params: Value, expect: &[(&str, &str)]) {
        let mut wire = wire(service, name, params.clone());
        add(&Service::named(service).unwrap().operations[name], params.as_object().unwrap(), &mut wire).unwrap();
        for (header, value) in expect {
            assert!(wire.headers.contains(&((*header).to_owned(), (*value).to_owned())), "{:?}", wire.headers);
        }
    }

    #[test]
    fn bodies_are_summed_with_crc32() {
        let params = json!({"Bucket": "b", "Key": "k", "Body": "MTIzNDU2Nzg5"});
        check(
            "s3",
            "PutObject",
            params,
            &[("x-amz-checksum-crc32", "y/Q5Jg=="), ("x-amz-sdk-checksum-algorithm", "CRC32")],
        );
    }

    #[test]
    fn checksum_of_the_caller_is_kept() {
        let params = json!({"Bucket": "b", "Key": "k", "ChecksumSHA256": "abc"});
        let wire = &mut wire("s3", "PutObject", params.clone());
        add(&Service::named("s3").unwrap().operations["PutObject"], params.as_object().unwrap(), wire).unwrap();
        assert!(!wire.has_header("x-amz-checksum-crc32"));
    }
}

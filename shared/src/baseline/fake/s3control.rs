//! S3 Control of a fake account.

use serde_json::{Value, json};

use super::{Answer, FakeAccount};
use crate::aws::ErrorClass;

pub(super) fn s3control(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetPublicAccessBlock" => match &account.public_access_block {
            Some(block) => Ok(json!({ "PublicAccessBlockConfiguration": block })),
            None => Err((ErrorClass::Gone, "NoSuchPublicAccessBlockConfiguration")),
        },
        "PutPublicAccessBlock" => {
            account.public_access_block = Some(params["PublicAccessBlockConfiguration"].clone());
            Ok(json!({}))
        }
        _ => panic!("the fake does not know s3control:{operation}"),
    }
}

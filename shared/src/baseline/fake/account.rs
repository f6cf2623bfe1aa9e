//! The account service of a fake account.

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;

pub(super) fn account(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "ResourceNotFoundException");
    assert_eq!(params.get("AccountId"), None, "an account names itself by saying nothing");
    match operation {
        "GetAlternateContact" => {
            let contact = account.contacts.get(text(params, "AlternateContactType")).ok_or(GONE)?;
            Ok(json!({ "AlternateContact": contact }))
        }
        "PutAlternateContact" => {
            for member in ["Name", "Title", "EmailAddress", "PhoneNumber"] {
                assert!(!text(params, member).is_empty(), "{params}");
            }
            account.contacts.insert(text(params, "AlternateContactType").to_owned(), params.clone());
            Ok(json!({}))
        }
        "GetContactInformation" => {
            let phone = account.phone.as_ref().ok_or(GONE)?;
            Ok(json!({ "ContactInformation": { "PhoneNumber": phone } }))
        }
        "ListRegions" => {
            let region = |(name, status)| json!({ "RegionName": name, "RegionOptStatus": status });
            Ok(json!({ "Regions": account.opt_in.iter().map(region).collect::<Vec<_>>() }))
        }
        "EnableRegion" => {
            let changing = account.opt_in.values().filter(|status| status.ends_with("ABLING")).count();
            let status = account.opt_in.get_mut(&text(params, "RegionName").parse().unwrap());
            match status {
                Some(status) if status == "DISABLED" && changing < 6 => *status = "ENABLING".to_owned(),
                Some(_) => return Err((ErrorClass::Conflict, "ConflictException")),
                None => return Err((ErrorClass::Invalid, "ValidationException")),
            }
            Ok(json!({}))
        }
        _ => panic!("the fake does not know account:{operation}"),
    }
}

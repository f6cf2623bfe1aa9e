//! How a fake organization makes accounts: it takes the request, works on it for a while, and tells how it ended.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::organizations::{FakeMember, FakeOrganization};
use super::{Answer, text};
use crate::aws::ErrorClass;
use crate::types::AccountId;

/// The requests for accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeRequests {
    pub made: Vec<FakeRequest>,
    /// How often a request is asked for before it ends.
    pub patience: usize,
    /// Why the requests for these names fail.
    pub refusals: BTreeMap<String, String>,
}

/// A request for an account.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::baseline) struct FakeRequest {
    pub name: String,
    pub role: String,
    pub tags: BTreeMap<String, String>,
    pub left: usize,
    pub outcome: Option<Result<AccountId, String>>,
}

impl FakeRequest {
    fn state(&self) -> &str {
        match self.outcome {
            None => "IN_PROGRESS",
            Some(Ok(_)) => "SUCCEEDED",
            Some(Err(_)) => "FAILED",
        }
    }

    fn status(&self, n: usize) -> Value {
        let mut status = json!({ "Id": format!("car-{n:08}"), "AccountName": self.name, "State": self.state(),
            "RequestedTimestamp": format!("2026-11-22T10:00:{n:02}Z") });
        match &self.outcome {
            Some(Ok(id)) => status["AccountId"] = json!(id),
            Some(Err(reason)) => status["FailureReason"] = json!(reason),
            None => {}
        }
        status
    }
}

pub(super) fn requests(organization: &mut FakeOrganization, operation: &str, params: &Value) -> Answer {
    match operation {
        "CreateAccount" => create(organization, params),
        "ListCreateAccountStatus" => {
            go_on(organization);
            let states: Vec<&str> = params["States"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let made = organization.requests.made.iter().enumerate();
            let meant = made.filter(|(_, request)| states.contains(&request.state()));
            Ok(json!({ "CreateAccountStatuses": meant.map(|(n, request)| request.status(n)).collect::<Vec<_>>() }))
        }
        _ => panic!("the fake does not know organizations:{operation}"),
    }
}

fn create(organization: &mut FakeOrganization, params: &Value) -> Answer {
    let open = organization.requests.made.iter().filter(|request| request.outcome.is_none()).count();
    if open >= 5 {
        return Err((ErrorClass::Throttled, "TooManyRequestsException"));
    }
    let tags = params["Tags"].as_array().into_iter().flatten();
    let name = text(params, "AccountName").to_owned();
    let email = text(params, "Email");
    let taken = organization.members.values().any(|member| member.email() == email)
        || organization.requests.made.iter().any(|request| request.name == name && request.outcome.is_none());
    let requests = &mut organization.requests;
    let refusal = requests.refusals.get(&name).cloned();
    requests.made.push(FakeRequest {
        role: text(params, "RoleName").to_owned(),
        tags: tags.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned())).collect(),
        left: requests.patience,
        outcome: refusal.or(taken.then(|| "EMAIL_ALREADY_EXISTS".to_owned())).map(Err),
        name,
    });
    let n = requests.made.len() - 1;
    Ok(json!({ "CreateAccountStatus": { "Id": format!("car-{n:08}"), "State": "IN_PROGRESS" } }))
}

/// Whoever looks finds the requests a little further.
fn go_on(organization: &mut FakeOrganization) {
    let FakeOrganization { members, requests, .. } = organization;
    for (n, request) in requests.made.iter_mut().enumerate().filter(|(_, request)| request.outcome.is_none()) {
        if request.left > 0 {
            request.left -= 1;
            continue;
        }
        let id: AccountId = format!("9{n:011}").parse().unwrap();
        let member = FakeMember { tags: request.tags.clone(), ..FakeMember::new(&request.name, "") };
        members.insert(id.clone(), member);
        request.outcome = Some(Ok(id));
    }
}

//! Calls against a server on the loopback: what is tried again, what is not, and what the caller is told.

use serde_json::{Value, json};

use super::super::loopback::{Reply, Seen, serve};
use super::super::{Call as _, CallError, ErrorClass, Sdk};
use super::client::Client;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;

const ROLE: &str = "<GetRoleResponse><GetRoleResult><Role><RoleName>r</RoleName><RoleId>i</RoleId><Path>/</Path>\
                    <Arn>a</Arn><CreateDate>2026-11-22T00:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>";

fn client(sdk: &Sdk) -> Client {
    let keys: SharedCredentialsProvider = sdk.config().credentials_provider().unwrap();
    let identity = SharedIdentityResolver::new(keys);
    Client::new(sdk, "111122223333".parse().unwrap(), "eu-west-1".parse().unwrap(), identity)
}

fn error_body(code: &str) -> String {
    format!("<ErrorResponse><Error><Code>{code}</Code><Message>why</Message></Error></ErrorResponse>")
}

/// Asks for a role from a server that does `first` once and then answers; tells the outcome and the requests made.
async fn get_role(first: fn() -> Reply) -> (Result<Value, CallError>, usize, u64) {
    let (sdk, seen) = serve(move |n, _| if n == 0 { first() } else { Reply::Answer(200, ROLE.to_owned()) }).await;
    let found = client(&sdk).call("iam", "GetRole", json!({ "RoleName": "r" })).await;
    (found, count(&seen), sdk.meter().total())
}

fn count(seen: &Seen) -> usize {
    seen.lock().unwrap().len()
}

async fn passes_after(first: fn() -> Reply) {
    let (found, requests, calls) = get_role(first).await;
    assert_eq!(found.unwrap()["Role"]["RoleName"], "r");
    assert_eq!((requests, calls), (2, 1));
}

async fn fails_at_once(first: fn() -> Reply, class: ErrorClass) -> CallError {
    let (found, requests, _) = get_role(first).await;
    let error = found.unwrap_err();
    assert_eq!((error.class, requests), (class, 1));
    error
}

#[tokio::test]
async fn throttle_is_tried_again_and_counted_once() {
    passes_after(|| Reply::Answer(400, error_body("Throttling"))).await;
}

#[tokio::test]
async fn unavailable_service_is_tried_again() {
    passes_after(|| Reply::Answer(503, String::new())).await;
    passes_after(|| Reply::Answer(500, error_body("InternalFailure"))).await;
}

#[tokio::test]
async fn garbled_answer_is_tried_again() {
    passes_after(|| Reply::Answer(200, "<GetRoleResponse><GetRole".to_owned())).await;
    passes_after(|| Reply::Answer(200, "ceci n'est pas une réponse".to_owned())).await;
}

#[tokio::test]
async fn broken_connection_is_tried_again() {
    passes_after(|| Reply::Hangup).await;
}

#[tokio::test]
async fn operation_that_is_not_there_is_not_tried_again() {
    fails_at_once(|| Reply::Answer(501, "not implemented".to_owned()), ErrorClass::Unavailable).await;
    fails_at_once(|| Reply::Answer(500, "<html>Not Implemented</html>".to_owned()), ErrorClass::Unavailable).await;
    fails_at_once(|| Reply::Answer(404, "<!doctype html>no page".to_owned()), ErrorClass::Other).await;
}

#[tokio::test]
async fn refusal_is_final_and_keeps_code_and_request_id() {
    let error = fails_at_once(|| Reply::Answer(403, error_body("AccessDenied")), ErrorClass::Denied).await;
    assert_eq!(error.to_string(), "iam:GetRole in 111122223333/eu-west-1: AccessDenied: why (request r-0)");
}

#[tokio::test]
async fn lasting_throttle_is_told_as_one() {
    let (sdk, seen) = serve(|_, _| Reply::Answer(400, error_body("Throttling"))).await;
    let error = client(&sdk).call("iam", "GetRole", json!({ "RoleName": "r" })).await.unwrap_err();
    assert_eq!((error.class, count(&seen)), (ErrorClass::Throttled, 3));
}

#[tokio::test]
async fn lasting_garbage_is_a_trouble_of_the_moment() {
    let (sdk, _) = serve(|_, _| Reply::Answer(200, "{".to_owned())).await;
    let error = client(&sdk).call("dynamodb", "ListTables", json!({})).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient);
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_sent() {
    let (sdk, seen) = serve(|_, _| Reply::Hangup).await;
    for (service, operation, params) in [
        ("mainframe", "Boot", json!({})),
        ("iam", "Boot", json!({})),
        ("iam", "GetRole", json!({})),
        ("iam", "GetRole", json!({ "RoleName": "r", "Colour": "red" })),
    ] {
        let error = client(&sdk).call(service, operation, params).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Invalid, "{error}");
    }
    assert_eq!((count(&seen), sdk.meter().total()), (0, 0));
}

#[tokio::test]
async fn pages_go_on_to_the_last() {
    let (sdk, seen) = serve(|n, _| {
        let page = ["{\"TableNames\":[\"a\"],\"LastEvaluatedTableName\":\"a\"}", "{\"TableNames\":[\"b\"]}"];
        Reply::Answer(200, page[n].to_owned())
    })
    .await;
    let tables = client(&sdk).pages("dynamodb", "ListTables", json!({ "Limit": 1 })).await.unwrap();
    assert_eq!(tables, [json!("a"), json!("b")]);
    let second = seen.lock().unwrap()[1].clone();
    assert!(second.ends_with("{\"ExclusiveStartTableName\":\"a\",\"Limit\":1}"), "{second}");
}

#[tokio::test]
async fn page_that_fails_fails_the_whole_list() {
    let (sdk, _) = serve(|n, _| match n {
        0 => Reply::Answer(200, "{\"TableNames\":[\"a\"],\"LastEvaluatedTableName\":\"a\"}".to_owned()),
        _ => Reply::Answer(400, "{\"__type\":\"AccessDeniedException\"}".to_owned()),
    })
    .await;
    let error = client(&sdk).pages("dynamodb", "ListTables", json!({})).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Denied);
}

#[tokio::test]
async fn request_is_signed_for_the_region_where_a_global_service_lives() {
    let (sdk, seen) = serve(|_, _| Reply::Answer(200, ROLE.to_owned())).await;
    client(&sdk).call("iam", "GetRole", json!({ "RoleName": "r" })).await.unwrap();
    let request = seen.lock().unwrap()[0].clone();
    assert!(request.contains("/us-east-1/iam/aws4_request"), "{request}");
    assert!(request.contains("user-agent: aws-sdk-rust/"), "{request}");
}

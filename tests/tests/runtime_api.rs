//! The Runtime API stub and the official runtime understand each other.

#![expect(clippy::unwrap_used, reason = "a helper of tests may panic, too")]

use std::path::Path;

use forester_e2e::runtime_api::{Answer, Function, StartError};
use serde_json::json;

const NONE: [(&str, &str); 0] = [];

async fn parrot() -> Function {
    Function::start(Path::new(env!("CARGO_BIN_EXE_parrot")), NONE).await.unwrap()
}

#[tokio::test]
async fn events_are_answered_one_after_the_other() {
    let mut function = parrot().await;
    for number in 0..3 {
        let outcome = function.invoke(&json!({ "number": number })).await;
        assert_eq!(outcome.answer, Answer::Response(json!({ "number": number })));
        assert!(!outcome.elapsed.is_zero());
    }
}

#[tokio::test]
async fn a_start_is_timed_and_weighed() {
    let function = parrot().await;
    assert!(!function.first_poll.is_zero());
    let memory = function.memory();
    assert!(memory.rss_kib > 0 && memory.peak_kib >= memory.rss_kib, "{memory:?}");
}

#[tokio::test]
async fn an_error_keeps_its_type_and_message() {
    let outcome = parrot().await.invoke(&json!({ "fail": "no role" })).await;
    assert_eq!(outcome.answer, Answer::Error { kind: "Denied".to_owned(), message: "no role".to_owned() });
}

#[tokio::test]
async fn a_function_survives_what_is_not_json() {
    let mut function = parrot().await;
    let outcome = function.invoke_bytes("{\"cut\": ").await;
    assert!(matches!(outcome.answer, Answer::Error { .. }), "{outcome:?}");
    assert_eq!(function.invoke(&json!(1)).await.answer, Answer::Response(json!(1)));
}

#[tokio::test]
async fn a_process_that_ends_is_an_error_and_not_a_wait() {
    let outcome = parrot().await.invoke(&json!({ "exit": true })).await;
    let Answer::Error { kind, message } = outcome.answer else { panic!("{outcome:?}") };
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.contains("exit status: 3"), "{message}");
}

#[tokio::test]
async fn what_was_logged_before_the_answer_is_there_with_it() {
    let mut function = parrot().await;
    function.invoke(&json!("hello")).await;
    assert!(function.log().contains("\"hello\""), "{}", function.log());
    assert!(function.stop().await.contains("\"hello\""));
}

#[tokio::test]
async fn a_function_that_refuses_to_start_says_why() {
    let program = Path::new(env!("CARGO_BIN_EXE_parrot"));
    let problem = Function::start(program, [("PARROT_REFUSES", "1")]).await.unwrap_err();
    let StartError::Ended { status, log } = problem else { panic!("{problem}") };
    assert_eq!(status, "exit status: 7");
    assert!(log.contains("PARROT_REFUSES"), "{log}");
}

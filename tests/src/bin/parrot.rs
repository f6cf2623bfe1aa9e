//! A function that does what its event says: it proves the Runtime API stub against the official runtime.

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("PARROT_REFUSES").is_some() {
        println!("no variable may be called PARROT_REFUSES");
        std::process::exit(7);
    }
    lambda_runtime::run(service_fn(answer)).await
}

async fn answer(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    println!("{}: {}", event.context.request_id, event.payload);
    if let Some(message) = event.payload.get("fail").and_then(Value::as_str) {
        return Err(Diagnostic { error_type: "Denied".to_owned(), error_message: message.to_owned() });
    }
    if event.payload.get("exit").is_some() {
        std::process::exit(3);
    }
    Ok(event.payload)
}

//! Reads, confirms, enriches and routes budget notifications and cost anomalies.

use forester::{Forester, Refused};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::run("budget-router", Refused::GoesOn, Forester::router).await
}

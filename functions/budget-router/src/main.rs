//! Reads, confirms, enriches and routes budget notifications and cost anomalies.

use forester::Forester;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::telemetry::start_for_lambda();
    let forester = Forester::from_env().await?;
    forester::function::serve("budget-router", forester.router()?).await
}

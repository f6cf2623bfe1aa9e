//! Empties sandbox accounts slice by slice, proves that they are empty, and hands them to the baseline.

use forester::Forester;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::telemetry::start_for_lambda();
    let forester = Forester::from_env().await?;
    forester::function::serve("sandbox-reset", forester.reset()?).await
}

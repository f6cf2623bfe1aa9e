//! Brings accounts to their declared baseline, and keeps them there.

use forester::Forester;
use forester::baseline::BaselineJob;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::telemetry::start_for_lambda();
    let forester = Forester::from_env().await?;
    forester::function::serve("account-baseline", BaselineJob::new(&forester)).await
}

//! Finds the CloudTrail events behind an alarm, and fans them out to the people concerned.

use forester::Forester;
use forester::alert::Router;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::telemetry::start_for_lambda();
    let forester = Forester::from_env().await?;
    forester::function::serve("alarm-fanout", Router::new(&forester)?).await
}

//! Takes deliveries from the outbox's queue to their channels, each once.

use forester::Forester;
use forester::alert::Deliverer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::telemetry::start_for_lambda();
    let forester = Forester::from_env().await?;
    forester::function::serve("alert-delivery", Deliverer::queued(&forester)?).await
}

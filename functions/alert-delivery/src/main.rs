//! Takes deliveries from the outbox's queue to their channels, each once.

use forester::Refused;
use forester::alert::Deliverer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::run("alert-delivery", Refused::GoesOn, Deliverer::queued).await
}

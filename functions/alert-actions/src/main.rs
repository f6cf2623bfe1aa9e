//! Acknowledges matters for people, by a signed link or a button in a chat.

use forester::Forester;
use forester::alert::Actions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::telemetry::start_for_lambda();
    let forester = Forester::from_env().await?;
    forester::function::serve("alert-actions", Actions::new(&forester)?).await
}

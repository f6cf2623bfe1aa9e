//! Acknowledges matters for people, by a signed link or a button in a chat.

use forester::Refused;
use forester::alert::Actions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::run("alert-actions", Refused::GoesOn, Actions::new).await
}

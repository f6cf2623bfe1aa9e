//! Finds the CloudTrail events behind an alarm, and fans them out to the people concerned.

use forester::Refused;
use forester::alert::Router;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::run("alarm-fanout", Refused::GoesOn, Router::new).await
}

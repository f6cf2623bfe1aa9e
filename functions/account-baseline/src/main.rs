//! Brings accounts to their declared baseline, and keeps them there.

use std::convert::Infallible;

use forester::Refused;
use forester::baseline::BaselineJob;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::run("account-baseline", Refused::GoesOn, |forester| Ok::<_, Infallible>(BaselineJob::new(forester))).await
}

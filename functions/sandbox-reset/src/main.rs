//! Empties sandbox accounts slice by slice, proves that they are empty, and hands them to the baseline.

use forester::{Forester, Refused};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    forester::run("sandbox-reset", Refused::Stops, Forester::reset).await
}

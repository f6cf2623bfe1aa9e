//! The four jobs on the local stack: the deployed functions, woken by their real events.

use forester_e2e::Outcome;
use forester_e2e::jobs;
use forester_e2e::local::Local;

#[tokio::test]
async fn four_events_make_four_functions_do_their_jobs() -> Outcome<()> {
    let mut local = Local::start(&|_| ()).await?;
    jobs::baseline::run(&mut local).await?;
    assert_eq!(jobs::baseline::again(&local).await?, Vec::<String>::new(), "a second run makes no write call");
    jobs::reset::run(&local).await?;
    jobs::budget::run(&local).await?;
    jobs::alarm::run(&local).await?;
    local.stack.stop().await
}

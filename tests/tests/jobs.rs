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
    judged(&local).await?;
    local.stack.stop().await
}

/// Every function of the four jobs acted with its role's policies and no others: the stack asked them at each call, and when
/// it stops it says what was denied.
async fn judged(local: &Local) -> Outcome<()> {
    let verdicts = local.stack.verdicts().await?;
    for function in ["AccountBaseline", "SandboxReset", "BudgetRouter", "AlarmFanout", "AlertDelivery"] {
        let role = format!("{}/{}", local.stack.management, local.deployment.resource(&format!("{function}Role"))?);
        let allowed = verdicts.get(&role).and_then(|verdicts| verdicts.get("allowed"));
        let actions = allowed.ok_or_else(|| format!("{role} was never judged: {verdicts:?}"))?;
        assert!(actions.contains_key("dynamodb:UpdateItem"), "{role} remembers nothing: {actions:?}");
    }
    // `stop` judges what they held; here it is sure that they were looked at.
    let held = local.stack.memory();
    assert!(!cfg!(target_os = "linux") || held.len() == 5, "{held:?}");
    Ok(())
}

//! Members that hold what `forester deploy --members` gives them and nothing else: its role is the only way in, and it is
//! held to its policies and its boundary at each call.

use forester_e2e::Outcome;
use forester_e2e::jobs::{alarm, baseline, reset};
use forester_e2e::local::Local;

const ROLE: &str = "ForesterMember";

#[tokio::test]
async fn role_of_member_yaml_is_enough_for_a_baseline_a_reset_and_an_alarm() -> Outcome<()> {
    let local = Local::entering_by(ROLE, &|_| ()).await?;
    created(&local, "dev").await?;
    reset::empties(&local).await?;
    alarm::run(&local).await?;
    let verdicts = local.stack.verdicts().await?;
    for name in ["dev", reset::NAME] {
        let role = format!("{}/{ROLE}", local.world.ids[name]);
        let allowed = verdicts.get(&role).and_then(|verdicts| verdicts.get("allowed"));
        let allowed = allowed.ok_or_else(|| format!("nobody entered {role}: {verdicts:?}"))?;
        assert!(allowed.contains_key("ec2:EnableEbsEncryptionByDefault"), "{role}: {allowed:?}");
        assert_eq!(allowed.contains_key("ec2:TerminateInstances"), name == reset::NAME, "{role}: {allowed:?}");
    }
    local.stack.stop().await
}

/// Tells that an account was created, and waits for its baseline.
async fn created(local: &Local, name: &str) -> Outcome<()> {
    local.put_event(&baseline::born(local, name)?).await?;
    baseline::arrived(&local.world, name).await
}

//! Which aspects a configuration declares for the judged accounts.

use std::collections::BTreeSet;
use std::sync::Arc;

use forester::baseline::{ASPECTS, Baseline};
use forester::config::Config;
use forester::org;
use forester::store::MemoryStore;

use super::Judged;
use crate::Outcome;
use crate::stack::Stack;
use crate::world::World;

/// The aspects that have a place in one of the judged accounts. A plan would not tell: an aspect that is declared and
/// finds nothing to do is not in it.
pub async fn declared(stack: &Stack, world: &World, config: &str) -> Outcome<BTreeSet<String>> {
    let config = Arc::new(Config::parse(config, "infra/judge/forester.yaml")?);
    let sdk = stack.sdk(&config.home_region).await;
    let directory = org::directory(&config, &sdk, &world.accounts);
    let store = Arc::new(MemoryStore::default());
    let baseline = Baseline::of(config.clone(), world.accounts.clone(), directory, store);
    let forest = baseline.forest().await?;
    let mut aspects = BTreeSet::new();
    for judged in Judged::ALL {
        for account in baseline.find(judged.account()).await? {
            let target = baseline.target(account, &forest).await?;
            let here = ASPECTS.iter().filter(|kind| !kind.places(&target, &config.regions.govern).is_empty());
            aspects.extend(here.map(|kind| kind.name().to_owned()));
        }
    }
    Ok(aspects)
}

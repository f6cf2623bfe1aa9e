//! Makes the seeds: every one in every region, global ones once.

use forester::aws::Scope;
use forester::reset::catalogue::path::find;
use forester::types::Region;
use serde_json::json;

use super::form::{Known, Seed, fill, fill_text};
use super::ground;
use crate::Outcome;
use crate::world::World;

/// A seed that was made somewhere.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The seed.
    pub seed: Seed,
    /// Where.
    pub region: Region,
    /// What the catalogue calls it.
    pub id: String,
    /// What was known when it had been made.
    pub known: Known,
}

/// A seed that could not be made, and why.
pub type Failed = (Seed, Region, String);

/// Makes every seed in the account called `name`.
pub async fn plant(
    world: &World,
    name: &str,
    regions: &[&str],
    seeds: &[Seed],
) -> Outcome<(Vec<Planted>, Vec<Failed>)> {
    let (mut planted, mut failed) = (Vec::new(), Vec::new());
    let asked = format!("{seeds:?}");
    for (r, region) in regions.iter().enumerate() {
        let scope = world.scope(name, region).await?;
        let ground = ground::prepare(&scope, &asked).await?;
        for (n, seed) in seeds.iter().enumerate().filter(|(_, seed)| r == 0 || !seed.global) {
            let mut known = ground.clone();
            known.insert("n".to_owned(), json!(format!("s{n}r{r}")));
            known.insert("bucket".to_owned(), json!(format!("seed-{n}-{r}-{}", scope.account())));
            match make(&scope, seed, &mut known).await {
                Ok(()) => {
                    let (region, id) = (scope.region().clone(), fill_text(&seed.id, &known));
                    planted.push(Planted { seed: seed.clone(), region, id, known });
                }
                Err(problem) => failed.push((seed.clone(), scope.region().clone(), problem.to_string())),
            }
        }
    }
    Ok((planted, failed))
}

async fn make(scope: &Scope, seed: &Seed, known: &mut Known) -> Outcome<()> {
    for call in &seed.make {
        let service = call.service.as_ref().unwrap_or(&seed.service);
        let answer = scope.call(service, &call.operation, fill(&call.params, known)).await?;
        for (name, path) in &call.keep {
            let found = find(&answer, path);
            let value = found.first().ok_or_else(|| format!("{}: no {path} in {answer}", call.operation))?;
            known.insert(name.clone(), (*value).clone());
        }
    }
    Ok(())
}

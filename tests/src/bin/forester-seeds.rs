//! `forester-seeds [SERVICE...]`: makes the seeds of these services (without any: all) in an emulated account, empties it,
//! and tells which were made, found, and are gone. The catalogue is read from the disk, so a changed entry needs no build;
//! a new operation does.

use std::collections::BTreeMap;
use std::process::ExitCode;

use forester::reset::catalogue::Catalogue;
use forester_e2e::seeds::{self, Emptied, Planted, Row};
use forester_e2e::stack::Stack;
use forester_e2e::world::World;
use forester_e2e::{Outcome, environment};
use serde_json::json;

const ACCOUNT: &str = "sbx-ana";

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<ExitCode> {
    let services: Vec<String> = std::env::args().skip(1).collect();
    let seeds = seeds::read(&environment::root()?.join("tests/seeds"), &services)?;
    let catalogue = catalogue()?;
    let stack = Stack::start().await?;
    let world = World::create(&stack).await?;
    stack.control("config", &json!({ "regions": REGIONS, "unknown_is_empty": true })).await?;
    let (planted, failed) = seeds::plant(&world, ACCOUNT, &REGIONS, &seeds).await?;
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (seed, region, problem) in failed {
        rows.entry(seed.kind.to_string()).or_default().problems.push(format!("not made in {region}: {problem}"));
    }
    let emptied = seeds::empty(&stack, &world, ACCOUNT, catalogue).await?;
    for one in &planted {
        judge(&world, catalogue, &emptied, one, rows.entry(one.seed.kind.to_string()).or_default()).await?;
    }
    println!("{}", seeds::table(&rows));
    println!("{}", emptied.receipt);
    let sound = rows.values().filter(|row| row.is_sound()).count();
    println!("{sound} of {} types were made, found, and are gone", rows.len());
    stack.stop().await?;
    Ok(if sound == rows.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn judge(world: &World, catalogue: &Catalogue, emptied: &Emptied, one: &Planted, row: &mut Row) -> Outcome<()> {
    row.made += 1;
    if emptied.found.contains(&(one.seed.kind.to_string(), one.id.clone())) {
        row.found += 1;
    } else {
        let near = emptied.found.iter().filter(|(kind, _)| *kind == one.seed.kind.to_string()).map(|(_, id)| id);
        row.problems.push(format!("{} was not found in {}; found: {:?}", one.id, one.region, near.collect::<Vec<_>>()));
    }
    match seeds::shown(world, ACCOUNT, catalogue, one).await {
        Ok(None) => row.gone += 1,
        Ok(Some(answer)) => row.problems.push(format!("{} is still shown in {}: {answer:.300}", one.id, one.region)),
        Err(error) => row.problems.push(format!("{} cannot be looked at in {}: {error}", one.id, one.region)),
    }
    Ok(())
}

/// The catalogue as it lies on the disk.
fn catalogue() -> Outcome<&'static Catalogue> {
    let directory = environment::root()?.join("shared/catalogue");
    Ok(Box::leak(Box::new(Catalogue::read_directory(&directory)?)))
}

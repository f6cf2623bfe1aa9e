//! `forester-growth [N...]`: the figures of `cargo xtask bench baseline`.

use std::process::ExitCode;

use forester_e2e::bench::growth::{Growth, measure, table};
use forester_e2e::bench::machine;

/// The sizes that are measured when none is named.
const SIZES: [usize; 4] = [1, 10, 100, 1000];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let named: Result<Vec<usize>, _> = std::env::args().skip(1).map(|word| word.parse()).collect();
    let Ok(named) = named else {
        eprintln!("usage: forester-growth [N...]: numbers of accounts; without any, 1 10 100 1000");
        return ExitCode::FAILURE;
    };
    let sizes = if named.is_empty() { SIZES.to_vec() } else { named };
    println!("{}", machine());
    println!("`forester apply --all` over accounts of an emulated organization, which answers a call in about 5 ms;");
    println!("MiB is the most that the command held.\n");
    let mut rows: Vec<Growth> = Vec::new();
    for size in sizes {
        match measure(size).await {
            Ok(row) => rows.push(row),
            Err(problem) => {
                eprintln!("{size} accounts: {problem}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{}", table(&rows));
    let sound = rows.iter().all(|row| row.first.code == 0 && row.again.code == 0 && row.again.writes == 0);
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

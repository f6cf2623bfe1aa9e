//! `forester-emptying [N...]`: the figures of `cargo xtask bench reset`.

use std::process::ExitCode;

use forester_e2e::Outcome;
use forester_e2e::bench::emptying::{Emptying, empty, measure, table};
use forester_e2e::bench::machine;

/// The sizes that are measured when none is named.
const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.as_slice() {
        [word, url] if word == "--empty" => emptied(url).await,
        sizes => figures(sizes).await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What the process that is measured does.
async fn emptied(url: &str) -> Outcome<bool> {
    println!("{}", serde_json::to_string(&empty(url).await?)?);
    Ok(true)
}

async fn figures(words: &[String]) -> Outcome<bool> {
    let named: Result<Vec<usize>, _> = words.iter().map(|word| word.parse()).collect();
    let named =
        named.map_err(|_| "usage: forester-emptying [N...]: numbers of resources; without any, 100 to 100000")?;
    let sizes = if named.is_empty() { SIZES.to_vec() } else { named };
    println!("{}", machine());
    println!(
        "One account with four types in four regions, emptied through the real client against an AWS that answers"
    );
    println!("at once; the floor is one call a page of the first scan and one a deletion, ten parameters in one.\n");
    let mut rows: Vec<Emptying> = Vec::new();
    for size in sizes {
        rows.push(measure(size).await?);
    }
    println!("{}", table(&rows));
    Ok(rows.iter().all(|row| row.left == 0 && row.verdict == "green"))
}

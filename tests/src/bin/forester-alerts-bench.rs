//! `forester-alerts-bench FUNCTION`: the figures of `cargo xtask bench alerts`.

use std::path::Path;
use std::process::ExitCode;

use forester_e2e::bench::alerts::measure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(function) = std::env::args().nth(1) else {
        eprintln!("usage: forester-alerts-bench FUNCTION; run cargo xtask bench alerts");
        return ExitCode::FAILURE;
    };
    match measure(Path::new(&function)).await {
        Ok(table) => {
            println!("\n{table}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

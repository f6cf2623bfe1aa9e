//! `forester-bench DIRECTORY size|start... -- FUNCTION...`: the figures of `cargo xtask bench`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use forester_e2e::bench::{STARTS, Subject, machine, start_all, table};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match measure(&arguments).await {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &[String]) -> Result<ExitCode, String> {
    let mut parts = arguments.splitn(2, |word| word == "--");
    let (Some([directory, what @ ..]), Some(names)) = (parts.next(), parts.next()) else {
        return Err("usage: forester-bench DIRECTORY size|start... -- FUNCTION...; run cargo xtask bench".to_owned());
    };
    let root = std::env::var_os("FORESTER_ROOT").ok_or("FORESTER_ROOT is not set: run cargo xtask bench")?;
    let mut subjects: Vec<Subject> = names.iter().map(|name| Subject::new(Path::new(directory), name)).collect();
    if what.iter().any(|word| word == "size") {
        for subject in &mut subjects {
            subject.weigh().map_err(|cause| format!("cannot weigh {}: {cause}", subject.name))?;
        }
    }
    println!("\n{}", machine());
    if what.iter().any(|word| word == "start") {
        let config = PathBuf::from(root).join("forester.example.yaml");
        start_all(&mut subjects, &config).await.map_err(|cause| format!("cannot listen on loopback: {cause}"))?;
        println!("first poll: from starting the process to its first call for an event, {STARTS} starts each, AWS on");
        println!("loopback without TLS; Lambda adds about 14 ms of its own. RSS: at that moment.");
    }
    println!("\n{}", table(&subjects));
    let refused: Vec<&Subject> = subjects.iter().filter(|subject| subject.refused.is_some()).collect();
    for subject in &refused {
        let reason = subject.refused.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("{} did not start: {}", subject.name, reason.trim());
    }
    Ok(if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! `cargo xtask stack`: the local AWS by itself, for a second terminal.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::house::House;
use crate::problem::Problem;
use crate::python;
use crate::step::{Told, signal};

const REGION: &str = "us-east-1";

/// Starts the stack, prints what to export, and ends it with this process.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    let mut command = Command::new(python::interpreter(house)?);
    command.arg("infra/local/stack.py").args(arguments).current_dir(&house.root);
    let told = Told::listen()?;
    // The stack ends at the end of its input, even if this process is killed.
    let mut stack = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| format!("cannot start the local stack: {cause}"))?;
    let mut ready = String::new();
    if let Some(output) = stack.stdout.as_mut() {
        BufReader::new(output).read_line(&mut ready).map_err(|cause| format!("the local stack is silent: {cause}"))?;
    }
    match exports(&ready) {
        Some(lines) => println!("{lines}\n# ready; Ctrl-C ends it"),
        None if ready.is_empty() => {}
        None => eprintln!("the local stack said `{}`; expected its endpoint and account", ready.trim()),
    }
    drop(std::io::stdout().flush());
    let mut asked = false;
    loop {
        if let Some(status) = stack.try_wait().map_err(|cause| format!("cannot wait for the local stack: {cause}"))? {
            let ended_as_asked = asked || status.success();
            return Ok(if ended_as_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        if let (false, Some(number)) = (asked, told.signal()) {
            asked = true;
            signal(number, &stack.id().to_string());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The lines for another terminal. Locally, an account's root credentials are its id and any secret.
fn exports(ready: &str) -> Option<String> {
    let endpoint = field(ready, "endpoint")?;
    let account = field(ready, "management_account")?;
    Some(format!(
        "export AWS_ENDPOINT_URL={endpoint}\nexport AWS_ACCESS_KEY_ID={account}\n\
         export AWS_SECRET_ACCESS_KEY=local\nexport AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}\nunset AWS_PROFILE AWS_SESSION_TOKEN"
    ))
}

/// A string field of a flat JSON object without escapes.
fn field<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = json.split_once(&format!("\"{name}\""))?;
    after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = r#"{"endpoint": "http://127.0.0.1:4000", "control": "http://127.0.0.1:4000/_local", "management_account":"111122223333", "pid": 7}"#;

    #[test]
    fn the_ready_line_becomes_exports() {
        let lines = exports(READY).unwrap();
        assert!(lines.starts_with("export AWS_ENDPOINT_URL=http://127.0.0.1:4000\n"), "{lines}");
        assert!(lines.contains("AWS_ACCESS_KEY_ID=111122223333\n"), "{lines}");
    }

    #[test]
    fn anything_else_does_not() {
        assert_eq!(exports("Traceback (most recent call last):"), None);
        assert_eq!(exports(r#"{"endpoint": 7}"#), None);
    }
}

//! Runs the real `forester` command against a stack, as a person would.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::stack::Stack;
use crate::{Outcome, environment};

/// What a finished command left behind.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Standard output as the one JSON document that `--output json` promises.
    pub fn json(&self) -> Outcome<Value> {
        serde_json::from_str(&self.stdout).map_err(|error| format!("not one JSON document: {error}: {self:?}").into())
    }
}

/// A place to run commands in: a configuration file and a state directory of its own.
#[derive(Debug)]
pub struct Terminal {
    directory: std::path::PathBuf,
    endpoint: Option<String>,
    key: String,
    more: Vec<(String, String)>,
}

impl Terminal {
    /// A directory with `config` in it; commands reach `stack`, or nothing at all.
    pub fn open(name: &str, config: &str, stack: Option<&Stack>) -> Outcome<Self> {
        let directory = std::env::temp_dir().join(format!("forester-terminal-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("forester.yaml"), config)?;
        let key = stack.map(|stack| stack.management.to_string()).unwrap_or_default();
        Ok(Self { directory, endpoint: stack.map(|stack| stack.endpoint.clone()), key, more: Vec::new() })
    }

    /// The same terminal with another account's credentials.
    pub fn acting_as(mut self, account: &str) -> Self {
        account.clone_into(&mut self.key);
        self
    }

    /// The same terminal, whose commands reach another AWS.
    pub fn reaching(mut self, endpoint: &str) -> Self {
        (self.endpoint, self.key) = (Some(endpoint.to_owned()), "111122223333".to_owned());
        self
    }

    /// The same terminal with one more variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The directory that commands run in.
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Runs `forester` with these arguments and waits for its end; nobody answers questions.
    pub async fn run(&self, arguments: &[&str]) -> Outcome<Ran> {
        let output = self.command(arguments)?.output().await?;
        Ok(Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The command, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Outcome<Command> {
        let mut command = Command::new(environment::binaries()?.join("forester"));
        command.args(arguments).current_dir(&self.directory).stdin(Stdio::null()).env_clear();
        command.env("HOME", &self.directory).env("AWS_REGION", "us-east-1").env("FORESTER_ALLOW_LOOPBACK", "1");
        command.env("AWS_ACCESS_KEY_ID", &self.key).env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("AWS_EC2_METADATA_DISABLED", "true").envs(self.more.iter().cloned());
        command.env("AWS_ENDPOINT_URL", self.endpoint.as_deref().unwrap_or("http://127.0.0.1:1"));
        Ok(command)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

//! Asks Prowler, in a process of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use super::Judged;
use crate::stack::Stack;
use crate::world::{HOME, ROLE, World};
use crate::{Outcome, environment};

/// What one check says of one place or thing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Finding {
    /// `PASS`, `FAIL` or `MANUAL`.
    pub status: String,
    /// Where.
    pub region: String,
    /// In words.
    pub said: String,
}

/// What one check came to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Answer {
    /// Nothing when there is nothing to look at, or nothing could be read.
    pub findings: Vec<Finding>,
    /// What went wrong while its service was read.
    pub problems: Vec<String>,
}

/// Answers by check.
pub type Answers = BTreeMap<String, Answer>;

impl Answer {
    /// Whether it found something, and all of it good.
    pub fn passes(&self) -> bool {
        !self.findings.is_empty() && self.findings.iter().all(|finding| finding.status == "PASS")
    }

    /// The first thing that it does not like.
    pub fn complaint(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.status == "FAIL")
    }
}

impl fmt::Display for Answer {
    /// `PASS`, `FAIL x9`, `FAIL x1, PASS x1`, or `-`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(&finding.status).or_default() += 1;
        }
        let words: Vec<String> = match counts.iter().next() {
            None => vec!["-".to_owned()],
            Some((status, 1)) if counts.len() == 1 => vec![(*status).to_owned()],
            Some(_) => counts.iter().map(|(status, count)| format!("{status} x{count}")).collect(),
        };
        f.pad(&words.join(", "))
    }
}

/// Runs `checks` in an account, looking into `regions`.
pub async fn scan(
    stack: &Stack,
    world: &World,
    judged: Judged,
    regions: &[&str],
    checks: &BTreeSet<&str>,
) -> Outcome<Answers> {
    let mut command = Command::new(environment::judge_python()?);
    command.arg(environment::root()?.join("infra/judge/scan.py"));
    if judged != Judged::Management {
        let id = world.ids.get(judged.account()).ok_or_else(|| format!("no account {}", judged.account()))?;
        command.arg("--role").arg(format!("arn:aws:iam::{id}:role/{ROLE}"));
    }
    for region in regions {
        command.args(["--region", region]);
    }
    let home = std::env::var_os("HOME").unwrap_or_default();
    command.args(checks).env_clear().env("HOME", home).env("AWS_ENDPOINT_URL", &stack.endpoint);
    command.env("AWS_ACCESS_KEY_ID", stack.management.as_ref()).env("AWS_SECRET_ACCESS_KEY", "local");
    command.env("AWS_REGION", HOME).env("AWS_DEFAULT_REGION", HOME).env("AWS_CONFIG_FILE", "/dev/null");
    let ran = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let said = String::from_utf8_lossy(&ran.stderr);
    if !ran.status.success() {
        return Err(format!("Prowler did not judge {}: {}", judged.account(), said.trim()).into());
    }
    serde_json::from_slice(&ran.stdout).map_err(|error| format!("Prowler's answer is not JSON: {error}: {said}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(statuses: &[&str], expect: &str) {
        let finding = |status: &&str| Finding {
            status: (*status).to_owned(),
            region: "us-east-1".to_owned(),
            said: "it is so".to_owned(),
        };
        let answer = Answer { findings: statuses.iter().map(finding).collect(), problems: Vec::new() };
        assert_eq!(answer.to_string(), expect, "{statuses:?}");
    }

    #[test]
    fn findings_are_counted() {
        check(&[], "-");
        check(&["PASS"], "PASS");
        check(&["FAIL", "FAIL"], "FAIL x2");
        check(&["PASS", "FAIL"], "FAIL x1, PASS x1");
    }
}

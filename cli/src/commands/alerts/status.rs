//! `forester alerts status`.

use std::collections::BTreeMap;

use forester::alert::{Deliverer, Standing};
use jiff::Timestamp;
use serde_json::json;

use super::letters;
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Show what is on its way, late, dead or lost, receiver by receiver
#[derive(Debug, clap::Args)]
pub struct Status;

/// How a receiver stands.
#[derive(Debug, Default, serde::Serialize)]
struct Line {
    open: usize,
    dead: usize,
    unheard: usize,
    oldest: Option<Timestamp>,
}

impl Status {
    /// Reads the lists and the queue.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let standing = Deliverer::new(&forester).standing(Timestamp::now()).await.map_err(Problem::failed)?;
        let in_queue = match letters(&forester).await? {
            Some((_, letters)) => Some(letters.count().await.map_err(Problem::failed)?),
            None => None,
        };
        let lines = lines(&standing);
        let document = json!({ "receivers": lines, "late": standing.late, "lost": standing.lost,
            "dead_letters": in_queue, "open": standing.open, "dead": standing.dead });
        result(context.form, &document, told(&lines, &standing, in_queue));
        Ok(if standing.lost > 0 || in_queue.is_some_and(|n| n > 0) { Exit::Unclean } else { Exit::Done })
    }
}

fn lines(standing: &Standing) -> BTreeMap<String, Line> {
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for owed in &standing.open {
        let line = lines.entry(owed.ticket.receiver.clone()).or_default();
        line.open += 1;
        line.oldest = Some(line.oldest.map_or(owed.since, |oldest| oldest.min(owed.since)));
    }
    for dead in &standing.dead {
        let line = lines.entry(dead.ticket.receiver.clone()).or_default();
        line.dead += 1;
        line.unheard += usize::from(dead.instead.is_empty() && !dead.stands_in);
    }
    lines
}

fn told(lines: &BTreeMap<String, Line>, standing: &Standing, in_queue: Option<usize>) -> String {
    let mut text: Vec<String> = Vec::new();
    for (receiver, line) in lines {
        let oldest = line.oldest.map(|at| format!(", the oldest since {at}")).unwrap_or_default();
        let Line { open, dead, unheard, .. } = line;
        text.push(format!("{receiver}: {open} on their way{oldest}; {dead} dead, {unheard} of them heard by nobody"));
    }
    for dead in &standing.dead {
        let (receiver, kind, title) = (&dead.ticket.receiver, &dead.kind, &dead.title);
        text.push(format!("  dead: {title} to {receiver} by {kind} since {}: {}", dead.since, dead.reason));
    }
    if text.is_empty() {
        text.push("Everything that was owed has arrived.".to_owned());
    }
    text.push(format!("late: {}, lost: {}", standing.late, standing.lost));
    if let Some(n) = in_queue {
        text.push(format!("messages that the queue gave up on: {n}"));
    }
    if !standing.dead.is_empty() || in_queue.is_some_and(|n| n > 0) {
        text.push("`forester alerts redrive` sends them once more.".to_owned());
    }
    text.join("\n")
}

//! `forester alerts incidents`, `ack` and `sweep`.

use forester::alert::{Acknowledgement, Incident, Router, Status};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{invocation, somebody};
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Show the matters that are open: who was told, who has taken them
#[derive(Debug, clap::Args)]
pub struct Incidents {
    /// Those that are over as well
    #[arg(long)]
    all: bool,
}

/// Say that you have taken a matter: nobody else is called for it
#[derive(Debug, clap::Args)]
pub struct Ack {
    /// Its id (`inc_…`), as messages and `incidents` show it
    incident: String,
    /// Who you are; without it, the user of this machine
    #[arg(long)]
    by: Option<String>,
}

/// Do what alerts must do by now: groups, digests, repetitions, escalations, ends
#[derive(Debug, clap::Args)]
pub struct Sweep {}

impl Incidents {
    /// Shows them.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let router = Router::new(&forester).map_err(Problem::failed)?;
        let known = router.incidents(&invocation()).await.map_err(Problem::failed)?;
        let week = Timestamp::now().checked_sub(SignedDuration::from_hours(24 * 7)).unwrap_or(Timestamp::MIN);
        let shown: Vec<&Incident> = known.iter().filter(|incident| self.all || incident.is_pending(week)).collect();
        let mut text: Vec<String> = shown.iter().map(|incident| line(incident)).collect();
        if text.is_empty() {
            text.push("nothing is open".to_owned());
        }
        let json: Vec<Value> = shown.iter().map(|incident| told(incident)).collect();
        result(context.form, &json!({ "incidents": json }), text.join("\n"));
        Ok(Exit::Done)
    }
}

impl Ack {
    /// Notes it, and tells whoever was told of the matter.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let router = Router::new(&forester).map_err(Problem::failed)?;
        let by = somebody(self.by);
        let taken = router.acknowledge(&self.incident, &by, &invocation()).await.map_err(Problem::failed)?;
        let text = match &taken {
            Acknowledgement::Now(title) => format!("acknowledged: {title}"),
            Acknowledgement::Before(before) => format!("acknowledged before, by {} at {}", before.by, before.at),
            Acknowledgement::Over(title) => format!("it is over already: {title}"),
            Acknowledgement::Unknown => {
                let id = &self.incident;
                return Err(Problem::failed(format_args!(
                    "no matter is called {id}; `forester alerts incidents` shows them"
                )));
            }
        };
        result(context.form, &json!({ "incident": self.incident, "told": text }), text);
        Ok(Exit::Done)
    }
}

impl Sweep {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let router = Router::new(&forester).map_err(Problem::failed)?;
        let report = router.sweep(&invocation()).await.map_err(Problem::failed)?;
        let count = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or(0);
        let text = format!("{} things were due, {} are done", count("due"), count("done"));
        result(context.form, &report, text);
        Ok(Exit::Done)
    }
}

fn line(incident: &Incident) -> String {
    let alert = &incident.alert;
    let heard = match (&incident.quiet, incident.heard.is_empty()) {
        (Some(why), true) => format!("told nobody: {why}"),
        _ => format!("told {}", incident.heard.keys().cloned().collect::<Vec<_>>().join(", ")),
    };
    let taken = incident.acknowledged.as_ref();
    let taken =
        taken.map_or("nobody has taken it".to_owned(), |taken| format!("taken by {} at {}", taken.by, taken.at));
    let over = if incident.status == Status::Resolved { ", over" } else { "" };
    let account = incident.place.account.as_ref().map_or("-", AsRef::as_ref);
    format!(
        "{} {} {account} {}{over}\n  since {}; {heard}; {taken}",
        incident.id,
        alert.severity.name(),
        alert.title,
        incident.opened
    )
}

fn told(incident: &Incident) -> Value {
    json!({
        "id": incident.id, "title": incident.alert.title, "kind": incident.alert.kind, "severity": incident.alert.severity,
        "account": incident.place.account, "status": incident.status, "opened": incident.opened, "seen": incident.seen,
        "signals": incident.signals, "revision": incident.revision, "told": incident.heard.keys().collect::<Vec<_>>(),
        "quiet": incident.quiet, "acknowledged": incident.acknowledged, "escalated": incident.escalated,
    })
}

//! `forester alerts silence`, `silences` and `unsilence`.

use forester::alert::silence::{Stored, end, keep, list};
use forester::config::Pause;
use forester::config::alerts::Matchers;
use jiff::Timestamp;
use serde_json::json;

use super::somebody;
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// What no silence keeps from people.
const SPARED: &str = "what is the root user's or tampering is delivered all the same, but for \
    tamper-metric-filter-changed, tamper-alarm-elsewhere and tamper-forester-changed";

/// Deliver nothing that matches, until a time, for a reason
#[derive(Debug, clap::Args)]
pub struct Silence {
    /// What must match: `rule=cis-4.10`, `account.id=111122223333`; the same label again: one of them is enough
    #[arg(required = true, value_parser = pair)]
    r#match: Vec<(String, String)>,
    /// How long (`2h`, `7d`), or until when (`2027-01-31T12:00:00Z`)
    #[arg(long)]
    until: String,
    /// Why; it stands in reports
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// Who you are; without it, the user of this machine
    #[arg(long)]
    by: Option<String>,
}

/// Show the silences that hold, those of the file included
#[derive(Debug, clap::Args)]
pub struct Silences {}

/// End a silence that was given by command
#[derive(Debug, clap::Args)]
pub struct Unsilence {
    /// Its id, as `silences` shows it
    id: String,
}

impl Silence {
    /// Keeps it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let now = Timestamp::now();
        let until = until(&self.until, now)?;
        let matchers = Matchers::of_pairs(&self.r#match);
        let by = somebody(self.by);
        let silence = Stored::new(matchers, until, &self.because, &by, now).map_err(Problem::failed)?;
        context.confirm(format_args!("Deliver nothing until {until} where {}?", silence.r#match.told()))?;
        let forester = context.forester().await?;
        keep(forester.store.as_ref(), &silence).await.map_err(Problem::failed)?;
        let text = format!("{}\n{SPARED}", silence.told());
        result(context.form, &json!(silence), text);
        Ok(Exit::Done)
    }
}

impl Silences {
    /// Shows them.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let now = Timestamp::now();
        let forester = context.forester().await?;
        let stored = list(forester.store.as_ref(), now).await.map_err(Problem::failed)?;
        let of_file = forester.config.alerts.iter().flat_map(|alerts| &alerts.silence);
        let of_file: Vec<_> = of_file.filter(|silence| silence.holds(now)).collect();
        let mut text: Vec<String> =
            stored.iter().map(|silence| format!("{}\n  where {}", silence.told(), silence.r#match.told())).collect();
        text.extend(of_file.iter().map(|silence| {
            let by = silence.by.as_deref().unwrap_or("nobody named");
            let (until, because) = (silence.until, &silence.because);
            format!("in the file until {until} by {by}: {because}\n  where {}", silence.r#match.told())
        }));
        if text.is_empty() {
            text.push("no silence holds".to_owned());
        }
        result(context.form, &json!({ "silences": stored, "file": of_file }), text.join("\n"));
        Ok(Exit::Done)
    }
}

impl Unsilence {
    /// Ends it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        if !end(forester.store.as_ref(), &self.id).await.map_err(Problem::failed)? {
            let id = &self.id;
            return Err(Problem::failed(format_args!("no silence is called {id}; those of the file end in the file")));
        }
        result(context.form, &json!({ "ended": self.id }), format!("{} is over", self.id));
        Ok(Exit::Done)
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (label, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not label=value"))?;
    Ok((label.trim().to_owned(), value.trim().to_owned()))
}

fn until(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let wrong = |_| Problem::failed(format_args!("`{text}` is neither a length of time such as 2h or 7d nor a time"));
    let length = Pause::try_from(text.to_owned()).map_err(wrong)?.length();
    now.checked_add(length).map_err(Problem::failed)
}

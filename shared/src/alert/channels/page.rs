//! One alert as one page, before any channel's form: what is to be read first stands first.
//!
//! A channel renders the page under its own limits. [`Page::fit`] makes it small enough and says in the page what it
//! left out, so that nobody takes a shortened list for a whole one. Everything in rows is untrusted and stays `Text`.

use jiff::Timestamp;
use serde_json::Value;

use crate::alert::Text;
use crate::alert::incident::Turn;
use crate::alert::model::{Alert, Evidence, Severity, Status};
use crate::alert::outbox::Delivery;

/// What a person reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page {
    /// How bad, what, where.
    pub headline: Text,
    /// How bad.
    pub severity: Severity,
    /// Whether it begins or ends.
    pub status: Status,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// What is to be read, most important first.
    pub sections: Vec<Section>,
    /// Where to look: consoles of AWS only.
    pub links: Vec<(Text, String)>,
    /// Where a person says that they have seen it.
    pub acknowledge: Option<String>,
}

/// Rows that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    /// What they are.
    pub kind: Kind,
    /// The rows, in reading order.
    pub rows: Vec<Row>,
}

/// What the rows of a section are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Where and when.
    Place,
    /// One group of CloudTrail events.
    Event,
    /// What is known besides.
    Facts,
    /// What could not be found out.
    Notes,
    /// The message as it arrived.
    Raw,
    /// What this page leaves out.
    LeftOut,
}

/// A name and what is so. A row without a name speaks for itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub name: Text,
    pub value: Text,
}

/// How large a page may be, in UTF-16 code units: no vendor counts more for the same text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// One value.
    pub value: usize,
    /// How many rows.
    pub rows: usize,
    /// All names and values together.
    pub total: usize,
}

/// What the way to acknowledge is called: the link, and the action of the button.
pub(in crate::alert) const ACKNOWLEDGE: &str = "acknowledge";
/// The most links, and how long their addresses may be together.
const LINKS: usize = 8;
const ADDRESSES: usize = 3_000;
/// The longest name of a row or a link.
const NAME: usize = 80;
/// The most rows that say what is left out: one a kind.
const LEFT_OUT_ROWS: usize = 5;
/// Their size.
const LEFT_OUT: usize = 60 * LEFT_OUT_ROWS;
/// What a row costs beside its text.
const ROW: usize = 4;

impl Page {
    /// The page of a delivery.
    pub fn of(delivery: &Delivery) -> Self {
        Self::new(&delivery.alert, delivery.turn, delivery.acknowledge.as_deref())
    }

    /// The page of an alert.
    pub fn new(alert: &Alert, turn: Turn, acknowledge: Option<&str>) -> Self {
        let mut sections = vec![Section { kind: Kind::Place, rows: place(alert) }];
        sections.extend(alert.evidence.iter().map(|event| Section { kind: Kind::Event, rows: evidence(event) }));
        let facts = alert.facts.iter().map(|fact| Row::new(&fact.name, fact.value.as_str()));
        sections.push(Section { kind: Kind::Facts, rows: facts.collect() });
        let notes = alert.notes.iter().map(|note| Row::new("note", note.as_str()));
        sections.push(Section { kind: Kind::Notes, rows: notes.collect() });
        let unread = alert.kind == "unknown" || (alert.facts.is_empty() && alert.evidence.is_empty());
        if unread && !alert.raw.as_str().is_empty() {
            let raw = Text::block(&defanged(alert.raw.as_str()));
            sections
                .push(Section { kind: Kind::Raw, rows: vec![Row { name: Text::line("as it arrived"), value: raw }] });
        }
        sections.retain_mut(|section| {
            section.rows.retain(|row| !row.is_empty());
            !section.rows.is_empty()
        });
        Self {
            headline: headline(alert, turn),
            severity: alert.severity,
            status: alert.status,
            time: alert.time,
            sections,
            links: links(alert),
            acknowledge: acknowledge
                .filter(|url| alert.status == Status::Firing && url.starts_with("https://"))
                .map(str::to_owned),
        }
    }

    /// Only what an earlier page does not say.
    pub fn beyond(mut self, earlier: &Self) -> Self {
        self.sections.retain_mut(|section| match section.kind {
            Kind::Event => !earlier.sections.contains(section),
            Kind::Place | Kind::Facts | Kind::Notes | Kind::Raw | Kind::LeftOut => {
                let told = |row: &Row| earlier.sections.iter().any(|other| other.rows.contains(row));
                section.rows.retain(|row| !told(row));
                !section.rows.is_empty()
            }
        });
        self.links.retain(|link| !earlier.links.contains(link));
        self
    }

    /// Adds what is to be said about this very message.
    pub fn note(&mut self, note: &str) {
        self.sections.push(Section { kind: Kind::Notes, rows: vec![Row::new("note", note)] });
    }

    /// A mark that the eye finds in a list.
    pub fn mark(&self) -> &'static str {
        match (self.status, self.severity) {
            (Status::Resolved, _) => "\u{2705}",
            (_, Severity::Critical) => "\u{1f534}",
            (_, Severity::High) => "\u{1f7e0}",
            (_, Severity::Medium) => "\u{1f7e1}",
            (_, Severity::Low) => "\u{1f535}",
            (_, Severity::Info) => "\u{26aa}",
        }
    }

    /// The page within limits; what does not fit is counted, and the page says so.
    pub fn fit(&self, limits: Limits) -> Self {
        let mut room = Limits {
            value: limits.value,
            rows: limits.rows.saturating_sub(LEFT_OUT_ROWS),
            total: limits.total.saturating_sub(LEFT_OUT),
        };
        let (mut sections, mut left) = (Vec::new(), Left::default());
        for section in &self.sections {
            let rows = match section.kind {
                Kind::Event => room.whole(&section.rows),
                Kind::Raw => room.clipped(&section.rows),
                Kind::Place | Kind::Facts | Kind::Notes | Kind::LeftOut => room.some(&section.rows),
            };
            left.count(section, &rows);
            if !rows.is_empty() {
                sections.push(Section { kind: section.kind, rows });
            }
        }
        let rows = left.rows();
        if !rows.is_empty() {
            sections.push(Section { kind: Kind::LeftOut, rows });
        }
        Self { sections, ..self.clone() }
    }

    /// What `render` makes of the page, in no more than `bytes` bytes: the page is made smaller until it fits.
    pub fn within(&self, mut limits: Limits, bytes: usize, render: impl Fn(&Self) -> Value) -> String {
        loop {
            let text = render(&self.fit(limits)).to_string();
            if text.len() <= bytes || limits.total == 0 {
                return text;
            }
            let total = limits.total * 3 / 4;
            limits.total = if total <= LEFT_OUT { 0 } else { total };
        }
    }

    /// What a reader can open: first where to acknowledge, then the consoles.
    pub fn doors(&self) -> impl Iterator<Item = (&str, &str)> {
        let acknowledge = self.acknowledge.iter().map(|url| (ACKNOWLEDGE, url.as_str()));
        acknowledge.chain(self.links.iter().map(|(name, url)| (name.as_str(), url.as_str())))
    }

    /// The page as lines of plain text.
    pub fn plain(&self) -> String {
        let mut lines = vec![self.headline.to_string()];
        for section in &self.sections {
            lines.push(String::new());
            lines.extend(section.rows.iter().map(Row::line));
        }
        if !self.links.is_empty() || self.acknowledge.is_some() {
            lines.push(String::new());
        }
        lines.extend(self.links.iter().map(|(name, url)| format!("{name}: {url}")));
        lines.extend(self.acknowledge.iter().map(|url| format!("acknowledge: {url}")));
        lines.join("\n")
    }
}

impl Row {
    fn new(name: &str, value: &str) -> Self {
        Self { name: Text::line(&defanged(name)).clip(NAME), value: Text::line(&defanged(value)) }
    }

    /// The row as a line of text; a value of several lines begins below its name.
    pub fn line(&self) -> String {
        match (self.name.as_str(), self.value.as_str()) {
            ("", value) => value.to_owned(),
            (name, value) if value.contains('\n') => format!("{name}:\n{value}"),
            (name, value) => format!("{name}: {value}"),
        }
    }

    fn is_empty(&self) -> bool {
        self.name.as_str().is_empty() && self.value.as_str().is_empty()
    }

    fn cost(&self) -> usize {
        self.name.units() + self.value.units() + ROW
    }
}

/// What is left of them while a page is filled.
impl Limits {
    fn take(&mut self, row: &Row) -> Option<Row> {
        let row = Row { name: row.name.clip(self.value.min(NAME)), value: row.value.clip(self.value) };
        let (rows, total) = (self.rows.checked_sub(1)?, self.total.checked_sub(row.cost())?);
        (self.rows, self.total) = (rows, total);
        Some(row)
    }

    /// As many rows as there is room for.
    fn some(&mut self, rows: &[Row]) -> Vec<Row> {
        rows.iter().map_while(|row| self.take(row)).collect()
    }

    /// All rows, or none.
    fn whole(&mut self, rows: &[Row]) -> Vec<Row> {
        let before = (self.rows, self.total);
        let taken = self.some(rows);
        if taken.len() == rows.len() {
            return taken;
        }
        (self.rows, self.total) = before;
        Vec::new()
    }

    /// A text that may be as long as everything that is left.
    fn clipped(&mut self, rows: &[Row]) -> Vec<Row> {
        self.value = self.total.saturating_sub(NAME + ROW);
        if self.value < 40 { Vec::new() } else { self.some(rows) }
    }
}

/// How much is left out, by kind.
#[derive(Default)]
struct Left {
    events: usize,
    facts: usize,
    notes: usize,
    raw: usize,
}

impl Left {
    fn count(&mut self, section: &Section, kept: &[Row]) {
        let rows = section.rows.len().saturating_sub(kept.len());
        match section.kind {
            Kind::Event => self.events += rows.min(1),
            Kind::Place | Kind::Facts | Kind::LeftOut => self.facts += rows,
            Kind::Notes => self.notes += rows,
            Kind::Raw => {
                let size = |rows: &[Row]| rows.iter().map(|row| row.value.units()).sum::<usize>();
                self.raw += size(&section.rows).saturating_sub(size(kept));
            }
        }
    }

    fn rows(&self) -> Vec<Row> {
        let kinds = [
            (self.events, "group of events is", "groups of events are"),
            (self.facts, "fact is", "facts are"),
            (self.notes, "note is", "notes are"),
            (self.raw, "character of the message is", "characters of the message are"),
        ];
        let told = kinds.iter().filter(|(n, _, _)| *n > 0).map(|(n, one, many)| {
            let what = if *n == 1 { one } else { many };
            Row { name: Text::default(), value: Text::line(&format!("… {n} more {what} left out")) }
        });
        told.collect()
    }
}

/// The first line: what this message is, how bad, where, what.
pub(super) fn headline(alert: &Alert, turn: Turn) -> Text {
    let severity = alert.severity.name().to_uppercase();
    let word = match (alert.status, turn) {
        (Status::Resolved, _) | (_, Turn::Resolve) => "RESOLVED".to_owned(),
        (_, Turn::Update) => format!("UPDATE {severity}"),
        (_, Turn::Repeat) => format!("STILL {severity}"),
        (_, Turn::Escalation) => format!("ESCALATED {severity}"),
        (_, Turn::Digest) => format!("DIGEST {severity}"),
        (_, Turn::First | Turn::Known | Turn::Stale) => severity,
    };
    let account = alert.labels.get("account.name").map(|name| format!(" [{name}]")).unwrap_or_default();
    Text::line(&defanged(&format!("{word}{account} {}", alert.title)))
}

/// The links that lead to consoles, as far as there is room.
fn links(alert: &Alert) -> Vec<(Text, String)> {
    let mut room = ADDRESSES;
    let mut fits = |url: &str| room.checked_sub(url.len()).map(|left| room = left).is_some();
    let links = alert.links.iter().filter(|link| is_console(&link.url) && fits(&link.url)).take(LINKS);
    links.map(|link| (Text::line(&defanged(&link.name)).clip(NAME), link.url.clone())).collect()
}

fn place(alert: &Alert) -> Vec<Row> {
    let label = |name: &str| alert.labels.get(name).map(Text::as_str);
    let account = match (label("account.name"), &alert.account) {
        (Some(name), Some(id)) => Some(format!("{name} ({id})")),
        (None, Some(id)) => Some(id.to_string()),
        (name, None) => name.map(str::to_owned),
    };
    let known = [
        ("account", account),
        ("ou", label("ou").map(str::to_owned)),
        ("region", label("region").map(str::to_owned)),
        ("time", alert.time.map(|time| time.to_string())),
    ];
    let told = |name: &str| alert.facts.iter().any(|fact| fact.name.eq_ignore_ascii_case(name));
    known
        .into_iter()
        .filter(|(name, _)| !told(name))
        .filter_map(|(name, value)| Some(Row::new(name, &value?)))
        .collect()
}

fn evidence(event: &Evidence) -> Vec<Row> {
    let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
    let account = event.account.as_ref().map(|account| format!(" in {account}")).unwrap_or_default();
    let when = match (event.when, event.until) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (Some(first), None) => first.to_string(),
        (None, _) => "at an unknown time".to_owned(),
    };
    let mut rows = vec![
        Row::new("what", &format!("{}{times}", event.what)),
        Row::new("who", event.who.as_str()),
        Row::new("where", &format!("{}{account}", event.r#where)),
        Row::new("from", &format!("{} with {}", event.from, event.agent)),
        Row::new("when", &when),
    ];
    let further = [("target", &event.target), ("error", &event.error)];
    rows.extend(further.iter().filter_map(|(name, value)| Some(Row::new(name, value.as_ref()?.as_str()))));
    rows.extend(event.actor.as_ref().map(|actor| Row::new("principal's account", actor.as_ref())));
    rows
}

/// A text from outside for a member of its own.
pub(super) fn told(text: &Text) -> Text {
    Text::line(&defanged(text.as_str()))
}

/// Text in which no client finds an address to make a link of.
fn defanged(text: &str) -> String {
    text.replace("://", "[:]//")
}

/// Whether the address is a page of AWS's consoles: <https://docs.aws.amazon.com/general/latest/gr/console-service.html>
fn is_console(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    ["console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"]
        .iter()
        .any(|console| host.strip_suffix(console).is_some_and(|before| before.is_empty() || before.ends_with('.')))
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;

//! One protect rule, compiled, and what it says about a resource: yes, no, or that it cannot tell.
//!
//! What could not be read is neither true nor false. It stays unknown through every `all`, `any` and `not` unless the
//! rest of the rule decides alone, so no way to write a rule turns a missing answer into a delete.

use std::collections::BTreeSet;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz};

use super::catalogue::TypeName;
use super::item::Found;
use crate::aws::api::moment;
use crate::config::Protect;

/// Epoch numbers from here on are milliseconds: as seconds they would mean the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// What is known about a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// That cannot be told.
    Unknown(Doubt),
}

/// Why something cannot be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Doubt {
    /// The resource does not tell, such as when it was made: it stays, and nothing went wrong.
    Untold(String),
    /// Something could not be read or understood: it stays, and the run is not clean.
    Unread(String),
}

impl Doubt {
    /// Both at once: that something could not be read is the one to tell.
    pub fn and(self, other: Self) -> Self {
        if matches!(self, Self::Unread(_)) { self } else { other }
    }
}

impl Known {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unknown @ Self::Unknown(_) => unknown,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(one), Self::Unknown(other)) => Self::Unknown(one.and(other)),
            (Self::Unknown(doubt), Self::Yes) | (Self::Yes, Self::Unknown(doubt)) => Self::Unknown(doubt),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

/// When the rules are asked.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    at: Timestamp,
    today: Date,
}

impl Moment {
    /// Days are those of UTC.
    pub fn of(at: Timestamp) -> Self {
        Self { at, today: at.to_zoned(tz::TimeZone::UTC).date() }
    }
}

/// One rule of the file.
#[derive(Clone, Debug)]
pub struct Rule {
    place: String,
    node: Node,
}

#[derive(Clone, Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Is(Condition),
}

#[derive(Clone, Debug)]
enum Condition {
    Arn(GlobMatcher),
    Kind(TypeName),
    Name(GlobMatcher),
    Region(GlobMatcher),
    Tag(String, Wanted),
    Younger(Duration),
    Older(Duration),
}

#[derive(Clone, Debug)]
enum Wanted {
    Like(GlobMatcher),
    FromToday { today_too: bool },
}

impl Rule {
    /// Compiles the `n`th rule of the file; what is not understood is an error.
    pub fn new(n: usize, rule: &Protect) -> Result<Self, String> {
        let place = format!("sandbox.protect[{n}]");
        if let Some((path, message)) = rule.problems().into_iter().next() {
            return Err(format!("{place}{path}: {message}"));
        }
        let node = compile(rule).map_err(|error| format!("{place}: {error}"))?;
        Ok(Self { place, node })
    }

    /// Whether it asks for tags anywhere.
    pub fn wants_tags(&self) -> bool {
        self.node.conditions().iter().any(|condition| matches!(condition, Condition::Tag(..)))
    }

    /// Whether it asks for ARNs anywhere.
    pub fn wants_arns(&self) -> bool {
        self.node.conditions().iter().any(|condition| matches!(condition, Condition::Arn(..)))
    }

    /// Whether it could keep an item of this type.
    pub fn may_keep(&self, kind: &TypeName) -> bool {
        let known = self.node.judge(&|condition| match condition {
            Condition::Kind(named) => Known::of(named == kind),
            _ => Known::Unknown(Doubt::Unread(String::new())),
        });
        known != Known::No
    }

    /// Whether it keeps the item.
    pub fn holds(&self, item: &Found, now: &Moment) -> Known {
        self.node.judge(&|condition| condition.holds(item, now))
    }

    /// Why the item is kept that the rule keeps.
    pub fn reason(&self, item: &Found) -> String {
        let place = &self.place;
        let shown = |condition: &&Condition| match condition {
            Condition::Tag(key, _) => Some(format!("{key}={}", item.tags.as_ref().ok()?.get(key)?)),
            Condition::Younger(_) | Condition::Older(_) => Some(format!("made {}", item.created.as_ref()?)),
            _ => None,
        };
        let shown: BTreeSet<String> = self.node.conditions().iter().filter_map(shown).collect();
        if shown.is_empty() {
            return format!("{place} protects it");
        }
        format!("{place} protects it ({})", shown.into_iter().collect::<Vec<_>>().join(", "))
    }
}

impl Node {
    fn judge(&self, condition: &impl Fn(&Condition) -> Known) -> Known {
        match self {
            Self::Is(is) => condition(is),
            Self::Not(node) => node.judge(condition).not(),
            Self::All(nodes) => nodes.iter().map(|node| node.judge(condition)).fold(Known::Yes, Known::and),
            Self::Any(nodes) => nodes.iter().map(|node| node.judge(condition)).fold(Known::No, Known::or),
        }
    }

    fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::Is(is) => vec![is],
            Self::Not(node) => node.conditions(),
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().flat_map(Self::conditions).collect(),
        }
    }
}

impl Condition {
    fn holds(&self, item: &Found, now: &Moment) -> Known {
        let unread = |reason: String| Known::Unknown(Doubt::Unread(reason));
        match self {
            Self::Arn(glob) => match (&item.arn, &item.tags) {
                (Some(arn), _) => Known::of(glob.is_match(arn)),
                // One read tells both, so what hid the tags may have hidden the ARN.
                (None, Err(error)) => unread(format!("its ARN could not be read: {error}")),
                (None, Ok(_)) => Known::No,
            },
            Self::Kind(kind) => Known::of(*kind == item.key.cell.kind),
            Self::Name(glob) => Known::of(glob.is_match(&item.name) || glob.is_match(&item.key.id)),
            Self::Region(glob) => match &item.place {
                Ok(region) => Known::of(glob.is_match(region)),
                Err(error) => unread(format!("its region is not known: {error}")),
            },
            Self::Tag(key, wanted) => match &item.tags {
                Ok(tags) => tags.get(key).map_or(Known::No, |value| wanted.holds(key, value, now.today)),
                Err(error) => unread(format!("its tags could not be read: {error}")),
            },
            Self::Older(length) => at_least(item, *length, now.at),
            Self::Younger(length) => at_least(item, *length, now.at).not(),
        }
    }
}

/// Whether the item was made at least so long ago.
fn at_least(item: &Found, length: Duration, now: Timestamp) -> Known {
    let Some(text) = item.created.as_ref().or(item.changed.as_ref()) else {
        return Known::Unknown(Doubt::Untold("its age is not known".to_owned()));
    };
    let Some(made) = read(text) else {
        let reason = format!("its age is not known: `{text}` is not understood as the time when it was made");
        return Known::Unknown(Doubt::Unread(reason));
    };
    let old = SignedDuration::try_from(length).is_ok_and(|length| now.duration_since(made) >= length);
    if !old && item.created.is_none() {
        // What was changed lately may have been made at any time before.
        let reason = format!("its age is not known: all that is told is a change or start at {text}");
        return Known::Unknown(Doubt::Untold(reason));
    }
    Known::of(old)
}

/// A time as AWS writes it; some services count milliseconds, and zero or less says that nothing was set.
fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number <= 0.0 => None,
        Ok(number) if number >= MILLISECONDS_FROM => moment(&(number / 1000.0).to_string()),
        _ => moment(text),
    }
}

impl Wanted {
    /// A date that cannot be read keeps: somebody wanted to say something about the thing.
    fn holds(&self, key: &str, value: &str, today: Date) -> Known {
        match self {
            Self::Like(glob) => Known::of(glob.is_match(value)),
            Self::FromToday { today_too } => match value.trim().get(..10).unwrap_or(value.trim()).parse::<Date>() {
                Ok(date) => Known::of(date > today || (*today_too && date == today)),
                Err(_) => Known::Unknown(Doubt::Untold(format!("its tag {key}={value} is not understood as a date"))),
            },
        }
    }
}

fn compile(rule: &Protect) -> Result<Node, String> {
    let Protect { arn, tag, kind, name, region, younger_than, older_than, all, any, not } = rule;
    let group = |rules: &Vec<Protect>| rules.iter().map(compile).collect::<Result<Vec<_>, _>>();
    let mut nodes = Vec::new();
    let mut is = |condition| nodes.push(Node::Is(condition));
    if let Some(kind) = kind {
        is(Condition::Kind(kind.parse().map_err(|error| format!("type: {error}"))?));
    }
    arn.iter().try_for_each(|arn| glob(arn).map(|glob| is(Condition::Arn(glob))))?;
    name.iter().try_for_each(|name| glob(name).map(|glob| is(Condition::Name(glob))))?;
    region.iter().try_for_each(|region| glob(region).map(|glob| is(Condition::Region(glob))))?;
    for (key, value) in tag.iter().flatten() {
        is(Condition::Tag(key.clone(), wanted(value)?));
    }
    younger_than.iter().for_each(|age| is(Condition::Younger(age.length())));
    older_than.iter().for_each(|age| is(Condition::Older(age.length())));
    if let Some(all) = all {
        nodes.push(Node::All(group(all)?));
    }
    if let Some(any) = any {
        nodes.push(Node::Any(group(any)?));
    }
    if let Some(not) = not {
        nodes.push(Node::Not(Box::new(compile(not)?)));
    }
    Ok(Node::All(nodes))
}

fn wanted(value: &str) -> Result<Wanted, String> {
    Ok(match value {
        ">= today" => Wanted::FromToday { today_too: true },
        "> today" => Wanted::FromToday { today_too: false },
        pattern => Wanted::Like(glob(pattern)?),
    })
}

/// A pattern with `*` and `?`.
pub fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    Glob::new(pattern).map(|glob| glob.compile_matcher()).map_err(|error| format!("sandbox.protect: {error}"))
}

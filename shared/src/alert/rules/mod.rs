//! What a CloudTrail event means, by whatever way it came: the rule that it falls under, how bad it is, who did it.
//!
//! The rules are filter patterns: the fifteen of the CIS benchmark, and those that watch the watchers (`tamper`). One
//! evaluator judges an event of EventBridge, of a log subscription and behind an alarm alike. The patterns of the
//! benchmark are never narrowed here; what an event's content says raises or lowers the severity (`content`), and noise
//! is left to rules with a name and a reason (`noise`).

mod content;
mod runbook;
mod tamper;

use std::sync::LazyLock;

use serde_json::Value;

use super::model::{Alert, Link, Severity, text};
use crate::cis::CONTROLS;
use crate::pattern::Pattern;

pub(super) use runbook::Runbook;

/// What an event is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judgement {
    /// The rule that weighs most; of two, the benchmark's, because its alarm carries the same.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is worse, or less bad, than the rule says.
    pub because: Option<&'static str>,
    /// Whether nothing may keep it from people.
    pub unsilenceable: bool,
    /// The other rules that it falls under.
    pub also: Vec<String>,
}

/// A rule, ready to judge.
struct Rule {
    name: String,
    severity: Severity,
    unsilenceable: bool,
    pattern: Pattern,
}

/// The benchmark's rules first. A pattern that did not parse would drop its rule; a test keeps them all.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |name: String, severity, unsilenceable, pattern: &str| {
        Pattern::parse(pattern).ok().map(|pattern| Rule { name, severity, unsilenceable, pattern })
    };
    let cis = CONTROLS.iter().map(|control| {
        let name = control.rule();
        let unsilenceable = is_unsilenceable(&name);
        rule(name, control.severity, unsilenceable, control.pattern)
    });
    let tamper = tamper::PACK.iter().flat_map(|known| {
        known.patterns.iter().map(|pattern| rule(known.name.to_owned(), known.severity, known.unsilenceable, pattern))
    });
    cis.chain(tamper).flatten().collect()
});

/// Whether a rule's alerts reach people whatever anybody configures: use of the root user, and what blinds the watchers.
pub(super) fn is_unsilenceable(rule: &str) -> bool {
    rule == "cis-4.3" || tamper::PACK.iter().any(|known| known.name == rule && known.unsilenceable)
}

/// What the event is, if it falls under any rule.
pub(super) fn judge(record: &Value) -> Option<Judgement> {
    let mut best: Option<Judgement> = None;
    for rule in RULES.iter().filter(|rule| rule.pattern.matches_json(record)) {
        let (severity, because) = content::weighed(&rule.name, rule.severity, record);
        let mut judgement = Judgement {
            rule: rule.name.clone(),
            severity,
            because,
            unsilenceable: rule.unsilenceable,
            also: Vec::new(),
        };
        if let Some(known) = best.take() {
            judgement = joined(known, judgement);
        }
        best = Some(judgement);
    }
    best
}

/// The heavier of the two, with the other's name; what one of them forbids to silence stays so.
fn joined(known: Judgement, new: Judgement) -> Judgement {
    let (mut heavy, light) = if new.severity > known.severity { (new, known) } else { (known, new) };
    heavy.unsilenceable |= light.unsilenceable;
    for name in std::iter::once(light.rule).chain(light.also) {
        if name != heavy.rule && !heavy.also.contains(&name) {
            heavy.also.push(name);
        }
    }
    heavy
}

impl Judgement {
    /// Writes it into an alert about the event.
    pub fn tell(&self, alert: &mut Alert) {
        alert.severity = self.severity;
        alert.label("rule", &self.rule);
        if self.unsilenceable {
            alert.label("unsilenceable", "true");
        }
        if let Some(because) = self.because {
            alert.fact("severity", format!("{}, because {because}", self.severity.name()));
        }
        if !self.also.is_empty() {
            alert.fact("also", self.also.join(", "));
        }
        guide(alert, &self.rule);
    }
}

/// What a rule's alert means and what to look at first.
pub(super) fn guide(alert: &mut Alert, rule: &str) {
    let Some(runbook) = Runbook::of(rule) else { return };
    alert.fact("what it means", runbook.means);
    for (n, check) in runbook.checks.iter().enumerate() {
        alert.fact(&format!("check {}", n + 1), check);
    }
    let link = Link { name: format!("about {rule}"), url: runbook.link() };
    if !alert.links.contains(&link) {
        alert.links.push(link);
    }
}

/// What kind of principal acted.
pub(super) fn principal_kind(record: &Value) -> &'static str {
    let arn = text(record, "/userIdentity/arn").unwrap_or_default();
    match text(record, "/userIdentity/type").unwrap_or_default() {
        "Root" if content::is_assumed_root(record) => "assumed-root",
        "Root" if text(record, "/userIdentity/invokedBy").is_some() => "service",
        "Root" => "root",
        "IAMUser" => "iam-user",
        "IdentityCenterUser" => "sso",
        "AssumedRole" if arn.contains(":assumed-role/AWSReservedSSO_") => "sso",
        "AssumedRole" if arn.contains(":assumed-role/AWSServiceRoleFor") => "service",
        "AssumedRole" | "Role" => "role",
        "FederatedUser" | "SAMLUser" | "WebIdentityUser" => "federated",
        "AWSService" => "service",
        "AWSAccount" => "account",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests;

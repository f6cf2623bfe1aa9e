//! AWS Budgets notifications: plain text on SNS, never JSON, and never an EventBridge event.
//!
//! Only the `Key: value` lines are read. The sentence above them repeats the budget's name, so whoever names a budget
//! writes part of that sentence; a name cannot hold a colon, so it cannot make a key line
//! (<https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Budget.html>).

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::amount::Amount;
use super::{Incoming, Source};
use crate::alert::budget_facts;
use crate::alert::enrich::World;
use crate::alert::model::{Alert, Identity, Link, Severity};
use crate::types::AccountId;

/// The source.
pub(super) struct Budgets;

/// A notification, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::alert) struct Budget {
    /// The day it was published.
    pub published: Option<Date>,
    /// The account that owns the budget; not the account that spends.
    pub owner: Option<AccountId>,
    /// Its name, exactly as AWS knows it.
    pub name: Option<String>,
    budget_type: Option<String>,
    limit: Option<Amount>,
    /// `ACTUAL`, `FORECASTED`, or whatever comes next.
    alert_type: Option<String>,
    operator: Option<String>,
    threshold: Option<Amount>,
    amount: Option<Amount>,
    action: Option<[Option<String>; 3]>,
}

#[async_trait]
impl Source for Budgets {
    fn name(&self) -> &'static str {
        "aws-budgets"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let text = incoming.message.text.trim_start();
        let known = text.starts_with("AWS Budget Notification") || (incoming.json.is_null() && has_key_lines(text));
        known.then(|| Budget::read(text).alert(&incoming.message.id, &incoming.message.text))
    }

    async fn observe(&self, alert: Alert, incoming: &Incoming<'_>, world: &World) -> Vec<Alert> {
        vec![budget_facts::confirm(alert, &Budget::read(&incoming.message.text), world).await]
    }
}

fn has_key_lines(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("Budget Name: ") && (has("Alert Threshold: ") || has("Action Type: "))
}

impl Budget {
    /// Reads the text; what is not there stays unknown.
    pub fn read(text: &str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim_end_matches('\r').strip_prefix(key)?.strip_prefix(": "));
            line.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let after = |start: &str| text.lines().take(4).find_map(|line| line.trim().strip_prefix(start));
        let (operator, threshold) = value("Alert Threshold").map(|text| split_operator(&text)).unwrap_or_default();
        let action = [value("Action Type"), value("Action ID"), value("Action Status")];
        let amount = ["ACTUAL Amount", "FORECASTED Amount"].into_iter().find_map(value).or_else(|| any_amount(text));
        Self {
            published: after("AWS Budget Notification ").and_then(|day| Date::strptime("%B %d, %Y", day.trim()).ok()),
            owner: after("AWS Account ").and_then(|id| id.trim().parse().ok()),
            name: value("Budget Name"),
            budget_type: value("Budget Type"),
            limit: value("Budgeted Amount").map(|text| Amount::read(&text)),
            alert_type: value("Alert Type"),
            operator,
            threshold,
            amount: amount.map(|text| Amount::read(&text)),
            action: action.iter().any(Option::is_some).then_some(action),
        }
    }

    /// The threshold in percent of the budget. AWS prints thresholds as amounts even where they are defined in
    /// percent; for utilization and coverage the amount is a percentage already.
    fn percent(&self) -> Option<Decimal> {
        let threshold = self.threshold.as_ref()?;
        match threshold.unit.as_deref() {
            Some("%") => threshold.value.map(|value| value.normalize()),
            _ => threshold.percent_of(self.limit.as_ref()?),
        }
    }

    /// The amount in percent of the budget.
    fn share(&self) -> Option<Decimal> {
        self.amount.as_ref()?.percent_of(self.limit.as_ref()?)
    }

    /// The amount that the text reports.
    pub fn reported(&self) -> Option<Decimal> {
        self.amount.as_ref().and_then(|amount| amount.value)
    }

    /// The threshold, as a number.
    pub fn threshold(&self) -> Option<Decimal> {
        self.threshold.as_ref().and_then(|amount| amount.value)
    }

    /// Whether spend that has happened crossed a limit from below.
    pub fn is_actual_excess(&self) -> bool {
        self.alert_type.as_deref() == Some("ACTUAL") && self.operator.as_deref() != Some("<")
    }

    fn severity(&self) -> Severity {
        let whole = self.percent().is_none_or(|percent| percent >= Decimal::ONE_HUNDRED);
        match self.alert_type.as_deref() {
            _ if self.action.is_some() => Severity::High,
            Some("FORECASTED") => Severity::Low,
            Some("ACTUAL") if self.operator.as_deref() == Some("<") => Severity::Low,
            Some("ACTUAL") if whole => Severity::High,
            _ => Severity::Medium,
        }
    }

    fn title(&self) -> String {
        let name = self.name.as_deref().unwrap_or("(name not in the text)");
        if let Some([kind, _, status]) = &self.action {
            let word = |part: &Option<String>| part.clone().unwrap_or_else(|| "unknown".to_owned());
            return format!("Budget {name}: action {} is {}", word(kind), word(status));
        }
        let (Some(amount), Some(threshold)) = (&self.amount, &self.threshold) else {
            return format!("Budget {name}: a notification that ends early");
        };
        let what = self.alert_type.as_deref().unwrap_or("reported").to_lowercase();
        let side = if self.operator.as_deref() == Some("<") { "below" } else { "over" };
        let percent = self.percent().map(|percent| format!(" ({percent}%)")).unwrap_or_default();
        format!("Budget {name}: {what} {} is {side} {}{percent}", amount.raw, threshold.raw)
    }

    fn alert(&self, id: &str, raw: &str) -> Alert {
        let mut alert = Alert::new(id, "aws-budgets", "budget", raw);
        alert.severity = self.severity();
        alert.title = crate::alert::Text::line(&self.title());
        alert.account = self.owner.clone();
        alert.time = self.published.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|day| day.timestamp());
        self.say(&mut alert);
        if self.name.is_none() {
            alert.note("the text ends before its key lines; the raw message is all there is");
        }
        alert.links.push(Link {
            name: "AWS Budgets".to_owned(),
            url: "https://console.aws.amazon.com/costmanagement/home#/budgets".to_owned(),
        });
        // Until the budget itself tells the period, a day: telling a daily budget twice beats telling it once a month.
        let episode = self.published.map(|day| day.to_string()).unwrap_or_default();
        alert.identity = self.identity(id, &episode);
        alert
    }

    /// A threshold of a budget; a text that names none is a matter of its own.
    fn identity(&self, id: &str, period: &str) -> Identity {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let owner = self.owner.as_ref().map_or("", AsRef::as_ref);
        let threshold = self.threshold.as_ref().map(Amount::canonical).unwrap_or_default();
        match (&self.name, &self.action) {
            (None, _) => Identity::new("budget", &[owner, id], period),
            (Some(name), None) => {
                let kind = text(&self.budget_type);
                let parts = [owner, name, &kind, &text(&self.alert_type), &text(&self.operator), &threshold];
                Identity::new("budget", &parts, period)
            }
            (Some(name), Some([kind, action, status])) => {
                Identity::new("budget-action", &[owner, name, &text(kind), &text(action), &text(status)], period)
            }
        }
    }

    fn say(&self, alert: &mut Alert) {
        let amount = |amount: &Option<Amount>| amount.as_ref().map(|amount| amount.raw.clone());
        let threshold = amount(&self.threshold).map(|text| match &self.operator {
            Some(operator) => format!("{operator} {text}"),
            None => text,
        });
        let [action, action_id, status] = self.action.clone().unwrap_or_default();
        let facts = [
            ("budget", self.name.clone()),
            ("type", self.budget_type.clone()),
            ("budgeted", amount(&self.limit)),
            ("alert type", self.alert_type.clone()),
            ("threshold", threshold),
            ("amount", amount(&self.amount)),
            ("share of the budget", self.share().map(|percent| format!("{percent}%"))),
            ("action", action),
            ("action id", action_id),
            ("action status", status),
            ("budget owner", self.owner.as_ref().map(ToString::to_string)),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                alert.fact(name, value);
            }
        }
        alert.label("budget", self.name.as_deref().unwrap_or_default());
        alert.label("budget.type", self.budget_type.as_deref().unwrap_or_default());
        alert.label("alert_type", self.alert_type.as_deref().unwrap_or_default());
        alert.label("threshold", self.percent().map(|percent| percent.to_string()).unwrap_or_default());
    }
}

/// `> $80.00` in two.
fn split_operator(text: &str) -> (Option<String>, Option<Amount>) {
    let start = text.find(|c: char| !matches!(c, '<' | '>' | '=')).unwrap_or(text.len());
    let (operator, amount) = text.split_at(start);
    (Some(operator.to_owned()).filter(|operator| !operator.is_empty()), Some(Amount::read(amount)))
}

/// The last key of an alert type that is neither ACTUAL nor FORECASTED: `<TYPE> Amount: …`.
fn any_amount(text: &str) -> Option<String> {
    let of = |line: &str| {
        let (key, value) = line.split_once(" Amount: ")?;
        let word = key != "Budgeted" && !key.contains(' ') && key.chars().all(|c| c.is_ascii_uppercase());
        word.then(|| value.trim().to_owned())
    };
    text.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::alert::fakes::samples;
    use crate::event::Message;

    /// A notification as AWS writes it, the name in the sentence and in the key lines.
    fn notification(name: &str) -> String {
        format!(
            "AWS Budget Notification November 14, 2026\nAWS Account 111122223333\n\nDear AWS Customer,\n\nYou requested \
             that we alert you when the ACTUAL Cost associated with your {name} budget is greater than $80.00 for the \
             current month. The ACTUAL Cost associated with this budget is $83.17.\n\nBudget Name: {name}\nBudget Type: \
             Cost\nBudgeted Amount: $100.00\nAlert Type: ACTUAL\nAlert Threshold: > $80.00\nACTUAL Amount: $83.17\n"
        )
    }

    fn essentials(budget: &Budget) -> (Option<String>, Option<Decimal>, Option<Decimal>, Option<String>) {
        let owner = budget.owner.as_ref().map(ToString::to_string);
        (owner, budget.percent(), budget.reported(), budget.alert_type.clone())
    }

    proptest! {
        /// Every name that AWS allows: no colon, no backslash, anything else.
        #[test]
        fn no_name_changes_what_is_read(name in "[^:\\\\]{1,100}") {
            let (hostile, plain) = (Budget::read(&notification(&name)), Budget::read(&notification("plain")));
            prop_assert_eq!(essentials(&hostile), essentials(&plain));
        }
    }

    /// Every fact and label that a sample gives, so that a change of any reading shows.
    #[test]
    fn every_budget_event_says_all_it_knows() {
        let mut lines = Vec::new();
        for (name, messages) in samples("budget-router") {
            let budgets = messages.iter().filter_map(|message| Budgets.read(&Incoming::new(message)));
            for alert in budgets {
                lines.push(format!("{name} {}", alert.identity.episode));
                lines.extend(alert.labels.iter().map(|(label, value)| format!("  {label}={value}")));
                lines.extend(alert.facts.iter().map(|fact| format!("  {}: {}", fact.name, fact.value)));
                lines.extend(alert.notes.iter().map(|note| format!("  note: {note}")));
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn amount_printed_otherwise_is_the_same_threshold() {
        let identity = |text: String| Budget::read(&text).alert("m1", "raw").identity;
        let (two, none) = (notification("b"), notification("b").replace("> $80.00", "> $80"));
        assert_eq!(identity(two.clone()), identity(none));
        for (from, to) in
            [("> $80.00", "> $90.00"), ("> $80.00", "< $80.00"), ("Type: Cost", "Type: Usage"), ("1111222", "4441222")]
        {
            assert_ne!(identity(two.clone()), identity(two.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn names_that_look_alike_are_different_matters() {
        let identity = |name: &str| Budget::read(&notification(name)).alert("m1", "raw").identity;
        assert_ne!(identity("a\u{200b}b"), identity("ab"));
        assert_eq!(identity("ab"), identity("ab"));
    }

    #[test]
    fn words_in_a_json_event_make_no_budget() {
        let text = serde_json::json!({"detail": "Budget Name: x\nAlert Threshold: > $1"}).to_string();
        assert!(Budgets.read(&Incoming::new(&Message::direct("m1", text))).is_none());
    }
}

//! A monthly cost budget in the account itself, with alerts on actual and on forecast spend.
//!
//! `UpdateBudget` leaves alerts alone, and alerts leave their subscribers alone, so each level is compared and mended
//! by itself (<https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html>).

mod alerts;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::fine_if_gone;
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::aspect::global_if;
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config;
use crate::types::Region;
pub use alerts::{Alert, Spend, Subscriber};
use alerts::{about, with};

const DEFAULT_NAME: &str = "forester-monthly";

/// The monthly budget.
pub struct Budget;

/// A budget with its alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The amount, when it is one in `unit`.
    amount: Option<Decimal>,
    unit: String,
    monthly_cost: bool,
    /// What AWS keeps beside, sent back unchanged with an update: filters and cost types, or a filter expression and
    /// metrics.
    rest: Map<String, Value>,
    alerts: BTreeMap<Alert, BTreeSet<Subscriber>>,
    /// Alerts of another form, such as an absolute amount; as AWS describes them.
    other_alerts: Vec<Value>,
}

/// What can be done about the budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes the budget with its alerts.
    CreateBudget {
        /// Its name.
        budget: String,
        /// Its amount.
        amount: Decimal,
        /// Its currency.
        unit: String,
        /// Its alerts.
        alerts: Vec<(Alert, BTreeSet<Subscriber>)>,
    },
    /// Sets amount, currency and period.
    UpdateBudget {
        /// Its name.
        budget: String,
        /// Its amount.
        amount: Decimal,
        /// Its currency.
        unit: String,
        /// What is sent back unchanged.
        rest: Map<String, Value>,
    },
    /// Removes an alert.
    RemoveAlert {
        /// The budget.
        budget: String,
        /// The alert as AWS describes it.
        notification: Value,
    },
    /// Adds an alert.
    AddAlert {
        /// The budget.
        budget: String,
        /// The alert.
        alert: Alert,
        /// Who is told.
        subscribers: BTreeSet<Subscriber>,
    },
    /// Tells somebody else instead: an alert has one topic.
    ReplaceSubscriber {
        /// The budget.
        budget: String,
        /// The alert.
        alert: Alert,
        /// Who was told.
        old: Subscriber,
        /// Who is told from now on.
        new: Subscriber,
    },
    /// Tells somebody more.
    AddSubscriber {
        /// The budget.
        budget: String,
        /// The alert.
        alert: Alert,
        /// Who.
        subscriber: Subscriber,
    },
    /// Tells somebody no longer.
    RemoveSubscriber {
        /// The budget.
        budget: String,
        /// The alert.
        alert: Alert,
        /// Who.
        subscriber: Subscriber,
    },
}

#[async_trait]
impl Aspect for Budget {
    const NAME: &'static str = "budget";
    type Facts = Option<Found>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.budget.is_some())
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Option<Found>, CallError> {
        let name = name(target);
        let params = json!({ "AccountId": look.account(), "BudgetName": name });
        // Without being asked AWS leaves the filter out, and an update would then take it away.
        let whole = json!({ "AccountId": look.account(), "BudgetName": name, "ShowFilterExpression": true });
        let budget = match look.call("budgets", "DescribeBudget", whole).await {
            Err(error) if error.is_gone() => return Ok(None),
            answer => answer?.get("Budget").cloned().unwrap_or_default(),
        };
        let notifications = match look.pages("budgets", "DescribeNotificationsForBudget", params).await {
            Err(error) if error.is_gone() => Vec::new(),
            pages => pages?,
        };
        let mut found = Found::read(&budget);
        for notification in notifications {
            let Some(alert) = Alert::read(&notification) else {
                found.other_alerts.push(notification);
                continue;
            };
            let params = about(look, &name, &notification);
            let subscribers = look.pages("budgets", "DescribeSubscribersForNotification", params).await?;
            found.alerts.insert(alert, subscribers.iter().filter_map(Subscriber::read).collect());
        }
        Ok(Some(found))
    }

    fn plan(target: &Target, seen: &Option<Found>) -> Planned<Action> {
        let Some(declared) = &target.wanted.budget else { return Planned::nothing() };
        match wanted(target, declared) {
            Ok(wanted) => Planned::steps(wanted.steps(seen.as_ref(), target.strict())),
            Err(problem) => Planned::problem(problem),
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let account = scope.account();
        let (operation, params) = match action {
            Action::CreateBudget { budget, amount, unit, alerts } => {
                return create(scope, budget, *amount, unit, alerts).await;
            }
            Action::UpdateBudget { budget, amount, unit, rest } => {
                let new = described(budget, *amount, unit, rest.clone());
                ("UpdateBudget", json!({ "AccountId": account, "NewBudget": new }))
            }
            Action::RemoveAlert { budget, notification } => {
                let outcome = scope.call("budgets", "DeleteNotification", about(scope, budget, notification)).await;
                fine_if_gone(outcome)?;
                return Ok(Taken::Done);
            }
            Action::AddAlert { budget, alert, subscribers } => return add(scope, budget, *alert, subscribers).await,
            Action::ReplaceSubscriber { budget, alert, old, new } => {
                let mut params = about(scope, budget, &alert.described());
                with(&mut params, "OldSubscriber", old.described());
                with(&mut params, "NewSubscriber", new.described());
                ("UpdateSubscriber", params)
            }
            Action::AddSubscriber { budget, alert, subscriber } => {
                let mut params = about(scope, budget, &alert.described());
                with(&mut params, "Subscriber", subscriber.described());
                ("CreateSubscriber", params)
            }
            Action::RemoveSubscriber { budget, alert, subscriber } => {
                let mut params = about(scope, budget, &alert.described());
                with(&mut params, "Subscriber", subscriber.described());
                fine_if_gone(scope.call("budgets", "DeleteSubscriber", params).await)?;
                return Ok(Taken::Done);
            }
        };
        match scope.call("budgets", operation, params).await {
            Err(error) if error.class == ErrorClass::Exists => Ok(Taken::AlreadySo),
            outcome => Ok(outcome.map(|_| Taken::Done)?),
        }
    }
}

/// A budget as it should be.
struct Wanted {
    name: String,
    amount: Decimal,
    unit: String,
    alerts: BTreeMap<Alert, BTreeSet<Subscriber>>,
}

/// What it is called in the account.
pub(super) fn name(target: &Target) -> String {
    let declared = target.wanted.budget.as_ref().and_then(|budget| budget.name.as_deref());
    target.labelled(declared.unwrap_or(DEFAULT_NAME))
}

fn wanted(target: &Target, declared: &config::Budget) -> Result<Wanted, String> {
    let amount = declared.monthly.ok_or("no layer of this account says the amount of the budget (`monthly`)")?;
    let subject = target.account.subject();
    let notify = declared.notify.clone().unwrap_or_default();
    let mut subscribers = BTreeSet::new();
    for address in notify.email.iter().flatten() {
        subscribers.insert(Subscriber::Email(subject.fill(address)?));
    }
    if let Some(topic) = &notify.sns {
        subscribers.insert(Subscriber::Sns(subject.fill(topic)?));
    }
    let alerts = |spend, list: &Option<Vec<u32>>| -> Vec<Alert> {
        list.iter().flatten().map(|percent| Alert { spend, percent: *percent }).collect()
    };
    let mut all = alerts(Spend::Actual, &declared.actual);
    all.extend(alerts(Spend::Forecasted, &declared.forecast));
    if !all.is_empty() && subscribers.is_empty() {
        return Err("the budget has thresholds, and no layer of this account says who is told (`notify`)".to_owned());
    }
    Ok(Wanted {
        name: name(target),
        amount: amount.amount(),
        unit: declared.currency.clone().unwrap_or_else(|| "USD".to_owned()),
        alerts: all.into_iter().map(|alert| (alert, subscribers.clone())).collect(),
    })
}

impl Wanted {
    fn steps(self, seen: Option<&Found>, strict: bool) -> Vec<Action> {
        let Self { name, amount, unit, alerts } = self;
        let Some(seen) = seen else {
            return vec![Action::CreateBudget { budget: name, amount, unit, alerts: alerts.into_iter().collect() }];
        };
        let mut steps = Vec::new();
        if seen.amount != Some(amount) || seen.unit != unit || !seen.monthly_cost {
            steps.push(Action::UpdateBudget { budget: name.clone(), amount, unit, rest: seen.rest.clone() });
        }
        // What goes goes first: a budget holds five alerts.
        if strict {
            let extra = seen.alerts.keys().filter(|alert| !alerts.contains_key(alert)).map(|alert| alert.described());
            let removed = extra.chain(seen.other_alerts.iter().cloned());
            steps.extend(removed.map(|notification| Action::RemoveAlert { budget: name.clone(), notification }));
        }
        for (alert, subscribers) in alerts {
            match seen.alerts.get(&alert) {
                None => steps.push(Action::AddAlert { budget: name.clone(), alert, subscribers }),
                Some(told) => steps.extend(subscriptions(&name, alert, &subscribers, told, strict)),
            }
        }
        steps
    }
}

fn subscriptions(
    budget: &str,
    alert: Alert,
    wanted: &BTreeSet<Subscriber>,
    told: &BTreeSet<Subscriber>,
    strict: bool,
) -> Vec<Action> {
    let budget = || budget.to_owned();
    let topic = |all: &BTreeSet<Subscriber>| all.iter().find(|who| matches!(who, Subscriber::Sns(_))).cloned();
    let (old, new) = (topic(told), topic(wanted));
    let mut steps = Vec::new();
    if let (Some(old), Some(new)) = (&old, &new)
        && old != new
    {
        let (old, new) = (old.clone(), new.clone());
        steps.push(Action::ReplaceSubscriber { budget: budget(), alert, old, new });
    }
    let replaced = |who: &&Subscriber| !(matches!(who, Subscriber::Sns(_)) && old.is_some() && new.is_some());
    let missing = wanted.difference(told).filter(replaced);
    steps.extend(missing.map(|who| Action::AddSubscriber { budget: budget(), alert, subscriber: who.clone() }));
    if strict {
        let extra = told.difference(wanted).filter(replaced);
        steps.extend(extra.map(|who| Action::RemoveSubscriber { budget: budget(), alert, subscriber: who.clone() }));
    }
    steps
}

async fn create(
    scope: &Scope,
    budget: &str,
    amount: Decimal,
    unit: &str,
    alerts: &[(Alert, BTreeSet<Subscriber>)],
) -> Result<Taken, StepError> {
    let new = described(budget, amount, unit, Map::new());
    let told = |(alert, subscribers): &(Alert, BTreeSet<Subscriber>)| {
        let subscribers: Vec<Value> = subscribers.iter().map(Subscriber::described).collect();
        json!({ "Notification": alert.described(), "Subscribers": subscribers })
    };
    let mut params = json!({ "AccountId": scope.account(), "Budget": new });
    if !alerts.is_empty() {
        with(&mut params, "NotificationsWithSubscribers", alerts.iter().map(told).collect());
    }
    match scope.call("budgets", "CreateBudget", params).await {
        // Somebody made it since we looked: bring that one to what is declared.
        Err(error) if error.class == ErrorClass::Exists => {
            let params = json!({ "AccountId": scope.account(), "NewBudget": new });
            scope.call("budgets", "UpdateBudget", params).await?;
            for (alert, subscribers) in alerts {
                add(scope, budget, *alert, subscribers).await?;
            }
            Ok(Taken::Done)
        }
        outcome => Ok(outcome.map(|_| Taken::Done)?),
    }
}

async fn add(
    scope: &Scope,
    budget: &str,
    alert: Alert,
    subscribers: &BTreeSet<Subscriber>,
) -> Result<Taken, StepError> {
    let mut params = about(scope, budget, &alert.described());
    with(&mut params, "Subscribers", subscribers.iter().map(Subscriber::described).collect());
    match scope.call("budgets", "CreateNotification", params).await {
        Err(error) if error.class == ErrorClass::Exists => Ok(Taken::AlreadySo),
        outcome => Ok(outcome.map(|_| Taken::Done)?),
    }
}

fn described(name: &str, amount: Decimal, unit: &str, rest: Map<String, Value>) -> Value {
    let mut budget = rest;
    budget.insert("BudgetName".to_owned(), name.into());
    budget.insert("BudgetLimit".to_owned(), json!({ "Amount": amount.to_string(), "Unit": unit }));
    budget.insert("TimeUnit".to_owned(), "MONTHLY".into());
    budget.insert("BudgetType".to_owned(), "COST".into());
    Value::Object(budget)
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBudget { budget, amount, unit, alerts } => {
                let alerts: Vec<String> = alerts.iter().map(|(alert, _)| alert.to_string()).collect();
                let at =
                    if alerts.is_empty() { "no alert".to_owned() } else { format!("alerts at {}", alerts.join(", ")) };
                write!(f, "create budget {budget}: {amount} {unit} a month, {at}")
            }
            Self::UpdateBudget { budget, amount, unit, .. } => {
                write!(f, "set budget {budget} to {amount} {unit} a month")
            }
            Self::RemoveAlert { budget, notification } => {
                let alert =
                    Alert::read(notification).map_or_else(|| notification.to_string(), |alert| alert.to_string());
                write!(f, "remove the alert at {alert} from budget {budget}")
            }
            Self::AddAlert { budget, alert, .. } => write!(f, "add an alert at {alert} to budget {budget}"),
            Self::ReplaceSubscriber { budget, alert, old, new } => {
                write!(f, "tell {new} instead of {old} about {budget} at {alert}")
            }
            Self::AddSubscriber { budget, alert, subscriber } => {
                write!(f, "tell {subscriber} about {budget} at {alert}")
            }
            Self::RemoveSubscriber { budget, alert, subscriber } => {
                write!(f, "no longer tell {subscriber} about {budget} at {alert}")
            }
        }
    }
}

#[cfg(test)]
mod tests;

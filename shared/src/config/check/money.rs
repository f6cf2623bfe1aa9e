//! Checks of what an account may cost, and who is told.

use super::Spot;
use crate::config::layers::{Part, parts};
use crate::config::load::Problems;
use crate::config::{Budget, Config, Layer, Notify};
use crate::types::Arn;

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html>: five
/// notifications a budget, one topic and ten addresses each.
pub(super) fn budget(budget: &Budget, problems: &mut Problems, spot: &Spot) {
    let thresholds = budget.actual.iter().flatten().count() + budget.forecast.iter().flatten().count();
    if thresholds > 5 {
        problems.add(spot, format!("{thresholds} thresholds; AWS keeps 5 a budget, `actual` and `forecast` together"));
    }
    for (key, list) in [("actual", &budget.actual), ("forecast", &budget.forecast)] {
        for (n, percent) in list.iter().flatten().enumerate() {
            let twice = list.iter().flatten().take(n).any(|other| other == percent);
            if *percent == 0 || twice {
                problems.add(&spot.key(key).index(n), "expected different percentages greater than 0");
            }
        }
    }
    if let Some(told) = &budget.notify {
        notify(told, problems, &spot.key("notify"));
    }
}

/// Addresses and a topic, which may be templates.
pub(super) fn notify(notify: &Notify, problems: &mut Problems, spot: &Spot) {
    if notify.email.iter().flatten().count() > 10 {
        problems.add(&spot.key("email"), "AWS keeps 10 addresses a notification; expected no more");
    }
    for (n, address) in notify.email.iter().flatten().enumerate() {
        match parts(address) {
            Ok(pieces) if address.contains('@') || pieces.iter().any(|p| matches!(p, Part::Tag(_))) => {}
            Ok(_) => problems.add(&spot.key("email").index(n), format!("`{address}` is not an e-mail address")),
            Err(message) => problems.add(&spot.key("email").index(n), message),
        }
    }
    if let Some(topic) = &notify.sns {
        match (parts(topic), topic.parse::<Arn>()) {
            (Ok(_), Ok(arn)) if arn.service() == "sns" => {}
            (Err(message), _) => problems.add(&spot.key("sns"), message),
            _ => problems.add(&spot.key("sns"), format!("`{topic}` is not the ARN of an SNS topic")),
        }
    }
}

/// A watch over spend needs an amount, and somebody to tell; which layer says so does not matter.
fn anomaly(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    if layer.anomaly.as_ref().is_none_or(|anomaly| anomaly.remove == Some(true)) {
        return;
    }
    let all = || config.layers.iter().filter_map(|layer| layer.anomaly.as_ref());
    if !all().any(|anomaly| anomaly.threshold_usd.is_some()) {
        problems.add(&spot.key("anomaly"), "no layer says from which amount on; expected `threshold_usd`");
    }
    if !all().any(|anomaly| anomaly.notify.as_ref().is_some_and(|n| n.email.is_some() || n.sns.is_some())) {
        problems.add(&spot.key("anomaly"), "no layer says who is told; expected `notify`");
    }
}

/// A budget needs an amount, and one with thresholds somebody to tell; which layer says so does not matter.
pub(super) fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    anomaly(config, layer, problems, spot);
    let Some(budget) = layer.budget.as_ref().filter(|budget| budget.remove != Some(true)) else { return };
    let budgets = || config.layers.iter().filter_map(|layer| layer.budget.as_ref());
    let notified = budgets().any(|b| b.notify.as_ref().is_some_and(|n| n.email.is_some() || n.sns.is_some()));
    let spot = spot.key("budget");
    let thresholds = budget.actual.iter().chain(&budget.forecast).flatten().count();
    if thresholds > 0 && !notified {
        problems.add(&spot, "thresholds are given, but no layer says who is told; expected `notify`");
    }
    if !budgets().any(|budget| budget.monthly.is_some()) {
        problems.add(&spot, "no layer says the amount; expected `monthly`");
    }
}

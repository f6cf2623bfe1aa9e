//! What types cannot say: names that must exist, numbers in their range, sections that need each other.

use super::layers::{Part, parts};
use super::load::Problems;
use super::wanted::{Budget, Defaults, Layer, PasswordPolicy, Role};
use super::yaml::Spot;
use super::{Config, Match, OperatingMode};
use crate::types::{AccountId, Arn};

/// Runs every check.
pub(super) fn all(config: &Config, problems: &mut Problems) {
    let root = Spot::default();
    if config.version != 1 {
        problems.add(&root.key("version"), format!("version {} is unknown; expected 1", config.version));
    }
    if config.regions.govern.is_empty() {
        problems.add(&root.key("regions").key("govern"), "the list is empty; expected at least one region");
    }
    accounts(config, problems, &root.key("accounts"));
    for (n, declared) in config.layers.iter().enumerate() {
        layer(config, declared, problems, &root.key("layers").index(n));
    }
    across_layers(config, problems, &root.key("layers"));
    let sandbox = config.sandbox.iter().flat_map(|section| section.problems()).map(|found| ("sandbox", found));
    let alerts = config.alerts.iter().flat_map(|section| section.problems()).map(|found| ("alerts", found));
    for (section, (path, message)) in sandbox.chain(alerts) {
        problems.add(&root.key(section).below(&path), message);
    }
}

fn accounts(config: &Config, problems: &mut Problems, spot: &Spot) {
    let mut ids: Vec<&AccountId> = Vec::new();
    for (name, entry) in &config.accounts {
        let spot = spot.key(name);
        match (&entry.id, &entry.email, config.mode) {
            (None, _, OperatingMode::VirtualRoot) => {
                problems.add(&spot, "`id` is missing: in virtual-root mode there is no organization to look it up in");
            }
            (None, None, OperatingMode::Organization) => {
                problems.add(&spot, "neither `id` nor `email` is given; one of them tells which account is meant");
            }
            _ => {}
        }
        let Some(id) = &entry.id else { continue };
        match config.mode {
            OperatingMode::SingleAccount if ids.iter().any(|other| *other != id) => {
                problems.add(&spot.key("id"), "in single-account mode every name is the same account; the ids differ");
            }
            OperatingMode::Organization | OperatingMode::VirtualRoot if ids.contains(&id) => {
                problems.add(&spot.key("id"), format!("the id {id} is given to another account as well"));
            }
            _ => {}
        }
        ids.push(id);
    }
}

/// A `match`, of a layer or of a section: it must be able to hold for somebody.
pub(super) fn matches(config: &Config, conditions: &Match, problems: &mut Problems, spot: &Spot) {
    if conditions.is_empty() {
        problems.add(spot, "no condition is given; expected `all: true`, `account`, `ou` or `tag`");
    }
    if let Some(name) = conditions.account.as_deref().filter(|name| !name.contains('*')) {
        account_name(name, problems, &spot.key("account"));
    }
    // Only the file itself tells the OUs outside organization mode.
    let told = config.mode != OperatingMode::Organization;
    if let Some(ou) = conditions.ou.as_ref().filter(|_| told) {
        let fits = |place: &Option<_>| place.as_ref().is_some_and(|place| ou.holds(place));
        if !config.accounts.values().any(|entry| fits(&entry.ou)) {
            problems.add(&spot.key("ou"), format!("no account of the file is in an OU that fits `{ou}`"));
        }
    }
}

fn account_name(name: &str, problems: &mut Problems, spot: &Spot) {
    if !problems.knows_account(name) {
        let known: Vec<&str> = problems.account_names().collect();
        let known = if known.is_empty() { "nobody".to_owned() } else { known.join(", ") };
        problems.add(spot, format!("`{name}` is not an account of this file; `accounts` names {known}"));
    }
}

fn layer(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    matches(config, &layer.matches, problems, &spot.key("match"));
    if let Some(template) = &layer.alias {
        alias(config, template, problems, &spot.key("alias"));
    }
    if let Some(policy) = &layer.password_policy {
        password_policy(policy, problems, &spot.key("password_policy"));
    }
    for (name, declared) in layer.roles.iter().flatten() {
        role(name, declared, problems, &spot.key("roles").key(name));
    }
    if let Some(declared) = &layer.budget {
        budget(declared, problems, &spot.key("budget"));
    }
    if let Some(Defaults { remove: Some(false), .. }) = &layer.defaults {
        problems.add(&spot.key("defaults").key("remove"), "`remove: false` says nothing; expected true, or no key");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>
fn alias(config: &Config, template: &str, problems: &mut Problems, spot: &Spot) {
    let pieces = match parts(template) {
        Ok(pieces) => pieces,
        Err(message) => return problems.add(spot, message),
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let plain = |part: &Part<'_>| matches!(part, Part::Text(text) if !text.chars().all(allowed));
    if pieces.iter().any(plain) {
        problems.add(spot, format!("`{template}` cannot be an alias; expected lower-case letters, digits and hyphens"));
    }
    let named = pieces.contains(&Part::Name) || pieces.iter().any(|part| matches!(part, Part::Tag(_)));
    if named && config.mode == OperatingMode::SingleAccount && config.accounts.len() > 1 {
        problems.add(spot, "in single-account mode this would give one account several aliases; an account has one");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html>
fn password_policy(policy: &PasswordPolicy, problems: &mut Problems, spot: &Spot) {
    let ranges = [
        ("min_length", policy.min_length, 6, 128),
        ("reuse", policy.reuse, 1, 24),
        ("max_age_days", policy.max_age_days, 1, 1095),
    ];
    for (key, value, least, most) in ranges {
        if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
            problems.add(&spot.key(key), format!("{value} is out of range; expected {least} to {most}"));
        }
    }
}

fn role(name: &str, role: &Role, problems: &mut Problems, spot: &Spot) {
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        problems.add(spot, format!("`{name}` cannot be a role's name; expected up to 64 of A-Z a-z 0-9 + = , . @ _ -"));
    }
    for (n, who) in role.trust.iter().flatten().enumerate() {
        if who.parse::<AccountId>().is_err() {
            account_name(who, problems, &spot.key("trust").index(n));
        }
    }
    for (n, policy) in role.policies.iter().flatten().enumerate() {
        let arn =
            policy.parse::<Arn>().is_ok_and(|arn| arn.service() == "iam" && arn.resource().starts_with("policy/"));
        if !arn && !policy.chars().all(|c| fits(c) || c == '/') {
            let message =
                format!("`{policy}` is neither the name of a policy that AWS manages nor the ARN of a policy");
            problems.add(&spot.key("policies").index(n), message);
        }
    }
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html>: five
/// notifications a budget, one topic and ten addresses each.
fn budget(budget: &Budget, problems: &mut Problems, spot: &Spot) {
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
    let Some(notify) = &budget.notify else { return };
    let spot = spot.key("notify");
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

/// What no single layer can be blamed for.
fn across_layers(config: &Config, problems: &mut Problems, spot: &Spot) {
    let budgets = || config.layers.iter().filter_map(|layer| layer.budget.as_ref());
    let notified = budgets().any(|b| b.notify.as_ref().is_some_and(|n| n.email.is_some() || n.sns.is_some()));
    let amount = budgets().any(|budget| budget.monthly.is_some());
    for (n, layer) in config.layers.iter().enumerate() {
        let spot = spot.index(n);
        if let Some(budget) = layer.budget.as_ref().filter(|budget| budget.remove != Some(true)) {
            let spot = spot.key("budget");
            let thresholds = budget.actual.iter().chain(&budget.forecast).flatten().count();
            if thresholds > 0 && !notified {
                problems.add(&spot, "thresholds are given, but no layer says who is told; expected `notify`");
            }
            if !amount {
                problems.add(&spot, "no layer says the amount; expected `monthly`");
            }
        }
        for (name, role) in layer.roles.iter().flatten().filter(|(_, role)| role.remove != Some(true)) {
            let trusts =
                |layer: &Layer| layer.roles.iter().flatten().any(|(other, role)| other == name && role.trust.is_some());
            if role.trust.is_none() && !config.layers.iter().any(trusts) {
                problems.add(&spot.key("roles").key(name), "no layer says who may assume it; expected `trust`");
            }
        }
    }
}

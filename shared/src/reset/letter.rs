//! What the letters of a reset say: before it, what will go; after it, what came of it. Pure, and bounded in length: the
//! whole is a page, and the letter says where.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::catalogue::Catalogue;
use super::cost::service_of;
use super::people::Letter;
use super::plan::{PlanReport, Planned};
use super::receipt::Receipt;
use super::snooze::Snoozes;
use super::verdict::Verdict;
use crate::config::{Pause, Sandbox, Schedule};
use crate::org::Account;
use crate::types::Severity;

/// How many things are named one by one.
const NAMED: usize = 12;

/// How many services, reasons and the like are counted one by one.
const COUNTED: usize = 10;

/// A reset that is announced.
pub struct Announced<'a> {
    /// The account.
    pub account: &'a Account,
    /// The file's section.
    pub sandbox: &'a Sandbox,
    /// When sandboxes are reset.
    pub schedule: &'a Schedule,
    /// How the reset was put off.
    pub snoozes: &'a Snoozes,
    /// When it will be.
    pub reset: Timestamp,
    /// Which notice it is.
    pub notice: Pause,
    /// When it is told.
    pub now: Timestamp,
}

impl Announced<'_> {
    /// The time of the reset, as the owner's clock shows it.
    pub fn when(&self) -> String {
        let zone = self.schedule.zone().unwrap_or(jiff::tz::TimeZone::UTC);
        self.reset.to_zoned(zone).strftime("%A %-d %B %Y, %H:%M %Z").to_string()
    }

    /// How far away it is: told in hours below two days.
    fn away(&self) -> String {
        let hours = self.reset.duration_since(self.now).as_hours();
        match hours {
            ..1 => "in less than an hour".to_owned(),
            1 => "in an hour".to_owned(),
            2..48 => format!("in {hours} hours"),
            _ => format!("in {} days", hours / 24),
        }
    }

    /// How it can be put off, if it can.
    pub fn put_off(&self) -> Option<String> {
        let limits = self.sandbox.snooze.as_ref()?;
        let open = self.snoozes.open(limits);
        let id = &self.account.id;
        Some(match open {
            0 => "it was put off as often as the file allows; it takes place now".to_owned(),
            _ => format!(
                "`forester reset snooze {id} --for {} --because TEXT`, or the tag {}=DAY on the account: by {} at most, {open} more {}",
                limits.at_most,
                super::snooze::TAG,
                limits.at_most,
                if open == 1 { "time" } else { "times" },
            ),
        })
    }

    /// How single things are spared, where the file has a rule for that.
    pub fn spare(&self) -> Option<String> {
        let rules = self.sandbox.protect.iter();
        let rules = rules.filter(|rule| rule.is_tags_alone());
        let words = |(key, value): (&String, &String)| format!("`{key}` with the value `{value}`");
        let tags: Vec<String> =
            rules.map(|rule| rule.tag.iter().flatten().map(words).collect::<Vec<_>>().join(" and ")).collect();
        (!tags.is_empty()).then(|| format!("tag it: {}", tags.join(", or ")))
    }
}

/// The letter before a reset. A plan that could not be made is said, and holds the letter up no longer.
pub fn announcement(
    announced: &Announced<'_>,
    catalogue: &Catalogue,
    plan: Result<&PlanReport, &str>,
    page: Option<String>,
) -> Letter {
    let Announced { account, .. } = announced;
    let mut facts = vec![fact("when", format!("{}, {}", announced.when(), announced.away()))];
    match plan {
        Ok(plan) => facts.extend(contents(plan, catalogue)),
        Err(why) => facts
            .push(fact("what will go", format!("everything that is not protected; the list could not be made: {why}"))),
    }
    facts.extend(announced.spare().map(|how| fact("to keep something", how)));
    facts.extend(announced.put_off().map(|how| fact("to put it off", how)));
    facts.extend(announced.snoozes.row.iter().map(|snoozed| fact("put off before", snoozed.to_string())));
    Letter {
        account: account.id.clone(),
        rule: "reset-notice",
        occasion: format!("{}/{}", announced.reset, announced.notice),
        severity: Severity::Medium,
        title: format!(
            "Sandbox {} ({}) will be emptied {}: {}",
            account.name,
            account.id,
            announced.away(),
            announced.when()
        ),
        facts,
        labels: vec![("notice", announced.notice.to_string())],
        page,
    }
}

fn fact(name: &str, text: impl Into<String>) -> (String, String) {
    (name.to_owned(), text.into())
}

fn contents(plan: &PlanReport, catalogue: &Catalogue) -> Vec<(String, String)> {
    let regions = plan.delete.iter().map(|planned| planned.region.as_str()).collect::<std::collections::BTreeSet<_>>();
    let services = tally(plan.delete.iter().map(|planned| service_of(&planned.kind)));
    let (many, places) = (plan.delete.len(), regions.len());
    let mut facts = vec![match many {
        0 => fact("what will go", "nothing: the account is empty but for what stays"),
        _ => fact("what will go", format!("{many} resources in {places} regions: {services}")),
    }];
    let mut named: Vec<&Planned> = plan.delete.iter().collect();
    // What costs by the hour is what people miss, or are glad of, first.
    named.sort_by_key(|planned| !hourly(catalogue, &planned.kind));
    facts.extend(named.iter().take(NAMED).map(|planned| {
        let name = if planned.name == planned.id { String::new() } else { format!(" ({})", planned.name) };
        fact(
            if planned.trim { "is stripped" } else { "goes" },
            format!("{} {}{name} in {}", planned.kind, planned.id, planned.region),
        )
    }));
    if many > NAMED {
        facts.push(fact("goes", format!("… and {} more; the page lists them all", many - NAMED)));
    }
    if !plan.keep.is_empty() {
        let why = tally(plan.keep.iter().map(|kept| kept.reason.as_str()));
        facts.push(fact("stays", format!("{}: {why}", plan.keep.len())));
    }
    if !plan.unknown.is_empty() {
        let why = tally(plan.unknown.iter().map(|unknown| unknown.reason.as_str()));
        facts.push(fact("cannot be decided", format!("{}: {why}", plan.unknown.len())));
    }
    if !plan.unseen.is_empty() {
        let what = tally(plan.unseen.iter().map(|unseen| unseen.kind.as_str()));
        facts.push(fact("could not be listed", format!("{} lists, so there may be more: {what}", plan.unseen.len())));
    }
    facts.push(fact("plan", format!("{} (as of now; the reset looks again)", plan.hash)));
    facts
}

fn hourly(catalogue: &Catalogue, kind: &str) -> bool {
    catalogue.kinds().any(|known| known.hourly && known.name.as_ref() == kind)
}

/// `EC2 40, S3 12 and 3 others`: the most frequent first.
fn tally<'t>(words: impl Iterator<Item = &'t str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told: Vec<String> = counts.iter().take(COUNTED).map(|(word, count)| format!("{word} {count}")).collect();
    match counts.len().saturating_sub(COUNTED) {
        0 => told.join(", "),
        more => format!("{} and {more} others", told.join(", ")),
    }
}

/// The letter after a reset.
pub fn outcome(receipt: &Receipt, name: Option<&str>, page: Option<String>) -> Letter {
    let account = match name {
        Some(name) => format!("{name} ({})", receipt.account),
        None => receipt.account.to_string(),
    };
    let (title, severity) = match (receipt.verdict, receipt.deleted) {
        (Some(Verdict::Green), _) => ("was emptied, and is proven empty", Severity::Info),
        (Some(Verdict::Amber), _) => ("was emptied as far as could be; something needs a look", Severity::Medium),
        (Some(Verdict::Red), 0) => ("was not emptied", Severity::High),
        (Some(Verdict::Red), _) => ("was not emptied to the end", Severity::High),
        (None, _) => ("was looked at, and nothing was deleted: the run only made a plan", Severity::Low),
    };
    let verdict = receipt.verdict.map_or_else(|| "none".to_owned(), |verdict| verdict.to_string());
    let mut facts = vec![fact("verdict", verdict.clone())];
    facts.extend(receipt.why.iter().take(COUNTED).map(|why| fact("why", why)));
    facts.push(fact(
        "counts",
        format!("{} deleted, {} kept, {} left", receipt.deleted, receipt.kept.len(), receipt.left.len()),
    ));
    let gone = receipt.gone.iter().map(|gone| (service_of(&gone.kind), gone.count));
    facts.extend(services(gone).map(|text| fact("gone", text)));
    facts.extend(receipt.cost.iter().map(|cost| fact("costs", cost.words())));
    facts.extend(
        receipt
            .left
            .iter()
            .take(NAMED)
            .map(|left| fact("left", format!("{} {} in {}: {}", left.kind, left.id, left.region, left.reason))),
    );
    if receipt.left.len() > NAMED {
        facts.push(fact("left", format!("… and {} more; the receipt lists them all", receipt.left.len() - NAMED)));
    }
    facts.extend(receipt.snoozes.iter().map(|snoozed| fact("put off before", snoozed.to_string())));
    facts.extend(advice(receipt).map(|text| fact("to do", text)));
    facts.push(fact("run", receipt.run.clone()));
    Letter {
        account: receipt.account.clone(),
        rule: "reset-receipt",
        occasion: receipt.run.clone(),
        severity,
        title: format!("Sandbox {account} {title}"),
        facts,
        labels: vec![("verdict", verdict)],
        page,
    }
}

fn services<'t>(gone: impl Iterator<Item = (&'t str, u32)>) -> Option<String> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    gone.for_each(|(service, count)| *counts.entry(service).or_default() += count);
    let mut counts: Vec<(&str, u32)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told: Vec<String> = counts.iter().take(COUNTED).map(|(word, count)| format!("{word} {count}")).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn advice(receipt: &Receipt) -> Option<String> {
    let look = "look at the receipt";
    match receipt.verdict {
        None | Some(Verdict::Green) => None,
        Some(Verdict::Amber) => Some(format!(
            "{look}: grant the role what was denied, or wait until what cannot be deleted may be; \
             the next reset tries again, `forester reset run {}` does at once",
            receipt.account
        )),
        Some(Verdict::Red) => Some(format!(
            "{look}, remove what is named as left or what holds it, then `forester reset run {}`",
            receipt.account
        )),
    }
}

#[cfg(test)]
#[path = "letter_tests.rs"]
mod tests;

//! The receipt of a run as a page.

use std::collections::BTreeMap;

use super::chart::{Bar, bars, length, timeline};
use super::text::{escape, push};
use super::{folded, frame, list, table};
use crate::reset::cost::{Cost, Fate, money, service_of};
use crate::reset::receipt::Receipt;
use crate::reset::verdict::{Line, State, Verdict};

/// Things that went are shown open up to so many.
const OPEN: usize = 50;

/// The whole page.
pub fn page(receipt: &Receipt) -> String {
    let account = escape(receipt.account.as_ref());
    let verdict = receipt.verdict.map_or_else(|| "unfinished".to_owned(), |verdict| verdict.to_string());
    let colour = receipt.verdict.unwrap_or(Verdict::Red);
    let mut body = String::new();
    why(&mut body, receipt);
    facts(&mut body, receipt);
    left(&mut body, receipt);
    gone(&mut body, receipt);
    cost(&mut body, receipt);
    kept(&mut body, receipt);
    course(&mut body, receipt);
    notes(&mut body, receipt);
    ledger(&mut body, receipt);
    let title = format!("Reset of {account}: {verdict}");
    let head = format!("Reset of account {account} <span class=\"verdict {colour}\">{verdict}</span>");
    frame(&title, &head, &body)
}

fn why(out: &mut String, receipt: &Receipt) {
    let meaning = match receipt.verdict {
        None => "The run is not over.",
        Some(Verdict::Green) => "The account is empty but for what stays on purpose.",
        Some(Verdict::Amber) => {
            "Nothing more could be done, but something could not be looked at or cannot be deleted by anybody."
        }
        Some(Verdict::Red) => "Something is left that should not be, or the account is not in order.",
    };
    push(out, format_args!("<p><strong>{meaning}</strong></p>"));
    list(out, receipt.why.iter().cloned());
}

fn facts(out: &mut String, receipt: &Receipt) {
    let took = receipt.finished.map(|end| u64::try_from(end.duration_since(receipt.started).as_secs()).unwrap_or(0));
    let finished = receipt.finished.map_or_else(|| "not finished".to_owned(), |at| at.to_string());
    let finished = took.map_or_else(|| finished.clone(), |took| format!("{finished}, after {}", length(took)));
    let rows = [
        ("Run", receipt.run.clone()),
        ("Started", receipt.started.to_string()),
        ("Finished", finished),
        ("Deleted", receipt.deleted.to_string()),
        ("Left", receipt.left.len().to_string()),
        ("Kept on purpose", receipt.kept.len().to_string()),
        ("Costs", receipt.cost.as_ref().map_or_else(|| "not asked".to_owned(), Cost::words)),
        ("AWS calls", receipt.calls.to_string()),
        ("Complete scans", receipt.scans.to_string()),
        ("Plan", receipt.plan.clone().unwrap_or_default()),
        ("Baseline", receipt.baseline.as_ref().map_or("not applied", |said| said.summary.as_str()).to_owned()),
        ("Owner", receipt.told.as_ref().map_or_else(|| "not told yet".to_owned(), |told| told.words())),
    ];
    push(out, format_args!("<table><tbody>"));
    for (name, value) in rows {
        push(out, format_args!("<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", escape(&value)));
    }
    push(out, format_args!("</tbody></table>"));
}

fn left(out: &mut String, receipt: &Receipt) {
    if receipt.left.is_empty() {
        return;
    }
    push(out, format_args!("<h2>What is left</h2>"));
    let rows = receipt.left.iter().map(|left| [&left.kind, &left.id, &left.region, &left.reason].map(Clone::clone));
    table(out, "Each with what holds it", ["Type", "Id", "Region", "Why"], rows);
}

fn gone(out: &mut String, receipt: &Receipt) {
    push(out, format_args!("<h2>What went</h2>"));
    if receipt.gone.is_empty() {
        return push(out, format_args!("<p>Nothing.</p>"));
    }
    let mut services: BTreeMap<&str, u64> = BTreeMap::new();
    for gone in &receipt.gone {
        *services.entry(service_of(&gone.kind)).or_default() += u64::from(gone.count);
    }
    let mut services: Vec<(&str, u64)> = services.into_iter().collect();
    services.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let bar = |(name, value): (&str, u64)| Bar { name: name.to_owned(), value, label: value.to_string() };
    bars(out, "services", "What went, by service", services.into_iter().map(bar).collect());
    folded(out, &format!("By type and region ({})", receipt.gone.len()), false, |out| {
        let rows = receipt.gone.iter().map(|gone| [gone.kind.clone(), gone.region.clone(), gone.count.to_string()]);
        table(out, "Everything that went", ["Type", "Region", "Count"], rows);
    });
    folded(out, &format!("One by one ({})", receipt.went.len()), receipt.went.len() <= OPEN, |out| {
        let rows = receipt.went.iter().map(|went| {
            let name = if went.name == went.id { String::new() } else { went.name.clone() };
            let name = if went.trim { format!("{name} (stripped to bare)") } else { name };
            [went.kind.clone(), went.id.clone(), name, went.region.clone(), went.at.to_string()]
        });
        let caption = match receipt.unnamed {
            0 => "Everything that went, in order".to_owned(),
            more => format!("The first of what went, in order; {more} more are only counted, by type and region"),
        };
        table(out, &caption, ["Type", "Id", "Name", "Region", "Gone by"], rows);
    });
}

fn cost(out: &mut String, receipt: &Receipt) {
    push(out, format_args!("<h2>What it cost a day</h2>"));
    let words = receipt.cost.as_ref().map_or_else(|| "Not asked.".to_owned(), Cost::words);
    push(out, format_args!("<p>{}</p>", escape(&words)));
    let Some(Cost::Known(bill)) = &receipt.cost else { return };
    let rows = bill.services.iter().filter(|service| !service.a_day.is_zero()).map(|service| {
        let state = match service.state {
            Fate::Stopped => "stopped: its resources are gone",
            Fate::Remains => "not stopped: something of it stays, or could not be looked at",
            Fate::Unexplained => "not claimed: nothing of it was deleted here",
        };
        [service.service.clone(), money(service.a_day, &bill.currency), state.to_owned()]
    });
    table(out, "About, by service; billing data is about a day late", ["Service", "A day", "Now"], rows);
}

fn kept(out: &mut String, receipt: &Receipt) {
    if receipt.kept.is_empty() {
        return;
    }
    push(out, format_args!("<h2>What stays on purpose</h2>"));
    let rows = receipt.kept.iter().map(|kept| [&kept.kind, &kept.id, &kept.region, &kept.reason].map(Clone::clone));
    table(out, "Each with the rule or the reason", ["Type", "Id", "Region", "Why"], rows);
}

fn course(out: &mut String, receipt: &Receipt) {
    let Some(last) = receipt.timeline.last() else { return };
    push(out, format_args!("<h2>Course</h2>"));
    timeline(out, &receipt.timeline, receipt.finished.unwrap_or(last.at));
    folded(out, &format!("As a table ({})", receipt.timeline.len()), false, |out| {
        let rows = receipt.timeline.iter().map(|moment| {
            let waited = if moment.waited == 0 { String::new() } else { length(moment.waited) };
            [moment.at.to_string(), moment.what.clone(), waited]
        });
        table(out, "What the run did when; it waits without working", ["From", "What", "Waited"], rows);
    });
}

fn notes(out: &mut String, receipt: &Receipt) {
    let failed = receipt.baseline.iter().flat_map(|said| &said.failed).map(|failed| format!("baseline: {failed}"));
    let snoozes = receipt.snoozes.iter().map(|snoozed| format!("put off before: {snoozed}"));
    let notes: Vec<String> = receipt.notes.iter().cloned().chain(failed).chain(snoozes).collect();
    if notes.is_empty() {
        return;
    }
    push(out, format_args!("<h2>Notes</h2>"));
    list(out, notes.into_iter());
}

fn ledger(out: &mut String, receipt: &Receipt) {
    let empty = receipt.ledger.iter().filter(|line| line.state == State::Empty).count();
    let total = receipt.ledger.len();
    push(out, format_args!("<h2>Ledger</h2><p>{total} combinations of region and type, {empty} of them empty.</p>"));
    let mut regions: BTreeMap<(bool, &str), Vec<&Line>> = BTreeMap::new();
    for line in &receipt.ledger {
        regions.entry((line.region == crate::reset::item::GLOBAL, &line.region)).or_default().push(line);
    }
    for ((_, region), lines) in regions {
        let told = lines.iter().filter(|line| line.state != State::Empty).count();
        let summary = format!("{region}: {} lists, {told} not empty", lines.len());
        folded(out, &summary, told > 0, |out| {
            let row =
                |line: &&&Line| [line.kind.clone(), line.state.to_string(), line.count.to_string(), line.note.clone()];
            let full = lines.iter().filter(|line| line.state != State::Empty);
            table(out, "Not empty", ["Type", "State", "Count", "Note"], full.map(|line| row(&line)));
            let empty: Vec<&str> =
                lines.iter().filter(|line| line.state == State::Empty).map(|line| line.kind.as_str()).collect();
            push(out, format_args!("<p>Empty: {}</p>", escape(&empty.join(", "))));
        });
    }
}

//! Why a run has the verdict that it has, in words that need no table.

use std::collections::BTreeSet;

use super::state::{End, Run};
use super::verdict::{Line, State, Verdict};

/// How many names a sentence carries.
const NAMES: usize = 5;

/// The sentences behind the verdict; none while the run goes on.
pub fn why(run: &Run, ledger: &[Line], left: usize) -> Vec<String> {
    let Some(verdict) = run.verdict() else { return Vec::new() };
    let mut told = Vec::new();
    match run.end() {
        Some(End::Refused(reason)) => {
            return vec![format!("Nothing more was deleted, because a guard refused: {reason}.")];
        }
        Some(End::Stuck) => told.push(format!("All {} rounds are used up, and something is still there.", run.rounds)),
        Some(End::Done | End::Planned) | None => {}
    }
    let of = |state: State| ledger.iter().filter(move |line| line.state == state);
    told.extend(sentence(of(State::Error), "could not be looked at or deleted, because of errors"));
    told.extend(sentence(of(State::Denied), "could not be looked at or deleted, because it was denied"));
    told.extend(sentence(of(State::Undeletable), "cannot be deleted by anybody for now"));
    if left > 0 {
        told.push(format!(
            "{left} {} left; the list says why.",
            if left == 1 { "resource is" } else { "resources are" }
        ));
    }
    if !run.uncovered.is_empty() {
        told.push(format!("{} in use and not covered, or contradicted; the notes say what.", run.uncovered.len()));
    }
    match &run.baseline {
        Some(said) if !said.failed.is_empty() => {
            told.push(format!("The baseline is not in place: {} of its steps failed.", said.failed.len()));
        }
        None if verdict == Verdict::Red => told.push("The baseline was not applied.".to_owned()),
        Some(_) | None => {}
    }
    if !run.notes.is_empty() && verdict != Verdict::Green {
        told.push(format!("{} more to know; the notes say what.", run.notes.len()));
    }
    if verdict == Verdict::Green {
        told.push(format!(
            "Every one of {} lists was read to its end, {} scans in a row found nothing to delete, and the baseline is in place.",
            ledger.len(),
            run.quiet
        ));
    }
    told
}

/// `3 of the lists (AWS::S3::Bucket in global, …) could not be …`
fn sentence<'l>(lines: impl Iterator<Item = &'l Line>, what: &str) -> Option<String> {
    let names: BTreeSet<String> = lines.map(|line| format!("{} in {}", line.kind, line.region)).collect();
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = match names.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| format!("{} {what}: {}{more}.", many(names.len()), shown.join(", ")))
}

fn many(count: usize) -> String {
    if count == 1 { "One type of a region".to_owned() } else { format!("{count} types of a region") }
}

//! What a run tells people and programs, once it is over.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cost::{Cost, Settled};
use super::diary::{Moment, Told, Went};
use super::oracle::{Heard, Uncovered};
use super::plan::Planned;
use super::snooze::Snoozed;
use super::state::{End, Handover, Run};
use super::verdict::{LeftLine, Line, State, Verdict, by_region};
use crate::types::AccountId;

/// A run's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The run.
    pub run: String,
    /// Its account.
    pub account: AccountId,
    /// What was proved.
    pub verdict: Option<Verdict>,
    /// Why, in plain words.
    #[serde(default)]
    pub why: Vec<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Things that went.
    pub deleted: u32,
    /// AWS calls that it took.
    pub calls: u64,
    /// Complete scans of the account.
    pub scans: u32,
    /// The hash of the plan that it carried out.
    pub plan: Option<String>,
    /// Every (region, type).
    pub ledger: Vec<Line>,
    /// What is left that should not be.
    pub left: Vec<LeftLine>,
    /// What is kept on purpose.
    pub kept: Vec<KeptLine>,
    /// What a run that only plans would delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<Planned>,
    /// What the baseline said.
    pub baseline: Option<Handover>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// Who was asked what is in use, and how that went.
    #[serde(default)]
    pub witnesses: Vec<Heard>,
    /// What is in use and not covered, or contradicts the lists.
    #[serde(default)]
    pub uncovered: Vec<Uncovered>,
    /// How much went, by type and region.
    #[serde(default)]
    pub gone: Vec<GoneLine>,
    /// What went, by name, the first of it.
    #[serde(default)]
    pub went: Vec<Went>,
    /// How much went beyond what `went` names.
    #[serde(default)]
    pub unnamed: u32,
    /// What the account cost a day, and what of it is over; absent: not asked yet.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// What the run did when.
    #[serde(default)]
    pub timeline: Vec<Moment>,
    /// How the reset was put off before.
    #[serde(default)]
    pub snoozes: Vec<Snoozed>,
    /// Whether the owner was told; absent: not tried yet.
    #[serde(default)]
    pub told: Option<Told>,
}

/// How much of a type went in a region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoneLine {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// A region code, or `global`.
    pub region: String,
    /// How many.
    pub count: u32,
}

/// Something that is kept on purpose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptLine {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Where it is.
    pub region: String,
    /// Why.
    pub reason: String,
}

impl Receipt {
    /// The report of a run.
    pub fn of(run: &Run) -> Self {
        let mut ledger = run.ledger();
        by_region(&mut ledger);
        let kept = run.kept.iter().map(|(found, reason)| KeptLine {
            kind: found.key.cell.kind.to_string(),
            id: found.key.id.clone(),
            region: found.key.cell.region.clone(),
            reason: reason.clone(),
        });
        let mut notes = run.notes.clone();
        notes.extend(run.remarks.iter().cloned());
        notes.extend(run.uncovered.iter().map(|one| format!("not covered: {one}")));
        let told = run.testimony.heard.iter().filter(|heard| !heard.note.is_empty());
        notes.extend(told.map(|heard| format!("witness {heard}")));
        match run.end() {
            Some(End::Refused(reason)) => notes.push(format!("refused: {reason}")),
            Some(End::Stuck) => notes.push("the baseline was not applied: look at what is left, and at why".to_owned()),
            Some(End::Planned) => notes.push(format!(
                "nothing was deleted: the first run of an account only plans (sandbox.guards.first_run); the next run \
                 deletes, and so does `forester reset run {} --plan {}`",
                run.account,
                run.plan.as_deref().unwrap_or("HASH")
            )),
            Some(End::Done) | None => {}
        }
        let kept: Vec<KeptLine> = kept.collect();
        let left = run.leftovers();
        let gone = gone(run);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        gone.iter().for_each(|line| *counts.entry(&line.kind).or_default() += line.count);
        let settled = Settled { gone: &counts, ledger: &ledger, left: &left, kept: &kept };
        let cost = run.diary.spend.as_ref().map(|asked| settled.bill(asked));
        Self {
            run: run.id.clone(),
            account: run.account.clone(),
            verdict: run.verdict(),
            why: super::words::why(run, &ledger, left.len()),
            started: run.started,
            finished: run.finished,
            deleted: run.cleaned(),
            calls: run.calls,
            scans: run.scans,
            plan: run.plan.clone(),
            ledger,
            left,
            kept,
            planned: if run.end() == Some(&End::Planned) { Planned::all(run) } else { Vec::new() },
            baseline: run.baseline.clone(),
            notes,
            went: run.diary.went.clone(),
            unnamed: run.diary.unnamed,
            timeline: run.diary.moments.clone(),
            snoozes: run.diary.snoozes.clone(),
            told: run.diary.told.clone(),
            gone,
            cost,
            witnesses: run.testimony.heard.clone(),
            uncovered: run.uncovered.iter().cloned().collect(),
        }
    }

    /// The document that programs read.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

fn gone(run: &Run) -> Vec<GoneLine> {
    let line = |(key, cell): (&super::item::CellKey, &super::state::Cell)| GoneLine {
        kind: key.kind.to_string(),
        region: key.region.clone(),
        count: cell.cleaned,
    };
    run.cells.iter().filter(|(_, cell)| cell.cleaned > 0).map(line).collect()
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let other = if self.finished.is_some() { "planned" } else { "unfinished" };
        let verdict = self.verdict.map_or_else(|| other.to_owned(), |verdict| verdict.to_string());
        writeln!(f, "Account {} is {verdict} (run {}).", self.account, self.run)?;
        for why in &self.why {
            writeln!(f, "{why}")?;
        }
        let lists = self.ledger.len();
        writeln!(
            f,
            "{} deleted, {} kept, {} left; {lists} lists, {} scans, {} calls.",
            self.deleted,
            self.kept.len(),
            self.left.len(),
            self.scans,
            self.calls
        )?;
        for line in self.ledger.iter().filter(|line| line.state != State::Empty) {
            let note = if line.note.is_empty() { String::new() } else { format!("  {}", line.note) };
            writeln!(f, "  {:<12} {:>5}  {:<15} {}{note}", line.state.to_string(), line.count, line.region, line.kind)?;
        }
        for planned in &self.planned {
            writeln!(f, "  to delete: {} {} in {}", planned.kind, planned.id, planned.region)?;
        }
        for left in &self.left {
            writeln!(f, "  left: {} {} in {}: {}", left.kind, left.id, left.region, left.reason)?;
        }
        if let Some(baseline) = &self.baseline {
            writeln!(f, "Baseline: {}", baseline.summary)?;
            for failed in &baseline.failed {
                writeln!(f, "  failed: {failed}")?;
            }
        }
        if let Some(cost) = &self.cost {
            writeln!(f, "Costs: {}", cost.words())?;
        }
        for snoozed in &self.snoozes {
            writeln!(f, "Put off before: {snoozed}")?;
        }
        if let Some(told) = &self.told {
            writeln!(f, "Told: {}", told.words())?;
        }
        for note in &self.notes {
            writeln!(f, "Note: {note}")?;
        }
        Ok(())
    }
}

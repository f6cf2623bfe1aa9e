//! What a run tells people and programs, once it is over.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// What the baseline said.
    pub baseline: Option<Handover>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
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
        match run.end() {
            Some(End::Refused(reason)) => notes.push(format!("refused: {reason}")),
            Some(End::Stuck) => notes.push("the baseline was not applied: look at what is left, and at why".to_owned()),
            Some(End::Done | End::Planned) | None => {}
        }
        Self {
            run: run.id.clone(),
            account: run.account.clone(),
            verdict: run.verdict(),
            started: run.started,
            finished: run.finished,
            deleted: run.cleaned(),
            calls: run.calls,
            scans: run.scans,
            plan: run.plan.clone(),
            ledger,
            left: run.leftovers(),
            kept: kept.collect(),
            baseline: run.baseline.clone(),
            notes,
        }
    }

    /// The document that programs read.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.verdict.map_or_else(|| "unfinished".to_owned(), |verdict| verdict.to_string());
        writeln!(f, "Account {} is {verdict} (run {}).", self.account, self.run)?;
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
        for left in &self.left {
            writeln!(f, "  left: {} {} in {}: {}", left.kind, left.id, left.region, left.reason)?;
        }
        if let Some(baseline) = &self.baseline {
            writeln!(f, "Baseline: {}", baseline.summary)?;
            for failed in &baseline.failed {
                writeln!(f, "  failed: {failed}")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "Note: {note}")?;
        }
        Ok(())
    }
}

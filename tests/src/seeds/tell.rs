//! What became of every seed, a line a type.

use std::collections::BTreeMap;

/// One type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// How many were made.
    pub made: usize,
    /// How many of them a scan found.
    pub found: usize,
    /// How many of them are gone, by a plain call.
    pub gone: usize,
    /// What went wrong.
    pub problems: Vec<String>,
}

impl Row {
    /// Whether everything that was made was found, and is gone.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.made > 0 && self.found == self.made && self.gone == self.made
    }
}

/// A line a type, with what went wrong below it.
pub fn table(rows: &BTreeMap<String, Row>) -> String {
    let mut text = format!("{:<52} {:>5} {:>6} {:>5}\n", "type", "made", "found", "gone");
    for (kind, row) in rows {
        text.push_str(&format!("{kind:<52} {:>5} {:>6} {:>5}\n", row.made, row.found, row.gone));
        row.problems.iter().for_each(|problem| text.push_str(&format!("    {problem}\n")));
    }
    text
}

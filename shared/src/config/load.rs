//! Reads the file and reports every problem with line, column and what was expected.

use std::fmt;

use super::Config;

/// One thing wrong with the file.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Problem {
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
    /// Where in the document (`layers[2].budget.monthly`).
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Everything wrong with a file, in order of appearance.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct ConfigErrors {
    /// What the file is called.
    pub name: String,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let Problem { line, column, path, message } = problem;
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}{}:{line}:{column}: {path}: {message}", self.name)?;
        }
        Ok(())
    }
}

pub(super) fn parse(text: &str, name: &str) -> Result<Config, ConfigErrors> {
    serde_json::from_str(text).map_err(|error| ConfigErrors {
        name: name.to_owned(),
        problems: vec![Problem {
            line: error.line(),
            column: error.column(),
            path: String::new(),
            message: error.to_string(),
        }],
    })
}

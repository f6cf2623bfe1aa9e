//! `forester validate`: every problem of the file with line, column and what was expected. Calls nothing.

use forester::config::{Config, ConfigErrors};
use serde_json::json;

use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Check the file and print every problem with line, column and what was expected
#[derive(Debug, clap::Args)]
pub struct Validate {}

impl Validate {
    /// Reads and checks the file.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let text = context.config_text()?;
        match Config::parse_file(&text, context.config_name()) {
            Ok(config) => {
                let (accounts, layers) = (config.accounts.len(), config.layers.len());
                let mut text =
                    format!("{} has no problem: {accounts} accounts, {layers} layers", context.config_name());
                let hints: Vec<String> = config.cleanability_hint().into_iter().collect();
                hints.iter().for_each(|hint| text.push_str(&format!("\nhint: {hint}")));
                result(context.form, &json!({ "file": context.config_name(), "problems": [], "hints": hints }), text);
                Ok(Exit::Done)
            }
            Err(errors) => {
                result(context.form, &json!({ "file": errors.name, "problems": errors.problems }), Told(&errors));
                Ok(Exit::Failed)
            }
        }
    }
}

struct Told<'a>(&'a ConfigErrors);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = self.0.problems.len();
        write!(f, "{}\n{n} {}", self.0, if n == 1 { "problem" } else { "problems" })
    }
}

//! `forester schema`: the JSON Schema of the file, for editors.

use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Print the JSON Schema of the file
#[derive(Debug, clap::Args)]
pub struct Schema {}

impl Schema {
    /// Prints it, the same in both forms of output.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let schema = forester::config::schema();
        result(context.form, &schema, format_args!("{schema:#}"));
        Ok(Exit::Done)
    }
}

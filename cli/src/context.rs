//! What every command is given: the file, the form of output, and the parts when it asks for them.

use forester::config::Config;
use forester::{Forester, Settings};

use crate::output::{Form, Problem, answered, confirm};

/// The command line's circumstances.
#[derive(Debug)]
pub struct Context {
    config: String,
    /// What goes to standard output.
    pub form: Form,
    yes: bool,
}

impl Context {
    /// From the global options.
    pub fn new(config: String, form: Form, yes: bool) -> Self {
        Self { config, form, yes }
    }

    /// Where the file is, as it was named.
    pub fn config_name(&self) -> &str {
        &self.config
    }

    /// The file's text; nothing is called.
    pub fn config_text(&self) -> Result<String, Problem> {
        if self.config.starts_with("s3://") {
            return Err(Problem::failed("this command works offline: name a local file with --config"));
        }
        std::fs::read_to_string(&self.config).map_err(|error| {
            Problem::failed(format_args!("cannot read {}: {error}; name the file with --config", self.config))
        })
    }

    /// The file, read and checked; nothing is called.
    pub fn config(&self) -> Result<Config, Problem> {
        Config::parse_file(&self.config_text()?, &self.config).map_err(Problem::failed)
    }

    /// The parts, wired as the file and the environment say.
    pub async fn forester(&self) -> Result<Forester, Problem> {
        let mut settings = Settings::from_env(|name| std::env::var(name).ok()).map_err(Problem::failed)?;
        settings.config.clone_from(&self.config);
        Forester::start(settings).await.map_err(Problem::failed)
    }

    /// Asks before something is written.
    pub fn confirm(&self, question: impl std::fmt::Display) -> Result<(), Problem> {
        confirm(self.yes, question)
    }

    /// Asks in the middle of something; `so_far` is what a refusal leaves as it is.
    pub fn confirm_further(&self, question: impl std::fmt::Display, so_far: &str) -> Result<(), Problem> {
        match answered(self.yes, question) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Problem::refused(format_args!("not confirmed. {so_far}"))),
            Err(nobody) => Err(Problem { message: format!("{} {so_far}", nobody.message), ..nobody }),
        }
    }
}

//! `forester resolve ACCOUNT`: what the layers come to for it.

use forester::baseline::Baseline;
use serde_json::json;

use crate::context::Context;
use crate::output::{Exit, Problem, result};
use crate::pick::{document, one};

/// Show the aspects in force for an account
#[derive(Debug, clap::Args)]
pub struct Resolve {
    /// The account, by 12-digit id or by name
    account: String,
}

impl Resolve {
    /// Looks the account up and merges its layers.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let baseline = Baseline::new(&context.forester().await?);
        let (mut documents, mut texts) = (Vec::new(), Vec::new());
        for account in one(&baseline, &self.account).await? {
            let resolved = baseline.resolve(&account);
            let (id, name, layers) = (&account.id, &account.name, &resolved.layers);
            documents.push(json!({ "id": id, "name": name, "layers": layers, "enforce": resolved.enforce, "aspects": resolved.wanted }));
            let mut lines = vec![format!("{name} ({id}): layers {layers:?}")];
            lines.extend(resolved.origins.iter().map(|(path, origin)| format!("  {path}: {}", origin.value)));
            texts.push(lines.join("\n"));
        }
        result(context.form, &document(json!(documents)), texts.join("\n"));
        Ok(Exit::Done)
    }
}

//! `forester explain ACCOUNT [ASPECT]`: which layer said so, and what it overrode.

use forester::baseline::Baseline;
use forester::config::{Config, Origin, Said};
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{Exit, Problem, result};
use crate::pick::{document, one};

/// Show which layer said what for an account, and what it overrode
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The account, by 12-digit id or by name
    account: String,
    /// Only this aspect, or this value of it: `budget`, `roles.Administrator.mfa`
    aspect: Option<String>,
}

impl Explain {
    /// Looks the account up and tells where each value comes from.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let baseline = Baseline::new(&forester);
        let (mut documents, mut texts) = (Vec::new(), Vec::new());
        for account in one(&baseline, &self.account).await? {
            let resolved = baseline.resolve(&account);
            let meant = |path: &str| self.aspect.as_deref().is_none_or(|aspect| under(path, aspect));
            let values: Vec<(&String, &Origin)> = resolved.origins.iter().filter(|(path, _)| meant(path)).collect();
            if let (Some(aspect), true) = (&self.aspect, values.is_empty()) {
                let message = format!("no layer of {} says anything about `{aspect}`", account.name);
                return Err(Problem::failed(message));
            }
            let documented: Vec<Value> = values.iter().map(|(path, origin)| value(path, origin)).collect();
            documents.push(json!({ "id": account.id, "name": account.name, "values": documented }));
            texts.push(format!("{} ({})", account.name, account.id));
            texts.extend(values.iter().map(|(path, origin)| line(&forester.config, path, origin)));
        }
        result(context.form, &document(json!(documents)), texts.join("\n"));
        Ok(Exit::Done)
    }
}

fn under(path: &str, aspect: &str) -> bool {
    path.strip_prefix(aspect).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn value(path: &str, origin: &Origin) -> Value {
    json!({ "path": path, "value": origin.value, "layer": origin.layer, "overrode": origin.overrode })
}

fn line(config: &Config, path: &str, origin: &Origin) -> String {
    let Origin { layer, value, overrode } = origin;
    let earlier: Vec<String> =
        overrode.iter().map(|Said { layer, value }| format!("; {value} of layers[{layer}] no longer holds")).collect();
    format!("  {path}: {value}\n      from layers[{layer}] {}{}", condition(config, *layer), earlier.join(""))
}

fn condition(config: &Config, layer: usize) -> String {
    let matches = config.layers.get(layer).map(|layer| &layer.matches);
    let mut parts = Vec::new();
    if let Some(matches) = matches {
        parts.extend(matches.all.then(|| "every account".to_owned()));
        parts.extend(matches.account.iter().map(|name| format!("account {name}")));
        parts.extend(matches.ou.iter().map(|ou| format!("ou {ou}")));
        parts.extend(matches.tag.iter().map(|(key, value)| format!("tag {key}={value}")));
    }
    format!("({})", parts.join(", "))
}

//! `forester deploy`: brings the packages, the file and the stack into an account, the rules that forward to it into other
//! regions, the role into members, and looks at the outcome with `doctor`.
//!
//! What follows from the file is taken from there and not asked for again. Everything is shown before it is changed, by
//! change sets; only what lies in the bucket under the name of its content is written before.

mod bucket;
mod budgets;
#[cfg(test)]
mod fake;
mod forwarders;
mod holds;
mod inputs;
mod log;
mod members;
mod pace;
mod packages;
mod remove;
mod rest;
mod site;
mod stack;
mod stack_set;
mod units;

use std::collections::BTreeMap;
use std::path::PathBuf;

use forester::config::Config;
use serde_json::{Value, json};

use super::doctor;
use crate::context::Context;
use crate::output::{Exit, Problem, note, result};
use bucket::Bucket;
use budgets::Subscribed;
use members::Members;
use packages::Packages;
pub use remove::Remove;
use site::Site;
use stack::{Plan, Stack, Template};
pub(super) use stack_set::MEMBERS;

/// Deploy Forester into the account and region of the credentials at hand
#[derive(Debug, clap::Args)]
pub struct Deploy {
    /// The private bucket for the packages and the file; made where there is none
    bucket: String,
    /// What the stack is called
    #[arg(long, default_value = "forester", value_name = "NAME", value_parser = inputs::stack_name)]
    stack: String,
    /// Where `cargo xtask package` put the functions
    #[arg(long, default_value = "dist", value_name = "DIRECTORY")]
    packages: PathBuf,
    /// An input of the template, such as LogDays=365; those that follow from the file need not be given
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = inputs::pair)]
    parameters: Vec<(String, String)>,
    /// Also give members the role and the rules of infra/member.yaml, by StackSets
    #[arg(long)]
    members: bool,
    /// Show what would change, and leave all stacks as they are
    #[arg(long)]
    plan: bool,
    /// A template in place of the one that this command holds
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
}

/// What came of it, for the document and for people.
#[derive(Default)]
struct Told {
    stacks: Vec<Value>,
    outputs: BTreeMap<String, String>,
    members: Vec<Value>,
    budgets: Subscribed,
}

impl Deploy {
    /// Reads, uploads, shows, asks, deploys, looks.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let text = context.config_text()?;
        // As the functions read it, from a bucket: no file lies beside it there.
        Config::parse(&text, context.config_name()).map_err(Problem::failed)?;
        let packages = Packages::read(&self.packages, self.template.as_deref())?;
        let site = Site::find(context).await?;
        let members = if self.members { Some(Members::of(&site, &self.stack)?) } else { None };
        let forwarders = forwarders::of(&site, &self.stack).await?;
        let bucket = Bucket::ready(&site.scope, &self.bucket, context).await?;
        let stack = self.described(&site, &packages, packages.upload(&bucket, &self.stack).await?).await;
        let file = File { bucket: &bucket, key: self.file(), text: &text };
        if self.plan {
            return self.shown(context, &file, [vec![stack], forwarders].concat(), members).await;
        }
        let mut told = Told::default();
        told.stacks.extend(at_home(context, &stack, &file).await?);
        told.outputs = stack.outputs().await?;
        for forwarder in forwarders {
            let plan = forwarder.plan().await?;
            told.stacks.extend(carry_out(context, &forwarder, plan, "The stack itself is deployed.").await?);
        }
        if let Some(members) = members {
            told.members = members.deploy(context, &told.outputs).await?;
            told.budgets = members.hear_budgets(&told.outputs).await;
        }
        finish(context, &site, told).await
    }

    /// Says what would change, and changes nothing.
    async fn shown(
        &self,
        context: &Context,
        file: &File<'_>,
        stacks: Vec<Stack>,
        members: Option<Members<'_>>,
    ) -> Result<Exit, Problem> {
        let (mut documents, mut lines) = (Vec::new(), Vec::new());
        let outputs = match stacks.first() {
            Some(stack) => stack.outputs().await?,
            None => BTreeMap::new(),
        };
        for stack in stacks {
            let Some(plan) = stack.plan().await? else {
                lines.push(format!("{} is as it should be", stack.name));
                continue;
            };
            stack.discard(&plan).await?;
            documents.push(plan.document(&stack));
            lines.push(plan.told(&stack));
        }
        let differs = file.differs().await?;
        lines.extend(differs.then(|| format!("{} is another file than the one in force", file.key)));
        let works = match &members {
            Some(members) => members.plan(&outputs).await?,
            None => Vec::new(),
        };
        lines.extend(works.iter().map(|(set, work)| work.told(&set.name)));
        let members: Vec<Value> = works.iter().map(|(set, work)| work.document(&set.name)).collect();
        let exit = if documents.is_empty() && !differs && members.is_empty() { Exit::Done } else { Exit::Changes };
        result(context.form, &json!({ "stacks": documents, "file": differs, "members": members }), lines.join("\n"));
        Ok(exit)
    }

    async fn described(&self, site: &Site, packages: &Packages, template: String) -> Stack {
        let mut parameters = inputs::derived(site.config());
        parameters.extend(inputs::share(&site.scope).await);
        parameters.extend(packages.architecture.clone().map(|name| ("Architecture".to_owned(), name)));
        parameters.insert("ConfigUri".to_owned(), format!("s3://{}/{}", self.bucket, self.file()));
        parameters.insert("ConfigBucket".to_owned(), self.bucket.clone());
        if self.members {
            let organization = site.forest.organization.as_ref();
            parameters.extend(organization.map(|found| ("OrganizationId".to_owned(), found.id.clone())));
        }
        parameters.extend(self.parameters.iter().cloned());
        Stack {
            scope: site.scope.clone(),
            name: self.stack.clone(),
            template: Template::Url(template),
            parameters,
            // What it makes, and that the template is expanded before:
            // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
            capabilities: &["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
    }

    /// The key of the file in the bucket.
    fn file(&self) -> String {
        format!("{}/forester.yaml", self.stack)
    }
}

/// The file, and where it goes.
struct File<'a> {
    bucket: &'a Bucket<'a>,
    key: String,
    text: &'a str,
}

impl File<'_> {
    /// Whether it is another one than that in force: each new edition is read by every function.
    async fn differs(&self) -> Result<bool, Problem> {
        self.bucket.differs(&self.key, self.text).await
    }

    async fn put(&self) -> Result<(), Problem> {
        note(format_args!("{}: the file", self.bucket.uri(&self.key)));
        self.bucket.put(&self.key, self.text.as_bytes()).await
    }
}

/// Deploys Forester's own stack, and the file. New functions need one before their first event; those that are there may
/// not know all words of a new one before they are new themselves.
async fn at_home(context: &Context, stack: &Stack, file: &File<'_>) -> Result<Option<Value>, Problem> {
    const SO_FAR: &str = "Packages lie in the bucket; nothing else was written.";
    let plan = stack.plan().await?;
    let differs = file.differs().await?;
    match &plan {
        Some(plan) if plan.makes && differs => file.put().await?,
        Some(_) if differs => note("the file is another one than that in force, and comes into force after the stack"),
        None if differs => {
            context.confirm_further(format_args!("Put the file into force, as {}?", file.key), SO_FAR)?;
            file.put().await?;
        }
        Some(_) | None => {}
    }
    let updates = plan.as_ref().is_some_and(|plan| !plan.makes);
    let changed = carry_out(context, stack, plan, SO_FAR).await?;
    if updates && differs {
        file.put().await?;
    }
    Ok(changed)
}

/// Shows a plan, asks, and has it executed; returns it. `so_far` is what a refusal leaves as it is.
async fn carry_out(
    context: &Context,
    stack: &Stack,
    plan: Option<Plan>,
    so_far: &str,
) -> Result<Option<Value>, Problem> {
    let Some(plan) = plan else {
        note(format_args!("{} is as it should be", stack.name));
        return Ok(None);
    };
    note(plan.told(stack));
    if let Err(refused) = context.confirm_further(plan.question(stack), so_far) {
        stack.discard(&plan).await?;
        return Err(refused);
    }
    stack.execute(&plan).await?;
    Ok(Some(plan.document(stack)))
}

/// Looks at what is there now, and says all of it.
async fn finish(context: &Context, site: &Site, told: Told) -> Result<Exit, Problem> {
    let findings = doctor::examine(&site.forester).await?;
    let arrived = told.members.iter().all(|set| set.get("failed").and_then(Value::as_array).is_none_or(Vec::is_empty))
        && told.budgets.failed.is_empty();
    let healthy = doctor::healthy(&findings);
    let outputs: Vec<String> = told.outputs.iter().map(|(name, value)| format!("{name:18} {value}")).collect();
    result(
        context.form,
        &json!({
            "stacks": told.stacks, "outputs": told.outputs, "members": told.members, "budgets": told.budgets,
            "findings": findings, "healthy": healthy,
        }),
        format!("{}\n{}", outputs.join("\n"), doctor::told(&findings)),
    );
    Ok(if healthy && arrived { Exit::Done } else { Exit::Unclean })
}

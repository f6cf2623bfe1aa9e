//! `forester remove`: takes away what `forester deploy` brought, and leaves no account that people are kept out of.
//!
//! A reset that is under way holds a policy on its account that lets nobody work, and takes it away at its end. So nothing
//! is removed before the last reset has ended, and no new one begins meanwhile. Policies are the organization's, whichever
//! stack put them there; where no stack is found, they may be those of another one that works.

use serde_json::json;

use super::holds::{Hold, Holds};
use super::rest::Rest;
use super::site::Site;
use super::stack::Stack;
use super::{forwarders, members};
use crate::context::Context;
use crate::output::{Exit, Problem, note, result};

/// Remove what `forester deploy` brought, and let people into every account that Forester holds
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// What the stack is called
    #[arg(long, default_value = "forester", value_name = "NAME")]
    stack: String,
    /// The stack is gone already: remove what it left in other regions and in members, and let people in
    #[arg(long)]
    leftovers: bool,
}

/// What became of it all.
#[derive(Default)]
struct Told {
    gone: Vec<String>,
    freed: Vec<Hold>,
    failed: Vec<String>,
}

impl Remove {
    /// Looks, asks, keeps resets at rest, lets go, deletes, lets go of what came meanwhile.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let site = Site::find(context).await?;
        let stack = Stack::named(site.scope.clone(), self.stack.clone());
        self.is_meant(&site, &stack).await?;
        let machine = stack.outputs().await?.remove("ResetMachineArn");
        let rest = Rest::new(&site.scope, machine, &self.stack);
        rest.look().await?;
        let holds = Holds::find(&site).await?;
        self.ask(context, &site, &all(holds.as_ref()).await?)?;
        rest.keep().await?;
        let mut told = Told::default();
        let_go(holds.as_ref(), &mut told).await;
        self.delete(&site, &stack, &mut told).await;
        // Whatever a function did before it was gone.
        let_go(holds.as_ref(), &mut told).await;
        Ok(told.say(context, &site))
    }

    /// Refuses where the stack is not there and nobody said so, and where it may not be deleted.
    async fn is_meant(&self, site: &Site, stack: &Stack) -> Result<(), Problem> {
        let (name, account, region) = (&self.stack, site.scope.account(), site.scope.region());
        match (stack.exists().await?, self.leftovers) {
            (false, false) => Err(Problem::failed(format_args!(
                "there is no stack {name} in {account}, {region}: name another with --stack, or another region by \
                 AWS_REGION. If it is gone and you are sure that no other Forester holds these accounts, repeat with \
                 --leftovers"
            ))),
            (true, true) => Err(Problem::failed(format_args!(
                "the stack {name} is there, in {account}, {region}: --leftovers is for what one left that is gone"
            ))),
            (true, false) if stack.is_protected().await? => Err(Problem::refused(format_args!(
                "the stack {name} is protected from being deleted: `aws cloudformation update-termination-protection \
                 --no-enable-termination-protection --stack-name {name} --region {region}`"
            ))),
            (true, false) | (false, true) => Ok(()),
        }
    }

    fn ask(&self, context: &Context, site: &Site, held: &[Hold]) -> Result<(), Problem> {
        for hold in held {
            note(format_args!("people are kept out of {} by the policy {}", hold.account, hold.name));
        }
        let (name, account, region) = (&self.stack, site.scope.account(), site.scope.region());
        let what = if self.leftovers { "what it left of" } else { "the stack" };
        context.confirm(format_args!(
            "Remove {what} {name} in {account}, {region}, its forwarders and StackSets, and let people into {} accounts?",
            held.len()
        ))
    }

    /// Deletes the stack, so that no function acts any more, then what it had elsewhere; goes on past failures.
    async fn delete(&self, site: &Site, stack: &Stack, told: &mut Told) {
        told.note(stack.delete().await, &stack.name);
        match forwarders::left(site, &self.stack).await {
            Ok(forwarders) => {
                for forwarder in forwarders {
                    let name = format!("{} in {}", forwarder.name, forwarder.scope.region());
                    told.note(forwarder.delete().await, &name);
                }
            }
            Err(problem) => told.failed.push(problem.message),
        }
        if site.is_management() {
            for set in members::unwanted(&site.scope, &self.stack) {
                match set.delete().await {
                    Ok((was, failed)) => {
                        told.gone.extend(was.then(|| set.name.clone()));
                        told.failed.extend(failed);
                    }
                    Err(problem) => told.failed.push(format!("{}: {}", set.name, problem.message)),
                }
            }
        }
    }
}

async fn all(holds: Option<&Holds>) -> Result<Vec<Hold>, Problem> {
    match holds {
        Some(holds) => holds.all().await,
        None => Ok(Vec::new()),
    }
}

/// Lets people into all accounts that are held now.
async fn let_go(holds: Option<&Holds>, told: &mut Told) {
    let (Some(holds), held) = (holds, all(holds).await) else { return };
    match held {
        Ok(held) => {
            told.failed.extend(holds.let_go(&held).await);
            told.freed.extend(held);
        }
        Err(problem) => told.failed.push(format!("which accounts are held is not known: {}", problem.message)),
    }
}

impl Told {
    fn note(&mut self, deleted: Result<bool, Problem>, name: &str) {
        match deleted {
            Ok(was) => self.gone.extend(was.then(|| name.to_owned())),
            Err(problem) => self.failed.push(problem.message),
        }
    }

    /// Says what is gone, what stays and why.
    fn say(&self, context: &Context, site: &Site) -> Exit {
        let intake = &site.config().organization.intake;
        let waiting = site.forest.members.iter().filter(|member| member.ou == *intake);
        let waiting: Vec<String> = waiting.map(|member| member.name.clone()).collect();
        let mut freed: Vec<String> = self.freed.iter().map(|hold| hold.account.clone()).collect();
        freed.retain(|account| !self.failed.iter().any(|failure| failure.starts_with(account.as_str())));
        let list = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
        let nothing = self.gone.is_empty().then(|| "nothing was there to be deleted".to_owned());
        let stays = "The table, the bucket of receipts and the bucket of the file stay, and whatever baselines made.";
        let lines = [
            nothing,
            list("gone", &self.gone),
            list("people work again in", &freed),
            list("still in quarantine, move them by hand", &waiting),
            Some(stays.to_owned()),
            list("NOT done; mend it and repeat", &self.failed),
        ];
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        let document = json!({ "gone": self.gone, "freed": freed, "failed": self.failed, "waiting": waiting });
        result(context.form, &document, lines.join("\n"));
        if self.failed.is_empty() { Exit::Done } else { Exit::Unclean }
    }
}

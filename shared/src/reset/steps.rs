//! Carries out what an entry says about one resource: clear what is below it, prepare, delete, lift a protection that is
//! in the way and delete again.

use serde_json::{Value, json};

use super::catalogue::path::{Fields, Source, find, value_at};
use super::catalogue::{Clear, Gone, Kind, Step};
use super::discover::pages;
use super::hooks;
use super::item::{Holder, Outcome};
use super::state::Work;
use super::task::{Action, Around};
use crate::aws::{Accounts, CallError, ErrorClass, Scope};

/// One attempt at one resource.
pub struct Attempt<'a> {
    /// Ways into other regions of the account.
    pub accounts: &'a dyn Accounts,
    /// Where the resource is.
    pub scope: &'a Scope,
    /// Its type.
    pub kind: &'a Kind,
    /// What is known of it.
    pub work: &'a Work,
    /// What else counts.
    pub around: &'a Around,
}

impl Attempt<'_> {
    /// Does it, and tells what came of it.
    pub async fn run(&self, action: Action) -> Outcome {
        match action {
            Action::Prepare => self.prepare().await.map_or_else(|stop| stop, |()| Outcome::Prepared),
            Action::Trim => self.steps(&self.kind.trim).await.map_or_else(|stop| stop, |_| Outcome::Gone),
            Action::Delete | Action::Batch => self.delete().await,
        }
    }

    async fn delete(&self) -> Outcome {
        if let Some(hook) = self.kind.hook {
            return hooks::delete(hook, self).await;
        }
        if !self.work.prepared
            && let Err(stop) = self.prepare().await
        {
            return stop;
        }
        match self.steps_lifting().await {
            Ok(0) => Outcome::Later("is in a state in which it cannot be deleted".to_owned()),
            Ok(_) if self.kind.gone == Gone::Listed => Outcome::Accepted,
            Ok(_) => Outcome::Gone,
            Err(outcome) => outcome,
        }
    }

    async fn prepare(&self) -> Result<(), Outcome> {
        for clear in &self.kind.clear {
            self.clear(clear).await?;
        }
        self.steps(&self.kind.prepare).await.map(|_| ())
    }

    /// The delete steps; where one fails because of a protection, the protection is lifted and the steps repeated.
    async fn steps_lifting(&self) -> Result<usize, Outcome> {
        let mut done = 0;
        for step in &self.kind.delete {
            match self.step(step, &self.source()).await {
                Ok(taken) => done += usize::from(taken),
                // "Not found" may be about something else that the operation touches: where a list can tell, it tells.
                Err(error) if error.is_gone() => return Err(self.vanished()),
                Err(error) if self.lift(&error).await? => match self.step(step, &self.source()).await {
                    Ok(_) => done += 1,
                    Err(error) => return Err(self.judge(&error).await),
                },
                Err(error) => return Err(self.judge(&error).await),
            }
        }
        Ok(done)
    }

    fn vanished(&self) -> Outcome {
        if self.kind.gone == Gone::Listed { Outcome::Accepted } else { Outcome::Gone }
    }

    /// Lifts the protections that the error tells of; whether there were any.
    async fn lift(&self, error: &CallError) -> Result<bool, Outcome> {
        let told = format!("{} {}", error.code.as_deref().unwrap_or_default(), error.message).to_lowercase();
        let lifts = self.kind.lift.iter().filter(|lift| lift.on.iter().any(|word| told.contains(&word.to_lowercase())));
        let mut any = false;
        for lift in lifts {
            let params = self.source().fill(&lift.params).map_err(|path| self.lacks(&path))?;
            if let Err(error) = self.scope.call(&self.kind.service, &lift.operation, params).await {
                return Err(self.judge(&self.kind.sorted(error)).await);
            }
            any = true;
        }
        Ok(any)
    }

    async fn clear(&self, clear: &Clear) -> Result<(), Outcome> {
        let source = self.source();
        if clear.when.as_ref().is_some_and(|when| !when.holds(source.get(&when.path).as_ref())) {
            return Ok(());
        }
        let params = source.fill(&clear.list.params).map_err(|path| self.lacks(&path))?;
        let elements = match pages(self.scope, &self.kind.service, &clear.list, params).await {
            Ok(elements) => elements,
            // Where the service does not know the list there is nothing in it; if that is wrong, the delete will say so.
            Err(error) if error.is_gone() || error.class == ErrorClass::Unavailable => return Ok(()),
            Err(error) => return Err(self.judge(&error).await),
        };
        let stays = |element: &Value| {
            let unless = clear.unless.as_ref().map(|unless| unless.filled(&source.child(element)));
            unless.is_some_and(|unless| unless.holds(value_at(element, &unless.path).as_ref()))
        };
        for element in elements.iter().filter(|element| !stays(element)) {
            self.spare_kin(clear, element)?;
            for step in &clear.delete {
                self.tolerant(step, &source.child(element)).await?;
            }
        }
        Ok(())
    }

    /// Where an element stands for something that is kept, the resource is kept with it.
    fn spare_kin(&self, clear: &Clear, element: &Value) -> Result<(), Outcome> {
        let Some(kin) = &clear.kin else { return Ok(()) };
        let name = value_at(element, &kin.name).and_then(|name| name.as_str().map(str::to_owned));
        if let Some(name) = name.as_ref().filter(|_| self.around.unread.contains(&kin.kind)) {
            let words = format!("used by {} {name}, and which of those are kept could not be read", kin.kind);
            return Err(Outcome::Failed(words));
        }
        let kept = name.filter(|name| self.around.kept.contains(&(kin.kind.clone(), name.clone())));
        kept.map_or(Ok(()), |name| Err(Outcome::Kept(format!("used by {} {name}, which is kept", kin.kind))))
    }

    /// Steps in which being gone already is as good as done. Returns how many were taken.
    async fn steps(&self, steps: &[Step]) -> Result<usize, Outcome> {
        let source = self.source();
        let mut taken = 0;
        for step in steps {
            let Some(each) = &step.each else {
                taken += usize::from(self.tolerant(step, &source).await?);
                continue;
            };
            let elements = source.get(each);
            for element in elements.as_ref().and_then(Value::as_array).into_iter().flatten() {
                taken += usize::from(self.tolerant(step, &source.child(element)).await?);
            }
        }
        Ok(taken)
    }

    async fn tolerant(&self, step: &Step, source: &Source<'_>) -> Result<bool, Outcome> {
        match self.step(step, source).await {
            Ok(taken) => Ok(taken),
            Err(error) if error.is_gone() => Ok(false),
            Err(error) => Err(self.judge(&error).await),
        }
    }

    /// One call, if its condition holds; what failed inside a successful answer is an error too.
    async fn step(&self, step: &Step, source: &Source<'_>) -> Result<bool, CallError> {
        if step.when.as_ref().is_some_and(|when| !when.holds(source.get(&when.path).as_ref())) {
            return Ok(false);
        }
        let params = source.fill(&step.params).map_err(|path| self.invalid(&step.operation, &path))?;
        let answer = self.scope.call(&self.kind.service, &step.operation, params).await;
        let answer = answer.map_err(|error| self.kind.sorted(error))?;
        match step.failures.as_deref().map(|path| find(&answer, path)) {
            Some(failures) if !failures.is_empty() => Err(self.partial(&step.operation, &json!(failures))),
            _ => Ok(true),
        }
    }

    fn source(&self) -> Source<'_> {
        let (account, region) = (self.scope.account(), self.scope.region());
        Source { item: Fields::Facts(&self.work.facts), parent: None, account, region }
    }

    fn lacks(&self, path: &str) -> Outcome {
        Outcome::Failed(format!("the catalogue asks for {path}, which AWS did not tell"))
    }

    fn invalid(&self, operation: &str, path: &str) -> CallError {
        self.error(ErrorClass::Invalid, operation, format!("the catalogue asks for {path}, which AWS did not tell"))
    }

    fn partial(&self, operation: &str, failures: &Value) -> CallError {
        let text = failures.to_string();
        let class = if text.contains("NotFound") { ErrorClass::Gone } else { ErrorClass::Conflict };
        self.error(class, operation, text)
    }

    fn error(&self, class: ErrorClass, operation: &str, message: String) -> CallError {
        CallError {
            class,
            service: self.kind.service.clone(),
            operation: operation.to_owned(),
            account: self.scope.account().clone(),
            region: self.scope.region().clone(),
            code: None,
            message,
            request_id: None,
        }
    }

    /// What a failed call means for the resource.
    pub async fn judge(&self, error: &CallError) -> Outcome {
        match error.class {
            ErrorClass::Gone => Outcome::Gone,
            _ if self.kind.forbids(error) => Outcome::Undeletable(error.to_string()),
            ErrorClass::Denied => Outcome::Denied(error.to_string()),
            ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::NotReady => Outcome::Later(error.to_string()),
            ErrorClass::Conflict => Outcome::Blocked { reason: error.to_string(), holders: self.holders().await },
            ErrorClass::Exists | ErrorClass::Invalid | ErrorClass::Unavailable | ErrorClass::Other => {
                Outcome::Failed(error.to_string())
            }
        }
    }

    /// Who holds it, where the entry knows how to ask. An answer that does not come is no reason to fail.
    async fn holders(&self) -> Vec<Holder> {
        let Some(list) = &self.kind.holders else { return Vec::new() };
        let Ok(params) = self.source().fill(&list.params) else { return Vec::new() };
        let found = pages(self.scope, &self.kind.service, list, params).await.unwrap_or_default();
        found.iter().map(holder).collect()
    }
}

/// A network interface, and what it is attached to or was made for.
fn holder(interface: &Value) -> Holder {
    let text = |path: &str| value_at(interface, path).and_then(|value| value.as_str().map(str::to_owned));
    let about = text("Description").filter(|about| !about.is_empty());
    let mut ids: Vec<String> =
        ["NetworkInterfaceId", "Attachment.InstanceId"].iter().filter_map(|path| text(path)).collect();
    ids.extend(about.as_deref().map(makers).unwrap_or_default());
    let about = about.map(|about| format!(" ({about})"));
    let id = ids.first().cloned().unwrap_or_default();
    Holder { text: format!("{id}{}", about.unwrap_or_default()), ids }
}

/// Services say whose an interface is in its description only: `Interface for NAT Gateway nat-1`, `ELB app/web/50dc`,
/// `EFS mount target for fs-1 (fsmt-1)`, `AWS Lambda VPC ENI-NAME-` and a UUID.
fn makers(about: &str) -> Vec<String> {
    /// A UUID, and the dash before it.
    const UUID: usize = 37;
    if let Some(name) = about.strip_prefix("AWS Lambda VPC ENI-") {
        return name.get(..name.len().saturating_sub(UUID)).map(str::to_owned).into_iter().collect();
    }
    let apart = |c: char| c.is_whitespace() || "()[],;/".contains(c);
    let is_id = |word: &&str| word.len() > 3 && word.contains(|c: char| c.is_ascii_digit());
    about.split(apart).filter(is_id).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_names_what_it_was_made_for() {
        let check = |about: &str, expect: &[&str]| assert_eq!(makers(about), expect, "{about}");
        check("Interface for NAT Gateway nat-0a1b", &["nat-0a1b"]);
        check("EFS mount target for fs-12 (fsmt-34)", &["fs-12", "fsmt-34"]);
        check("AWS Lambda VPC ENI-resize-11111111-2222-3333-4444-555555555555", &["resize"]);
        check("RDSNetworkInterface", &[]);
    }
}

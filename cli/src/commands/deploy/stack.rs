//! One stack of CloudFormation: what would change, by a change set, and then that change, with the reasons of whatever
//! fails.

use std::collections::{BTreeMap, BTreeSet};

use forester::aws::Scope;
use forester::types::Region;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::log::{self, Log};
use super::pace::Pace;
use crate::answer::{with, word};
use crate::output::Problem;

/// Where a template comes from: CloudFormation takes 51,200 bytes by themselves, and more from a bucket
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
#[derive(Clone)]
pub enum Template {
    /// From a bucket.
    Url(String),
    /// As it is.
    Body(&'static str),
}

/// A stack as it should be.
#[derive(Clone)]
pub struct Stack {
    /// The account and region.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub template: Template,
    /// Its inputs; those that are not named keep what they have.
    pub parameters: BTreeMap<String, String>,
    /// What CloudFormation wants to be told that we know.
    pub capabilities: &'static [&'static str],
}

/// What would change.
pub struct Plan {
    change_set: String,
    /// Whether the stack is new.
    pub makes: bool,
    /// The stack that exists only because of this plan, by its id.
    begun: Option<String>,
    changes: Vec<Change>,
}

/// One resource.
struct Change {
    action: String,
    kind: String,
    name: String,
    replaced: Replaced,
}

/// Whether a resource is made anew, as far as CloudFormation knows before.
#[derive(Clone, Copy, PartialEq)]
enum Replaced {
    Yes,
    Perhaps,
    No,
}

/// How a stack stands, as far as a deployment cares.
#[derive(Debug, PartialEq)]
enum Standing {
    Absent,
    /// Somebody planned to make it.
    Planned,
    Ready,
    /// It cannot be changed before a person did something.
    Stuck(String),
}

impl Stack {
    /// A stack of which only the name is known: to look at, or to delete.
    pub fn named(scope: Scope, name: String) -> Self {
        Self { scope, name, template: Template::Body(""), parameters: BTreeMap::new(), capabilities: &[] }
    }

    /// Asks CloudFormation what would change; `None`: nothing.
    pub async fn plan(&self) -> Result<Option<Plan>, Problem> {
        let (standing, there) = self.standing().await?;
        let makes = match &standing {
            Standing::Absent | Standing::Planned => true,
            Standing::Ready => false,
            Standing::Stuck(why) => return Err(Problem::failed(why)),
        };
        // A stack that is not there has nothing to keep.
        let kept: &[String] = if makes { &[] } else { &there };
        let name = format!("{}-{}", self.name, Timestamp::now().as_millisecond());
        let request = self.request(json!({
            "StackName": self.name, "ChangeSetName": name, "ChangeSetType": if makes { "CREATE" } else { "UPDATE" },
            "Capabilities": self.capabilities, "Description": "forester deploy",
            "Parameters": self.inputs(kept).await?,
        }));
        let made = self.scope.call("cloudformation", "CreateChangeSet", request).await.map_err(Problem::failed)?;
        let stack = made.get("StackId").and_then(Value::as_str).map(str::to_owned);
        let begun = stack.filter(|_| standing == Standing::Absent);
        let plan = Plan { change_set: word(&made, "Id").to_owned(), makes, begun, changes: Vec::new() };
        match self.computed(&plan).await {
            Ok(Some(changes)) => Ok(Some(Plan { changes, ..plan })),
            Ok(None) => self.discard(&plan).await.map(|()| None),
            Err(problem) => {
                self.discard(&plan).await?;
                Err(problem)
            }
        }
    }

    /// Throws a plan away; a stack that would have been new is not left behind as an empty name. If somebody made it
    /// meanwhile, it is theirs.
    pub async fn discard(&self, plan: &Plan) -> Result<(), Problem> {
        let named = json!({ "ChangeSetName": plan.change_set, "StackName": self.name });
        match self.scope.call("cloudformation", "DeleteChangeSet", named).await {
            Err(error) if !error.is_gone() => return Err(Problem::failed(error)),
            Ok(_) | Err(_) => {}
        }
        let Some(id) = &plan.begun else { return Ok(()) };
        let stack = self.by(id).await?.unwrap_or_default();
        if stack.get("StackStatus") == Some(&json!("REVIEW_IN_PROGRESS")) {
            let named = json!({ "StackName": id });
            self.scope.call("cloudformation", "DeleteStack", named).await.map_err(Problem::failed)?;
        }
        Ok(())
    }

    /// Does what the plan says, and tells each resource as it is done.
    pub async fn execute(&self, plan: &Plan) -> Result<(), Problem> {
        let mut log = Log::from_now(&self.scope, &self.name).await?;
        let named = json!({ "ChangeSetName": plan.change_set, "StackName": self.name });
        self.scope.call("cloudformation", "ExecuteChangeSet", named).await.map_err(Problem::failed)?;
        let what = format!("the stack {}", self.name);
        match log.end(&what).await?.as_str() {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Ok(()),
            ended => Err(log.failure(&what, ended).await),
        }
    }

    /// Deletes the stack and waits until it is gone; returns whether there was one. What its template retains stays.
    pub async fn delete(&self) -> Result<bool, Problem> {
        let Some(stack) = self.there().await? else { return Ok(false) };
        // By its id: the name says nothing of a stack that is gone.
        let id = stack.get("StackId").and_then(Value::as_str).unwrap_or(&self.name);
        let mut log = Log::from_now(&self.scope, id).await?;
        self.scope.call("cloudformation", "DeleteStack", json!({ "StackName": id })).await.map_err(Problem::failed)?;
        let what = format!("the deletion of {}", self.name);
        match log.end(&what).await?.as_str() {
            "DELETE_COMPLETE" => Ok(true),
            ended => Err(log.failure(&what, ended).await),
        }
    }

    /// Whether there is one, planned ones left out.
    pub async fn exists(&self) -> Result<bool, Problem> {
        Ok(!matches!(self.standing().await?.0, Standing::Absent | Standing::Planned))
    }

    /// Whether the stack is protected from being deleted.
    pub async fn is_protected(&self) -> Result<bool, Problem> {
        Ok(self.there().await?.is_some_and(|stack| stack.get("EnableTerminationProtection") == Some(&json!(true))))
    }

    /// The stack's outputs.
    pub async fn outputs(&self) -> Result<BTreeMap<String, String>, Problem> {
        let stack = self.there().await?.unwrap_or_default();
        let outputs = stack.get("Outputs").and_then(Value::as_array).into_iter().flatten();
        let text = |output: &Value, name: &str| output.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(outputs.filter_map(|output| Some((text(output, "OutputKey")?, text(output, "OutputValue")?))).collect())
    }

    async fn standing(&self) -> Result<(Standing, Vec<String>), Problem> {
        let Some(stack) = self.there().await? else { return Ok((Standing::Absent, Vec::new())) };
        let parameters = stack.get("Parameters").and_then(Value::as_array).into_iter().flatten();
        let names = parameters.filter_map(|one| one.get("ParameterKey")?.as_str().map(str::to_owned)).collect();
        let status = stack.get("StackStatus").and_then(Value::as_str).unwrap_or_default();
        Ok((standing(&self.name, self.scope.region(), status), names))
    }

    /// What is given, what stays as it is, and a word about names that the template does not have.
    async fn inputs(&self, there: &[String]) -> Result<Vec<Value>, Problem> {
        let summary = self.scope.call("cloudformation", "GetTemplateSummary", self.request(json!({}))).await;
        let summary = summary.map_err(Problem::failed)?;
        let declared = summary.get("Parameters").and_then(Value::as_array).into_iter().flatten();
        let known: BTreeSet<&str> = declared.filter_map(|one| one.get("ParameterKey")?.as_str()).collect();
        if let Some(unknown) = self.parameters.keys().find(|name| !known.contains(name.as_str())) {
            let known: Vec<&str> = known.into_iter().collect();
            return Err(Problem::failed(format_args!(
                "the template of {} has no parameter {unknown}; it has {}",
                self.name,
                known.join(", ")
            )));
        }
        let mut inputs = as_parameters(&self.parameters);
        let kept = there.iter().filter(|name| known.contains(name.as_str()) && !self.parameters.contains_key(*name));
        inputs.extend(kept.map(|name| json!({ "ParameterKey": name, "UsePreviousValue": true })));
        Ok(inputs)
    }

    /// The call's members and the template.
    fn request(&self, members: Value) -> Value {
        with(
            members,
            match &self.template {
                Template::Url(url) => json!({ "TemplateURL": url }),
                Template::Body(body) => json!({ "TemplateBody": body }),
            },
        )
    }

    /// Waits for a change set; `None`: it has no changes.
    async fn computed(&self, plan: &Plan) -> Result<Option<Vec<Change>>, Problem> {
        let named = json!({ "ChangeSetName": plan.change_set, "StackName": self.name });
        let mut pace = Pace::begin();
        loop {
            let told = self.scope.call("cloudformation", "DescribeChangeSet", named.clone()).await;
            let told = told.map_err(Problem::failed)?;
            let reason = word(&told, "StatusReason");
            match word(&told, "Status") {
                "CREATE_COMPLETE" => break,
                "FAILED" if is_empty(reason) => return Ok(None),
                "FAILED" => {
                    let found = log::invalid(&self.scope, named).await;
                    let reason = if found.is_empty() { reason.to_owned() } else { found.join("; ") };
                    return Err(Problem::failed(format_args!("{}: {reason}", self.name)));
                }
                _ => pace.rest(&format!("the change set of {}", self.name)).await?,
            }
        }
        let changes = self.scope.pages("cloudformation", "DescribeChangeSet", named).await.map_err(Problem::failed)?;
        Ok(Some(changes.iter().filter_map(Change::read).collect()))
    }

    async fn there(&self) -> Result<Option<Value>, Problem> {
        self.by(&self.name).await
    }

    /// The stack of this name or id.
    async fn by(&self, name: &str) -> Result<Option<Value>, Problem> {
        let asked = json!({ "StackName": name });
        match self.scope.call("cloudformation", "DescribeStacks", asked).await {
            Ok(mut answer) => Ok(answer.pointer_mut("/Stacks/0").map(Value::take)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(Problem::failed(error)),
        }
    }
}

impl Plan {
    /// The plan as JSON.
    pub fn document(&self, stack: &Stack) -> Value {
        let one = |change: &Change| {
            json!({
                "action": change.action, "type": change.kind, "resource": change.name,
                "replaced": change.replaced.word(),
            })
        };
        json!({
            "stack": stack.name, "region": stack.scope.region(), "new": self.makes,
            "changes": self.changes.iter().map(one).collect::<Vec<Value>>(),
        })
    }

    /// The plan for people: what is there already, line by line; a new stack in one.
    pub fn told(&self, stack: &Stack) -> String {
        let (name, region) = (&stack.name, stack.scope.region());
        if self.makes {
            return format!("{name} in {region} is new, with {} resources", self.changes.len());
        }
        let lines: Vec<String> = self.changes.iter().map(Change::told).collect();
        format!("{name} in {region} changes:\n{}", lines.join("\n"))
    }

    /// What is to be confirmed.
    pub fn question(&self, stack: &Stack) -> String {
        let account = stack.scope.account();
        let verb = if self.makes { "Create" } else { "Update" };
        format!("{verb} the stack {} in {account}, {}?", stack.name, stack.scope.region())
    }
}

impl Replaced {
    fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Perhaps => "perhaps",
            Self::No => "no",
        }
    }
}

impl Change {
    fn told(&self) -> String {
        let sign = match self.action.as_str() {
            "Add" => '+',
            "Remove" => '-',
            _ => '~',
        };
        let replaced = match self.replaced {
            Replaced::Yes => "  (made anew)",
            Replaced::Perhaps => "  (perhaps made anew)",
            Replaced::No => "",
        };
        format!("  {sign} {} {}{replaced}", self.kind, self.name)
    }

    fn read(change: &Value) -> Option<Self> {
        let change = change.get("ResourceChange")?;
        let word = |name: &str| word(change, name).to_owned();
        let replaced = match word("Replacement").as_str() {
            "True" => Replaced::Yes,
            "Conditional" => Replaced::Perhaps,
            _ => Replaced::No,
        };
        Some(Self { action: word("Action"), kind: word("ResourceType"), name: word("LogicalResourceId"), replaced })
    }
}

/// Parameters as CloudFormation takes them.
pub fn as_parameters(given: &BTreeMap<String, String>) -> Vec<Value> {
    given.iter().map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value })).collect()
}

/// What a status allows
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>).
fn standing(name: &str, region: &Region, status: &str) -> Standing {
    let there = format!("--stack-name {name} --region {region}");
    match status {
        "" | "DELETE_COMPLETE" => Standing::Absent,
        "REVIEW_IN_PROGRESS" => Standing::Planned,
        "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => Standing::Stuck(format!(
            "the stack {name} in {region} is {status}: it was never made, and cannot be updated. Look at its events, then \
             `aws cloudformation delete-stack {there}` and deploy again"
        )),
        "DELETE_FAILED" => Standing::Stuck(format!(
            "the stack {name} in {region} is {status}: see what could not be deleted, and repeat `forester remove`"
        )),
        "UPDATE_ROLLBACK_FAILED" => Standing::Stuck(format!(
            "the stack {name} in {region} is {status}: `aws cloudformation continue-update-rollback {there}` first"
        )),
        status if status.ends_with("_IN_PROGRESS") => Standing::Stuck(format!(
            "the stack {name} in {region} is {status}: somebody changes it; deploy again when it is done"
        )),
        _ => Standing::Ready,
    }
}

/// CloudFormation has no code for a change set without changes; these are the texts of its two kinds of templates.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Answers, scope};
    use super::*;

    fn check(status: &str, expect: Result<bool, &str>) {
        match (standing("forester", &"us-east-1".parse().unwrap(), status), expect) {
            (Standing::Absent | Standing::Planned, Ok(false)) | (Standing::Ready, Ok(true)) => {}
            (Standing::Stuck(why), Err(word)) => assert!(why.contains(word), "{why}"),
            (found, expect) => panic!("{status}: {found:?}, not {expect:?}"),
        }
    }

    #[test]
    fn what_cannot_be_updated_is_told_with_what_to_do() {
        check("UPDATE_COMPLETE", Ok(true));
        check("UPDATE_ROLLBACK_COMPLETE", Ok(true));
        check("REVIEW_IN_PROGRESS", Ok(false));
        check("ROLLBACK_COMPLETE", Err("delete-stack"));
        check("DELETE_FAILED", Err("forester remove"));
        check("UPDATE_ROLLBACK_FAILED", Err("continue-update-rollback"));
        check("UPDATE_IN_PROGRESS", Err("somebody"));
    }

    fn planned() -> Answers {
        Answers::new()
            .with("CreateChangeSet", json!({ "Id": "set", "StackId": "stack-1" }))
            .with("DescribeChangeSet", json!({ "Status": "CREATE_COMPLETE", "Changes": [] }))
    }

    /// Which stacks are deleted when a plan for a new stack is thrown away and the stack stands so by then.
    async fn deleted(status: &str) -> Vec<Value> {
        let answers = planned().with("DescribeStacks", json!({ "Stacks": [{ "StackStatus": status }] }));
        let stack = Stack::named(scope(answers.clone()), "forester".to_owned());
        let begun = Some("stack-1".to_owned());
        stack.discard(&Plan { change_set: "set".to_owned(), makes: true, begun, changes: Vec::new() }).await.unwrap();
        let asked = answers.asked().into_iter();
        asked.filter(|(operation, _)| operation == "DeleteStack").map(|(_, params)| params).collect()
    }

    #[tokio::test]
    async fn stack_that_somebody_made_meanwhile_is_left_to_them() {
        assert_eq!(deleted("REVIEW_IN_PROGRESS").await, [json!({ "StackName": "stack-1" })]);
        assert_eq!(deleted("CREATE_IN_PROGRESS").await, Vec::<Value>::new());
        assert_eq!(deleted("CREATE_COMPLETE").await, Vec::<Value>::new());
    }

    #[test]
    fn texts_of_an_empty_change_set_are_known() {
        assert!(is_empty("The submitted information didn't contain changes. Submit different information to create"));
        assert!(is_empty("No updates are to be performed."));
        assert!(!is_empty("Parameters: [X] must have values"));
    }
}

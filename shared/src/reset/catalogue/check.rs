//! Compares every entry with the service models: operations exist, required parameters are given, and every path leads
//! somewhere. A typing error in a list would otherwise show as an account that is always empty.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::path::{Take, holes, part};
use super::{Batch, Catalogue, Contents, Gone, Kind, List, Parents, Step, Tags, When};

/// Words that AWS answers with, although its model does not list them.
const UNLISTED: [(&str, &str); 3] = [
    // The model's own example of CreateNetworkInterface: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html
    ("AWS::EC2::NetworkInterface", "pending"),
    // EC2 writes its states small, and only here lists them with capitals. Not verified against AWS: both are taken.
    ("AWS::EC2::VPCEndpoint", "deleted"),
    ("AWS::EC2::VPCEndpoint", "deleting"),
];

/// The words of members, by service and `Structure.Member`.
type States = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The service models of a directory, by service, and the words that states can have.
#[derive(Debug, Default)]
pub struct Models {
    models: BTreeMap<String, Model>,
    states: States,
}

#[derive(Debug)]
struct Model(Value);

impl Models {
    /// Reads every `<service>.json`, and the states from the directory beside.
    pub fn read(directory: &Path) -> std::io::Result<Self> {
        let mut models = BTreeMap::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
            if let (Some(name), Some("json")) = (name, path.extension().and_then(|ending| ending.to_str())) {
                models.insert(name, Model(serde_json::from_str(&std::fs::read_to_string(path)?)?));
            }
        }
        let states = directory.with_file_name("catalogue").join("states.json");
        Ok(Self { models, states: serde_json::from_str(&std::fs::read_to_string(states)?)? })
    }

    /// The words that a member can hold, where the model tells them.
    fn words(&self, service: &str, from: &str, path: &str) -> Option<&Vec<String>> {
        let (holder, last) = path.rsplit_once('.').unwrap_or(("", path));
        let holder = self.models.get(service)?.follow(from, holder)?;
        let name = part(last.trim_end_matches("|tail")).0;
        self.states.get(service)?.get(&format!("{}.{name}", holder.strip_prefix('#')?))
    }
}

impl Model {
    fn shape(&self, name: &str) -> &Value {
        self.0.get("shapes").and_then(|shapes| shapes.get(name)).unwrap_or(&Value::Null)
    }

    /// The name of the output shape of an operation; complains about its parameters.
    fn operation(&self, name: &str, params: &Value, problems: &mut Vec<String>) -> Option<String> {
        let Some(operation) = self.operation_named(name) else {
            problems.push(format!("{name} is not in the model"));
            return None;
        };
        let empty = Map::new();
        let input = operation.get("input").and_then(Value::as_str).unwrap_or_default();
        let members = self.shape(input).get("m").and_then(Value::as_object).unwrap_or(&empty);
        for (member, shape) in members {
            let says = |trait_name: &str| shape.get(trait_name) == Some(&Value::Bool(true));
            // The client fills in idempotency tokens itself.
            if says("req") && !says("token") && params.get(member).is_none() {
                problems.push(format!("{name} needs {member}"));
            }
        }
        let given = params.as_object().unwrap_or(&empty);
        for given in given.keys().filter(|given| !members.contains_key(*given)) {
            problems.push(format!("{name} does not take {given}"));
        }
        operation.get("output").and_then(Value::as_str).map(|output| format!("#{output}"))
    }

    /// The shape that a path leads to.
    fn follow(&self, from: &str, path: &str) -> Option<String> {
        let mut here = from.to_owned();
        for segment in path.split('.').filter(|segment| !segment.is_empty() && *segment != "$") {
            let (name, take) = part(segment);
            here = self.member(&here, name)?;
            if take != Take::Itself {
                let list = self.shape(here.strip_prefix('#')?);
                here = reference(list.get("e").filter(|_| kind(list) == Some("l"))?)?;
            }
        }
        Some(here)
    }

    fn member(&self, shape: &str, name: &str) -> Option<String> {
        let shape = self.shape(shape.strip_prefix('#')?);
        match kind(shape) {
            Some("m") => reference(shape.get("v")?),
            _ => reference(shape.get("m")?.get(name)?),
        }
    }

    fn paged(&self, operation: &str) -> bool {
        self.operation_named(operation).is_some_and(|operation| operation.get("page").is_some())
    }

    fn operation_named(&self, name: &str) -> Option<&Value> {
        self.0.get("operations")?.get(name)
    }

    /// A member of an answer that reads like a page token, and of the request that takes it.
    fn token(&self, operation: &str, output: &str) -> Option<String> {
        let members = self.shape(output.strip_prefix('#')?).get("m")?.as_object()?;
        let input = self.operation_named(operation)?.get("input")?.as_str()?;
        let asks = |name: &&String| {
            self.shape(input).get("m").and_then(|members| members.get(name.as_str())).is_some()
                || name.to_lowercase().starts_with("next")
        };
        let named =
            |name: &&String| ["nexttoken", "marker", "nextmarker", "token"].contains(&name.to_lowercase().as_str());
        members.keys().filter(named).find(asks).cloned()
    }
}

/// A member is its type, or an object that holds it.
fn reference(member: &Value) -> Option<String> {
    member.as_str().or_else(|| member.get("t")?.as_str()).map(str::to_owned)
}

fn kind(shape: &Value) -> Option<&str> {
    shape.get("k")?.as_str()
}

fn check_list(model: &Model, list: &List, problems: &mut Vec<String>) -> Option<String> {
    let output = model.operation(&list.operation, &list.params, problems)?;
    if model.paged(&list.operation) != list.paged {
        problems.push(format!("{}: paged is {}, the model says otherwise", list.operation, list.paged));
    }
    if !list.paged
        && list.token.is_none()
        && let Some(token) = model.token(&list.operation, &output)
    {
        problems.push(format!("{}: the answer has {token}, and nothing follows it", list.operation));
    }
    if let Some([_, answer]) = &list.token
        && model.follow(&output, answer).is_none()
    {
        problems.push(format!("{}: the answer has no {answer}", list.operation));
    }
    let items = model.follow(&output, &list.items);
    if items.is_none() {
        problems.push(format!("{}: {} leads nowhere", list.operation, list.items));
    }
    items
}

fn check_contents(model: &Model, contents: &Contents, problems: &mut Vec<String>) {
    let Some(element) = check_list(model, &contents.list, problems) else { return };
    let mut paths = BTreeSet::new();
    holes(&Value::from(contents.each.as_str()), &mut paths);
    for path in paths.iter().filter(|path| model.follow(&element, path).is_none()) {
        problems.push(format!("{}: {path} is in no element", contents.list.operation));
    }
}

fn check_steps(model: &Model, steps: &[Step], problems: &mut Vec<String>) {
    for step in steps {
        let output = model.operation(&step.operation, &step.params, problems);
        if let (Some(output), Some(path)) = (output, &step.failures)
            && model.follow(&output, path).is_none()
        {
            problems.push(format!("{}: {path} leads nowhere", step.operation));
        }
    }
}

fn check_batch(model: &Model, batch: &Batch, problems: &mut Vec<String>) {
    let mut params = batch.params.clone();
    if let Some(params) = params.as_object_mut() {
        params.insert(batch.list.clone(), Value::Array(vec![batch.each.clone()]));
    }
    let output = model.operation(&batch.operation, &params, problems);
    if let (Some(output), Some(path)) = (output, &batch.failures)
        && model.follow(&output, path).is_none()
    {
        problems.push(format!("{}: {path} leads nowhere", batch.operation));
    }
}

/// Every path that an entry follows in its items.
fn item_paths(kind: &Kind) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = kind.facts().map(str::to_owned).collect();
    for template in
        [Some(&kind.id), kind.title.as_ref(), kind.arn.as_ref(), kind.undeletable.as_ref()].into_iter().flatten()
    {
        holes(&Value::from(template.as_str()), &mut paths);
    }
    paths.extend([&kind.created, &kind.changed, &kind.owner, &kind.region].into_iter().flatten().cloned());
    for place in kind.needs.iter().chain(&kind.with) {
        if place.contains('{') {
            holes(&Value::from(place.as_str()), &mut paths);
        } else {
            paths.insert(place.clone());
        }
    }
    if let Some(contents) = &kind.contents {
        holes(&contents.list.params, &mut paths);
    }
    paths.extend(whens(kind).map(|when| when.path.clone()));
    if let Some(Tags::Path(path)) = &kind.tags {
        paths.insert(path.clone());
    }
    let paths = paths.into_iter().map(|path| path.trim_end_matches("|tail").to_owned());
    paths.filter(|path| !path.starts_with('$')).collect()
}

/// The conditions that ask about an item itself.
fn whens(kind: &Kind) -> impl Iterator<Item = &When> {
    let unless = kind.contents.iter().filter_map(|contents| contents.unless.as_ref());
    kind.spare.iter().map(|spare| &spare.when).chain(&kind.undeletable_when).chain(unless)
}

/// Something deletes an item, or the entry says why nothing can.
fn check_end(kind: &Kind, problems: &mut Vec<String>) {
    let deleted = !kind.delete.is_empty() || kind.hook.is_some();
    let never = kind.undeletable.is_some() && kind.undeletable_when.is_none();
    match (deleted, never) {
        (false, false) => problems.push("nothing deletes it".to_owned()),
        (true, true) => problems.push("it is always undeletable, and something deletes it".to_owned()),
        _ => {}
    }
    // The step that comes next is only chosen anew for what is known to be neither gone nor changing.
    let by_state =
        kind.gone == Gone::Listed && kind.delete.len() > 1 && kind.delete.iter().all(|step| step.when.is_some());
    if by_state && !kind.tells_busy() {
        problems.push("its steps go by its state, and no state is busy".to_owned());
    }
    if kind.undeletable.is_none() && kind.undeletable_when.is_some() {
        problems.push("undeletable_when has no undeletable beside it".to_owned());
    }
}

/// A state that a service does not know is a slip, and the item that was meant is taken for something else.
fn check_states(models: &Models, kind: &Kind, items: &[String], problems: &mut Vec<String>) {
    let steps = [&kind.prepare, &kind.trim, &kind.delete].into_iter().flatten();
    let steps = steps.filter(|step| step.each.is_none()).filter_map(|step| step.when.as_ref());
    for when in whens(kind).chain(steps) {
        let known: Vec<&Vec<String>> =
            items.iter().filter_map(|item| models.words(&kind.service, item, &when.path)).collect();
        if known.is_empty() {
            continue;
        }
        let words: Vec<String> = known.into_iter().flatten().cloned().collect();
        let strangers = when.strangers(&words);
        for word in strangers.iter().filter(|word| !UNLISTED.contains(&(kind.name.as_ref(), word.as_str()))) {
            problems.push(format!("{} is never {word}: the model knows {}", when.path, words.join(", ")));
        }
    }
}

fn check_kind(models: &Models, kind: &Kind, problems: &mut Vec<String>) {
    let Some(model) = models.models.get(&kind.service) else {
        return problems.push(format!("there is no model of {}", kind.service));
    };
    let mut items: Vec<String> = check_list(model, &kind.list, problems).into_iter().collect();
    let parents = kind.parents.iter().filter_map(|parents| match parents {
        Parents::Listed(list) => Some(list),
        Parents::Known(_) => None,
    });
    for list in parents.chain(&kind.holders) {
        check_list(model, list, problems);
    }
    if let Some(describe) = &kind.describe {
        let output = model.operation(&describe.operation, &describe.params, problems);
        items.extend(output.and_then(|output| model.follow(&output, &describe.item)));
    }
    if let Some(contents) = &kind.contents {
        check_contents(model, contents, problems);
    }
    if let Some(Tags::Call(call)) = &kind.tags {
        let output = model.operation(&call.operation, &call.params, problems);
        if output.and_then(|output| model.follow(&output, &call.item)).is_none() {
            problems.push(format!("{}: {} leads nowhere", call.operation, call.item));
        }
    }
    for clear in &kind.clear {
        check_list(model, &clear.list, problems);
        check_steps(model, &clear.delete, problems);
    }
    for lift in &kind.lift {
        model.operation(&lift.operation, &lift.params, problems);
    }
    if let Some(batch) = &kind.batch {
        check_batch(model, batch, problems);
    }
    for steps in [&kind.prepare, &kind.trim, &kind.delete] {
        check_steps(model, steps, problems);
    }
    check_end(kind, problems);
    check_states(models, kind, &items, problems);
    for path in item_paths(kind) {
        if !items.iter().any(|item| model.follow(item, &path).is_some()) {
            problems.push(format!("{path} is in no item"));
        }
    }
}

/// Everything in which entries and models disagree, a line each.
pub fn problems(catalogue: &Catalogue, models: &Models) -> Vec<String> {
    let mut all = Vec::new();
    for kind in catalogue.kinds() {
        let mut problems = Vec::new();
        check_kind(models, kind, &mut problems);
        all.extend(problems.into_iter().map(|problem| format!("{}: {problem}", kind.name)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Models {
        Models::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models")).unwrap()
    }

    #[test]
    fn every_entry_agrees_with_the_models() {
        let found = problems(Catalogue::embedded().unwrap(), &models());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn what_nobody_can_delete_needs_no_delete_and_has_none() {
        let problems_with = |more: &str| {
            let entry = format!(
                r#"
                [[type]]
                name = "AWS::SNS::Topic"
                phase = "data"
                id = "{{TopicArn}}"
                list = {{operation = "ListTopics", items = "Topics[]"}}
                {more}
            "#
            );
            problems(&Catalogue::read(&[("sns", &entry)]).unwrap(), &models()).join("\n")
        };
        let delete = r#"delete = [{operation = "DeleteTopic", params = {TopicArn = "{TopicArn}"}}]"#;
        let never = r#"undeletable = "{TopicArn} is paid for a year""#;
        let only = r#"undeletable_when = { path = "TopicArn", like = ["*:paid"] }"#;
        assert_eq!(problems_with(never), "");
        assert_eq!(problems_with(&[never, only, delete].join("\n")), "");
        assert!(problems_with("").contains("nothing deletes it"));
        assert!(problems_with(only).contains("has no undeletable"));
        assert!(problems_with(&[never, delete].join("\n")).contains("always undeletable"));
        assert!(problems_with(r#"undeletable = "until {End}""#).contains("End is in no item"));
    }

    #[test]
    fn state_that_the_service_does_not_know_is_a_slip() {
        let problems_with = |word: &str| {
            let entry = format!(
                r#"
                [[type]]
                name = "AWS::DynamoDB::Table"
                phase = "data"
                id = "{{TableName}}"
                list = {{operation = "ListTables", items = "TableNames[]"}}
                describe = {{operation = "DescribeTable", params = {{TableName = "{{$}}"}}, item = "Table"}}
                spare = [{{as = "busy", when = {{path = "TableStatus", {word}}}}}]
                delete = [{{operation = "DeleteTable", params = {{TableName = "{{TableName}}"}}}}]
            "#
            );
            problems(&Catalogue::read(&[("dynamodb", &entry)]).unwrap(), &models()).join("\n")
        };
        for known in [r#"is = ["CREATING", "DELETING"]"#, r#"like = ["*ING"]"#] {
            assert_eq!(problems_with(known), "");
        }
        for (unknown, word) in
            [(r#"is = ["CREATING", "deleting"]"#, "deleting"), (r#"like = ["*_PROGRESS"]"#, "*_PROGRESS")]
        {
            let found = problems_with(unknown);
            assert!(found.contains(&format!("TableStatus is never {word}: the model knows ")), "{found}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_found() {
        let text = r#"
            [[type]]
            name = "AWS::SNS::Topic"
            phase = "data"
            id = "{TopicName}"
            list = {operation = "ListTopics", items = "Topic[]"}
            delete = [{operation = "DeleteTopic", params = {Topic = "{TopicName}"}}, {operation = "RemoveTopic"}]
        "#;
        let found = problems(&Catalogue::read(&[("sns", text)]).unwrap(), &models());
        for slip in [
            "Topic[] leads nowhere",
            "needs TopicArn",
            "does not take Topic",
            "RemoveTopic is not in",
            "TopicName is in no",
        ] {
            assert!(found.iter().any(|problem| problem.contains(slip)), "{slip} was not found in {found:?}");
        }
    }
}

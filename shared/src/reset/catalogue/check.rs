//! Compares every entry with the service models: operations exist, required parameters are given, and every path leads
//! somewhere. A typing error in a list would otherwise show as an account that is always empty.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::path::holes;
use super::{Catalogue, Kind, List, Step, Tags};

struct Model(Value);

impl Model {
    fn read(service: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(format!("{service}.json"));
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// The name of the output shape of an operation; complains about its parameters.
    fn operation(&self, name: &str, params: &Value, problems: &mut Vec<String>) -> Option<String> {
        let Some(operation) = self.0["operations"].get(name) else {
            problems.push(format!("{name} is not in the model"));
            return None;
        };
        let input = operation["input"].as_str().unwrap_or_default();
        let members = self.0["shapes"][input]["m"].as_object().cloned().unwrap_or_default();
        for (member, shape) in &members {
            if shape["req"] == true && params.get(member).is_none() {
                problems.push(format!("{name} needs {member}"));
            }
        }
        for given in params.as_object().unwrap().keys().filter(|given| !members.contains_key(*given)) {
            problems.push(format!("{name} does not take {given}"));
        }
        operation["output"].as_str().map(|output| format!("#{output}"))
    }

    /// The shape that a path leads to.
    fn follow(&self, from: &str, path: &str) -> Option<String> {
        let mut here = from.to_owned();
        for segment in path.split('.').filter(|segment| !segment.is_empty() && *segment != "$") {
            let (name, every) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
            here = self.member(&here, name)?;
            if every {
                let list = &self.0["shapes"][here.strip_prefix('#')?];
                here = reference(list.get("e").filter(|_| list["k"] == "l")?)?;
            }
        }
        Some(here)
    }

    fn member(&self, shape: &str, name: &str) -> Option<String> {
        let shape = &self.0["shapes"][shape.strip_prefix('#')?];
        if shape["k"] == "m" { shape.get("v").and_then(reference) } else { reference(shape["m"].get(name)?) }
    }

    fn paged(&self, operation: &str) -> bool {
        self.0["operations"][operation].get("page").is_some()
    }
}

/// A member is its type, or an object that holds it.
fn reference(member: &Value) -> Option<String> {
    member.as_str().or_else(|| member["t"].as_str()).map(str::to_owned)
}

fn check_list(model: &Model, list: &List, problems: &mut Vec<String>) -> Option<String> {
    let output = model.operation(&list.operation, &list.params, problems)?;
    if model.paged(&list.operation) != list.paged {
        problems.push(format!("{}: paged is {}, the model says otherwise", list.operation, list.paged));
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

/// Every path that an entry follows in its items.
fn item_paths(kind: &Kind) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = kind.facts().map(str::to_owned).collect();
    for template in [Some(&kind.id), kind.title.as_ref(), kind.arn.as_ref()].into_iter().flatten() {
        holes(&Value::from(template.as_str()), &mut paths);
    }
    paths.extend([&kind.created, &kind.owner, &kind.region].into_iter().flatten().cloned());
    paths.extend(kind.needs.iter().chain(&kind.with).cloned());
    paths.extend(kind.spare.iter().map(|spare| spare.when.path.clone()));
    if let Some(Tags::Path(path)) = &kind.tags {
        paths.insert(path.clone());
    }
    let paths = paths.into_iter().map(|path| path.trim_end_matches("|tail").to_owned());
    paths.filter(|path| !path.starts_with('$')).collect()
}

fn check_kind(kind: &Kind, problems: &mut Vec<String>) {
    let model = Model::read(&kind.service);
    let mut items: Vec<String> = check_list(&model, &kind.list, problems).into_iter().collect();
    for list in kind.parents.iter().chain(&kind.holders) {
        check_list(&model, list, problems);
    }
    if let Some(describe) = &kind.describe {
        let output = model.operation(&describe.operation, &describe.params, problems);
        items.extend(output.and_then(|output| model.follow(&output, &describe.item)));
    }
    if let Some(Tags::Call(call)) = &kind.tags {
        let output = model.operation(&call.operation, &call.params, problems);
        if output.and_then(|output| model.follow(&output, &call.item)).is_none() {
            problems.push(format!("{}: {} leads nowhere", call.operation, call.item));
        }
    }
    for clear in &kind.clear {
        check_list(&model, &clear.list, problems);
        check_steps(&model, &clear.delete, problems);
    }
    for lift in &kind.lift {
        model.operation(&lift.operation, &lift.params, problems);
    }
    for steps in [&kind.prepare, &kind.trim, &kind.delete] {
        check_steps(&model, steps, problems);
    }
    if kind.delete.is_empty() && kind.hook.is_none() {
        problems.push("nothing deletes it".to_owned());
    }
    for path in item_paths(kind) {
        if !items.iter().any(|item| model.follow(item, &path).is_some()) {
            problems.push(format!("{path} is in no item"));
        }
    }
}

fn problems(catalogue: &Catalogue) -> Vec<String> {
    let mut all = Vec::new();
    for kind in catalogue.kinds() {
        let mut problems = Vec::new();
        check_kind(kind, &mut problems);
        all.extend(problems.into_iter().map(|problem| format!("{}: {problem}", kind.name)));
    }
    all
}

#[test]
fn every_entry_agrees_with_the_models() {
    let found = problems(Catalogue::embedded().unwrap());
    assert!(found.is_empty(), "{}", found.join("\n"));
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
    let found = problems(&Catalogue::read(&[("sns", text)]).unwrap());
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

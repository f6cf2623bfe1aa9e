//! The form of a catalogue entry.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::path::{Source, holes};
use super::when::When;
use crate::aws::{CallError, ErrorClass};
use crate::reset::cloudcontrol::Control;
use crate::types::{Malformed, Region, string_type};

/// The CloudFormation name of a type: `AWS::EC2::VPC`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypeName(String);

impl FromStr for TypeName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let parts: Vec<&str> = text.split("::").collect();
        let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if parts.len() == 3 && parts.iter().all(word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(text, "a CloudFormation type name such as AWS::EC2::VPC"))
        }
    }
}
impl TypeName {
    /// The service's part: `EC2`.
    pub fn service(&self) -> &str {
        self.0.split("::").nth(1).unwrap_or_default()
    }

    /// The resource's part: `VPC`.
    pub fn resource(&self) -> &str {
        self.0.split("::").nth(2).unwrap_or_default()
    }
}

string_type!(TypeName, "^[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9]+$");

/// When in a run a type is worked on, other things being equal: what costs money stops first, what records goes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Makes other things again while they are deleted.
    Rebuilders,
    /// Is paid by the hour.
    Cost,
    /// Owns other things.
    Stacks,
    /// Holds data.
    Data,
    /// Is part of a network.
    Network,
    /// Is an identity, a permission or a key.
    Identity,
    /// Records what the others did.
    Logs,
}

/// One resource type.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its CloudFormation name.
    pub name: TypeName,
    /// The service model that its operations are in; the name of its file.
    #[serde(skip)]
    pub service: String,
    /// Listed once an account, not once a region.
    #[serde(default)]
    pub global: bool,
    /// The region that answers for a global type in the partition `aws`, where it is not us-east-1.
    pub answers_in: Option<Region>,
    /// What the entry was tried on.
    #[serde(default)]
    pub verified: Verified,
    /// Words of an error code or message by which a list says that the account does not use the service: then there is
    /// nothing. Anything else that fails is not empty.
    #[serde(default)]
    pub unused_on: Vec<String>,
    /// When it is worked on.
    pub phase: Phase,
    /// Whether it costs money by the hour.
    #[serde(default)]
    pub hourly: bool,
    /// What the items are listed under, for lists that need a parent.
    pub parents: Option<Parents>,
    /// How the items are listed.
    pub list: List,
    /// A read for each item, where the list does not say enough.
    pub describe: Option<Describe>,
    /// Template of what makes an item this item.
    pub id: String,
    /// Template of the name people know it by; default: the id.
    pub title: Option<String>,
    /// Template of the ARN.
    pub arn: Option<String>,
    /// Where the tags are.
    pub tags: Option<Tags>,
    /// Path of the creation time.
    pub created: Option<String>,
    /// Path of a time that is the creation time or a later one, such as the last change: where no other is told.
    pub changed: Option<String>,
    /// Paths or templates of the ids, names and ARNs of what an item cannot do without: protected with it.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Paths or templates of the ids and ARNs of what an item belongs to: where one is kept, the item is kept too.
    #[serde(default)]
    pub with: Vec<String>,
    /// What an item holds: kept with it, and where one of them is kept, the item is kept too.
    pub contents: Option<Contents>,
    /// Path of the owning account: items that others share with this account are not ours to delete.
    pub owner: Option<String>,
    /// Path of the region that an item of a global list is in.
    pub region: Option<String>,
    /// Items that are left alone, and why.
    #[serde(default)]
    pub spare: Vec<Spare>,
    /// What is taken from an item that is spared as a default.
    #[serde(default)]
    pub trim: Vec<Step>,
    /// Steps before the delete.
    #[serde(default)]
    pub prepare: Vec<Step>,
    /// All items of a region are prepared before the first is deleted.
    #[serde(default)]
    pub prepare_all: bool,
    /// What is listed below an item and taken away before the delete.
    #[serde(default)]
    pub clear: Vec<Clear>,
    /// Protections, lifted when a delete fails because of them.
    #[serde(default)]
    pub lift: Vec<Lift>,
    /// Words of an error code or message by which a step says that something else is in the way, or that it is too
    /// early: then it is tried again. Only for errors whose code does not tell.
    #[serde(default)]
    pub held_on: Vec<String>,
    /// Words by which a step says that the item is gone; only for errors whose code does not tell.
    #[serde(default)]
    pub gone_on: Vec<String>,
    /// Words of an error by which a step says that nobody can delete the item (a commitment, a lock until a date).
    #[serde(default)]
    pub undeletable_on: Vec<String>,
    /// The delete itself.
    #[serde(default)]
    pub delete: Vec<Step>,
    /// Nobody can delete it, and why: template of the reason. Such items are reported and never tried.
    pub undeletable: Option<String>,
    /// Only items of which this holds are undeletable; default: all.
    pub undeletable_when: Option<When>,
    /// A call that deletes many at once; where it fails, they are deleted one by one.
    pub batch: Option<Batch>,
    /// How many seconds apart two deletes in one region must be, where AWS allows so few.
    pub every: Option<u32>,
    /// How it shows that an item is gone.
    #[serde(default)]
    pub gone: Gone,
    /// What holds an item, asked when a delete meets a conflict.
    pub holders: Option<List>,
    /// Types that must be gone first.
    #[serde(default)]
    pub after: Vec<TypeName>,
    /// Types that must wait for this one.
    #[serde(default)]
    pub before: Vec<TypeName>,
    /// Goes when nothing else is left that may need it: AWS deletes it without asking, and what needs it is then stuck.
    #[serde(default)]
    pub last: bool,
    /// Code that does the delete instead.
    pub hook: Option<Hook>,
    /// Paths whose values the hook needs.
    #[serde(default)]
    pub keep: Vec<String>,
    /// What is particular to a type that Cloud Control lists: it has no entry in a file.
    #[serde(skip)]
    pub control: Option<Control>,
    /// Paths that a template asks for, collected when the file is read.
    #[serde(skip)]
    pub(super) facts: BTreeSet<String>,
}

/// A list operation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The operation.
    pub operation: String,
    /// Its parameters; templates, where there is something to fill them from.
    #[serde(default = "nothing")]
    pub params: Value,
    /// Path of the items in the answer.
    pub items: String,
    /// Whether the service model says how its pages go on.
    #[serde(default = "yes")]
    pub paged: bool,
    /// Members for the page token, request and answer, where the model does not say.
    pub token: Option<[String; 2]>,
}

/// What a list is repeated for.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Parents {
    /// Whatever another list finds.
    Listed(List),
    /// Values that are known beforehand.
    Known(Vec<Value>),
}

/// A read of one item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Describe {
    /// The operation.
    pub operation: String,
    /// Its parameters.
    pub params: Value,
    /// Path of the item in the answer; the first, where the operation reads several.
    pub item: String,
    /// It is about something else that an item may have, such as an administrator: "not found" does not mean the item.
    #[serde(default)]
    pub optional: bool,
}

/// What an item holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// How it is listed.
    pub list: List,
    /// Template of an element's type and what makes it this one: `AWS::S3::Bucket data`. Elements without stand for
    /// nothing yet.
    pub each: String,
    /// Items of which this holds are not asked.
    pub unless: Option<When>,
}

/// Where an item's tags are: a path in the item, or a call of their own (made only when a rule asks for tags).
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Tags {
    /// In the item.
    Path(String),
    /// Elsewhere.
    Call(Describe),
}

/// Items that are left alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spare {
    /// Why.
    #[serde(rename = "as")]
    pub kind: SpareAs,
    /// Which.
    pub when: When,
}

/// Why an item is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpareAs {
    /// It is gone, and only still listed.
    Gone,
    /// It belongs to another resource and goes with it.
    Part,
    /// It is changing, and cannot be deleted now.
    Busy,
    /// The account always has one.
    Default,
    /// It belongs to a default VPC: the `default_vpc` setting decides.
    DefaultVpc,
    /// AWS owns it.
    Aws,
    /// The organization put it there.
    Organization,
}

/// One call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The operation.
    pub operation: String,
    /// Its parameters.
    #[serde(default = "nothing")]
    pub params: Value,
    /// Repeated for each element at this path; placeholders then mean the element, `$parent.` the item.
    pub each: Option<String>,
    /// Only under this condition on the item, or on the element.
    pub when: Option<When>,
    /// Path in the answer of what was not done, for operations that fail one by one.
    pub failures: Option<String>,
}

/// A call that deletes many items of one region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The operation.
    pub operation: String,
    /// Its other parameters.
    #[serde(default = "nothing")]
    pub params: Value,
    /// The parameter that names the items.
    pub list: String,
    /// Template of an item in it.
    pub each: Value,
    /// How many it takes.
    pub size: usize,
    /// Path in the answer of what was not done.
    pub failures: Option<String>,
}

/// What an entry was tried on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// Compared with the service's model: operations, parameters and paths are right; nothing was deleted by it.
    #[default]
    Model,
    /// Made, found, deleted and seen gone on the emulator.
    Emulator,
}

/// What is taken away from below an item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clear {
    /// How it is listed.
    pub list: List,
    /// Only under this condition on the item.
    pub when: Option<When>,
    /// Elements that stay; values may have placeholders, in which `$parent.` means the item.
    pub unless: Option<When>,
    /// The elements are resources of this type: where one is kept, the item is kept too.
    pub kin: Option<Kin>,
    /// What is done with each; placeholders mean the element, `$parent.` the item.
    pub delete: Vec<Step>,
}

/// A resource that an element stands for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kin {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TypeName,
    /// Path of its name in the element.
    pub name: String,
}

/// A protection, and how it is lifted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// Error codes, or words of the message, by which a delete tells of it.
    pub on: Vec<String>,
    /// The operation.
    pub operation: String,
    /// Its parameters.
    pub params: Value,
}

/// How it shows that an item is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gone {
    /// The delete says so.
    #[default]
    AtOnce,
    /// Later it is no longer listed, or listed as gone.
    Listed,
}

/// Quirks that need code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// A type without an entry of its own: a request that is followed.
    CloudControl,
    /// Buckets must be empty: versions, delete markers, uploads, locks.
    S3Bucket,
    /// A queue's policy may deny everybody but the root user.
    SqsQueue,
    /// Stacks hold on to protections, exports, roles, and what they could not delete.
    Stack,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

const fn yes() -> bool {
    true
}

impl Kind {
    /// Takes in what an entry does not say itself: its service, and the facts that its steps will need.
    pub(super) fn settle(&mut self, service: &str) {
        service.clone_into(&mut self.service);
        let mut facts = BTreeSet::new();
        for step in self.prepare.iter().chain(&self.trim).chain(&self.delete) {
            step.facts(&mut facts);
        }
        for lift in &self.lift {
            holes(&lift.params, &mut facts);
        }
        for clear in &self.clear {
            holes(&clear.list.params, &mut facts);
            facts.extend(clear.when.iter().map(|when| when.path.clone()));
            clear.unless.iter().flat_map(|unless| &unless.is).for_each(|value| parent_holes(value, &mut facts));
            clear.delete.iter().for_each(|step| parent_holes(&step.params, &mut facts));
        }
        self.holders.iter().for_each(|list| holes(&list.params, &mut facts));
        facts.extend(self.keep.iter().cloned());
        self.batch.iter().for_each(|batch| holes(&batch.each, &mut facts));
        facts.retain(|path| !["$account", "$region", "$partition"].contains(&path.as_str()));
        self.facts = facts;
    }

    /// Pairs of types, the first to go before the second.
    pub(super) fn edges(&self) -> impl Iterator<Item = (&TypeName, &TypeName)> {
        let after = self.after.iter().map(|first| (first, &self.name));
        after.chain(self.before.iter().map(|then| (&self.name, then)))
    }

    /// The paths whose values a work item keeps.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.facts.iter().map(String::as_str)
    }

    /// Why an item in this state is left alone, if it is; the first entry that holds tells.
    pub fn spared(&self, item: &Value) -> Option<SpareAs> {
        let holds = |spare: &&Spare| spare.when.holds(super::path::value_at(item, &spare.when.path).as_ref());
        self.spare.iter().find(holds).map(|spare| spare.kind)
    }

    /// Template of the reason for which nobody can delete an item in this state, if so.
    pub fn never(&self, item: &Value) -> Option<&str> {
        let holds = |when: &When| when.holds(super::path::value_at(item, &when.path).as_ref());
        self.undeletable.as_deref().filter(|_| self.undeletable_when.as_ref().is_none_or(holds))
    }

    /// The ids, names and ARNs of what an item cannot do without.
    pub fn needed(&self, source: &Source<'_>) -> BTreeSet<String> {
        texts(&self.needs, source)
    }

    /// The ids and ARNs of what an item belongs to.
    pub fn belongs(&self, source: &Source<'_>) -> BTreeSet<String> {
        texts(&self.with, source)
    }

    /// Whether a failed list says that the account does not use the service.
    pub fn unused(&self, error: &CallError) -> bool {
        tells(error, &self.unused_on)
    }

    /// Whether a failed step says that nobody can delete the item.
    pub fn forbids(&self, error: &CallError) -> bool {
        tells(error, &self.undeletable_on)
    }

    /// The error of a step, with the class that the entry knows better where the code says too little.
    pub fn sorted(&self, error: CallError) -> CallError {
        let vague = matches!(error.class, ErrorClass::Invalid | ErrorClass::Other);
        let class = match error.class {
            _ if vague && tells(&error, &self.gone_on) => ErrorClass::Gone,
            _ if vague && tells(&error, &self.held_on) => ErrorClass::Conflict,
            class => class,
        };
        CallError { class, ..error }
    }

    /// Whether the state `busy` is known: an item that is neither gone nor busy can then be deleted again.
    pub fn tells_busy(&self) -> bool {
        self.spare.iter().any(|spare| spare.kind == SpareAs::Busy)
    }
}

/// Whether an error's code or message has any of the words.
fn tells(error: &CallError, words: &[String]) -> bool {
    let told = format!("{} {}", error.code.as_deref().unwrap_or_default(), error.message).to_lowercase();
    words.iter().any(|words| told.contains(&words.to_lowercase()))
}

fn texts(places: &[String], source: &Source<'_>) -> BTreeSet<String> {
    let (templates, paths): (Vec<&String>, Vec<&String>) = places.iter().partition(|place| place.contains('{'));
    let filled = templates.into_iter().filter_map(|template| source.text(template).ok());
    let values = paths.into_iter().filter_map(|path| source.get(path)).flat_map(|value| match value {
        Value::Array(list) => list,
        value => vec![value],
    });
    let found = values.filter_map(|value| value.as_str().map(str::to_owned));
    found.chain(filled).filter(|text| !text.is_empty()).collect()
}

impl Step {
    fn facts(&self, into: &mut BTreeSet<String>) {
        match &self.each {
            Some(each) => {
                into.insert(each.clone());
                parent_holes(&self.params, into);
            }
            None => {
                into.extend(self.when.iter().map(|when| when.path.clone()));
                holes(&self.params, into);
            }
        }
    }
}

/// The placeholders of a child's template that mean the item above it.
fn parent_holes(template: &Value, into: &mut BTreeSet<String>) {
    let mut all = BTreeSet::new();
    holes(template, &mut all);
    into.extend(all.iter().filter_map(|path| path.strip_prefix("$parent.")).map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_knows_what_a_vague_error_means_and_nothing_about_a_clear_one() {
        let text = r#"
            [[type]]
            name = "AWS::SQS::Queue"
            phase = "data"
            id = "{$}"
            list = {operation = "ListQueues", items = "QueueUrls[]"}
            delete = [{operation = "DeleteQueue", params = {QueueUrl = "{$}"}}]
            held_on = ["still in use"]
            gone_on = ["does not exist"]
        "#;
        let catalogue = super::super::Catalogue::read(&[("sqs", text)]).unwrap();
        let kind = catalogue.kinds().next().unwrap();
        let sorted = |class, message: &str| {
            let error = CallError {
                class,
                service: "sqs".to_owned(),
                operation: "DeleteQueue".to_owned(),
                account: "111122223333".parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
                code: Some("ClientException".to_owned()),
                message: message.to_owned(),
                request_id: None,
            };
            kind.sorted(error).class
        };
        assert_eq!(sorted(ErrorClass::Other, "the queue is Still in use"), ErrorClass::Conflict);
        assert_eq!(sorted(ErrorClass::Invalid, "it does not exist"), ErrorClass::Gone);
        assert_eq!(sorted(ErrorClass::Invalid, "a name is wrong"), ErrorClass::Invalid);
        assert_eq!(sorted(ErrorClass::Denied, "it does not exist"), ErrorClass::Denied);
    }

    #[test]
    fn what_an_item_belongs_to_may_be_told_by_a_path_a_tail_or_a_template() {
        let text = r#"
            [[type]]
            name = "AWS::ECS::Service"
            phase = "data"
            id = "{arn}"
            with = ["roles[]", "table|tail", "arn:{$partition}:eks:{$region}:{$account}:cluster/{cluster}", "{missing}"]
            parents = ["one", "two"]
            list = {operation = "ListServices", items = "serviceArns[]"}
            delete = [{operation = "DeleteService", params = {service = "{arn}"}}]
        "#;
        let catalogue = super::super::Catalogue::read(&[("ecs", text)]).unwrap();
        let kind = catalogue.kinds().next().unwrap();
        assert!(matches!(&kind.parents, Some(Parents::Known(values)) if values.len() == 2));
        let item = serde_json::json!({"roles": ["a", "b"], "table": "table/t", "cluster": "c"});
        let (account, region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        let source = Source {
            item: super::super::path::Fields::Document(&item),
            parent: None,
            account: &account,
            region: &region,
        };
        let belongs: Vec<String> = kind.belongs(&source).into_iter().collect();
        assert_eq!(belongs, ["a", "arn:aws:eks:eu-west-1:111122223333:cluster/c", "b", "t"]);
    }

    #[test]
    fn type_name_has_three_parts() {
        assert!("AWS::EC2::VPC".parse::<TypeName>().is_ok());
        assert!("EC2Instance".parse::<TypeName>().is_err());
    }
}

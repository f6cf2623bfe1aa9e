//! Lists one type in one region through Cloud Control.
//!
//! A list says as much about a resource as its handler likes, often no more than the identifier; what a rule asks for
//! and the list does not say is read one by one.
//! <https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ListResources.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::below::plain;
use super::{Above, Control, Told};
use crate::aws::{CallError, Scope};
use crate::reset::catalogue::path::{Facts, as_text};
use crate::reset::catalogue::{Kind, SpareAs};
use crate::reset::discover::{failure, names_another, tag_map};
use crate::reset::item::{CellKey, Found, ItemKey, Listing};

/// One list: what, and where.
pub struct CloudLister<'a> {
    /// Where the list is.
    pub scope: &'a Scope,
    /// What is listed.
    pub kind: &'a Kind,
    /// What is particular to it.
    pub control: &'a Control,
    /// What the result is booked under.
    pub cell: &'a CellKey,
    /// Whether a rule asks for what only a read may tell: tags and ARNs.
    pub want_details: bool,
    /// What it is listed below, where it is.
    pub above: Option<Vec<Above>>,
    /// Others are listed below these, by the property of this name.
    pub named_by: Option<&'a str>,
}

/// Why something could not be listed.
enum Miss {
    Call(CallError),
    Shape(String),
}

impl From<CallError> for Miss {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl CloudLister<'_> {
    /// Lists to the last page.
    pub async fn list(&self) -> Told {
        if let Some(why) = &self.control.nameless {
            return Listing::Unavailable(why.clone()).into();
        }
        let (mut found, mut missing) = (Vec::new(), BTreeSet::new());
        for (model, above) in self.models() {
            match self.below(model).await {
                Ok(mut items) => {
                    items.iter_mut().for_each(|item| above.into_iter().for_each(|above| above.mark(item)));
                    found.extend(items);
                }
                Err(Miss::Shape(reason)) => return Listing::Failed { reason, may_pass: false }.into(),
                Err(Miss::Call(error)) => match above.filter(|_| error.is_gone()) {
                    Some(above) => _ = missing.insert(above.found.key.id.clone()),
                    None => return failure(&error).into(),
                },
            }
        }
        // Values in turn may overlap.
        let mut seen = BTreeSet::new();
        found.retain(|item| seen.insert(item.key.id.clone()));
        Told { listing: Listing::Items(found), missing }
    }

    /// Every combination of what the list must be given, and what it is then below.
    fn models(&self) -> Vec<(Map<String, Value>, Option<&Above>)> {
        let models = self.given();
        let Some((below, above)) = self.control.below.as_ref().zip(self.above.as_ref()) else {
            return models.into_iter().map(|model| (model, None)).collect();
        };
        let with = |model: &Map<String, Value>, above: &Above| {
            model.clone().into_iter().chain([(below.param.clone(), Value::from(above.value.as_str()))]).collect()
        };
        above.iter().flat_map(|above| models.iter().map(move |model| (with(model, above), Some(above)))).collect()
    }

    fn given(&self) -> Vec<Map<String, Value>> {
        let account = self.scope.account().as_ref();
        let mut models = vec![Map::new()];
        for (param, values) in &self.control.given {
            let with = |model: &Map<String, Value>, value: &String| {
                let value = Value::from(value.replace("{account}", account));
                model.clone().into_iter().chain([(param.clone(), value)]).collect()
            };
            models = models.iter().flat_map(|model| values.iter().map(move |value| with(model, value))).collect();
        }
        models
    }

    async fn below(&self, model: Map<String, Value>) -> Result<Vec<Found>, Miss> {
        let mut params = json!({ "TypeName": self.kind.name });
        if let (false, Some(params)) = (model.is_empty(), params.as_object_mut()) {
            params.insert("ResourceModel".to_owned(), Value::from(Value::Object(model).to_string()));
        }
        let mut found = Vec::new();
        for described in self.scope.pages("cloudcontrol", "ListResources", params).await? {
            let Some(id) = described.get("Identifier").and_then(Value::as_str) else {
                let reason = format!("cloudcontrol:ListResources for {}: a resource has no identifier", self.kind.name);
                return Err(Miss::Shape(reason));
            };
            // What cannot be read of a list is as if it had not said it: then it is read one by one.
            let item = self.take_in(id, properties(&described).unwrap_or_default()).await;
            found.push(item);
        }
        Ok(found)
    }

    async fn take_in(&self, id: &str, listed: Map<String, Value>) -> Found {
        let known = self.control.spare.iter().any(|pattern| pattern.is_match(id));
        let lacking = told_tags(&listed).next().is_none() || arn(self.kind, id, &listed).is_none();
        let wanted = (self.want_details && lacking && !known) || self.is_unnamed(id, &listed);
        let read = if wanted { self.read(id).await } else { Ok(Map::new()) };
        let unread = read.as_ref().err().cloned();
        let all: Map<String, Value> = listed.into_iter().chain(read.unwrap_or_default()).collect();
        let tags = unread.map_or_else(|| Ok(tags(&all)), Err);
        let arn = arn(self.kind, id, &all);
        Found {
            key: ItemKey { cell: self.cell.clone(), id: id.to_owned() },
            region: self.scope.region().clone(),
            name: name(self.kind, id, &all),
            tags,
            created: text(&all, &["CreationTime", "CreatedAt", "CreationDate", "CreatedTime", "CreateTime"]),
            changed: None,
            place: Ok(self.cell.region.clone()),
            spare: if known { Some(SpareAs::Default) } else { spare(&all) },
            foreign: owner(&all).is_some_and(|owner| owner != self.scope.account().as_ref())
                || arn.as_deref().is_some_and(|arn| names_another(arn, self.scope.account())),
            trimmable: false,
            undeletable: None,
            needs: needs(&Value::Object(all.clone()), id, arn.as_deref()),
            with: BTreeSet::new(),
            contents: BTreeSet::new(),
            unread: None,
            barred: false,
            facts: self.facts(id, &all),
            arn,
        }
    }

    fn facts(&self, id: &str, all: &Map<String, Value>) -> Facts {
        let told = plain(all).filter(|(name, _)| self.named_by.is_some_and(|by| by.eq_ignore_ascii_case(name)));
        told.chain([("Identifier".to_owned(), Value::from(id))]).collect()
    }

    /// Whether neither the list nor the identifier says by what name others are listed below it.
    fn is_unnamed(&self, id: &str, listed: &Map<String, Value>) -> bool {
        self.named_by.is_some_and(|by| {
            let is_arn = by.to_ascii_lowercase().ends_with("arn") && id.starts_with("arn:");
            let told = listed.keys().any(|name| by.eq_ignore_ascii_case(name));
            !told && !is_arn && (by.to_ascii_lowercase().ends_with("arn") || id.contains([':', '/', '|']))
        })
    }

    /// One resource. Whatever fails means that nothing is known of it, "not found" too: the list has just shown it.
    async fn read(&self, id: &str) -> Result<Map<String, Value>, String> {
        let params = json!({ "TypeName": self.kind.name, "Identifier": id });
        match self.scope.call("cloudcontrol", "GetResource", params).await {
            Ok(answer) => answer
                .get("ResourceDescription")
                .and_then(properties)
                .ok_or_else(|| "cloudcontrol:GetResource: the answer has no properties".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// `Properties` is JSON in a string.
pub(super) fn properties(described: &Value) -> Option<Map<String, Value>> {
    serde_json::from_str(described.get("Properties")?.as_str()?).ok()
}

fn text(all: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| all.get(*name)).filter(|value| value.is_string() || value.is_number()).map(as_text)
}

fn name(kind: &Kind, id: &str, all: &Map<String, Value>) -> String {
    let own = format!("{}Name", kind.name.resource());
    text(all, &["Name", &own]).unwrap_or_else(|| id.to_owned())
}

fn arn(kind: &Kind, id: &str, all: &Map<String, Value>) -> Option<String> {
    let own = format!("{}Arn", kind.name.resource());
    let told = text(all, &["Arn", &own, "ARN"]).filter(|arn| arn.starts_with("arn:"));
    told.or_else(|| id.starts_with("arn:").then(|| id.to_owned()))
}

fn tags(all: &Map<String, Value>) -> BTreeMap<String, String> {
    told_tags(all).flat_map(tag_map).collect()
}

/// The properties that hold tags: a schema may call them otherwise than `Tags`, as `BackupVaultTags`, and `CopyTags` is a
/// switch.
fn told_tags(all: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let named = |name: &str| name.ends_with("Tags") || name == "TagsMap";
    all.iter()
        .filter(move |(name, value)| named(name) && (value.is_array() || value.is_object()))
        .map(|(_, value)| value)
}

fn owner(all: &Map<String, Value>) -> Option<&str> {
    let owner = ["OwnerId", "OwnerAccountId", "OwnerAccount"].iter().find_map(|name| all.get(*name)?.as_str());
    owner.filter(|owner| owner.len() == 12 && owner.bytes().all(|b| b.is_ascii_digit()))
}

/// What the properties themselves say of why it is left alone.
fn spare(all: &Map<String, Value>) -> Option<SpareAs> {
    let says = |name: &str, words: &[&str]| {
        all.get(name).and_then(Value::as_str).is_some_and(|word| words.contains(&word.to_ascii_lowercase().as_str()))
    };
    if ["IsDefault", "Default"].iter().any(|name| all.get(*name) == Some(&Value::Bool(true))) {
        return Some(SpareAs::Default);
    }
    if ["Owner", "OwnerId", "Type"].iter().any(|name| says(name, &["aws", "amazon", "system", "system_defined"])) {
        return Some(SpareAs::Aws);
    }
    ["Status", "State"].iter().any(|name| says(name, &["deleted"])).then_some(SpareAs::Gone)
}

/// What a resource may not be able to do without: every ARN and id that its properties name, other than its own.
fn needs(value: &Value, id: &str, arn: Option<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    gather(value, &mut found);
    found.retain(|name| name != id && Some(name.as_str()) != arn);
    found
}

fn gather(value: &Value, into: &mut BTreeSet<String>) {
    const LIKE: [&str; 8] = ["arn:", "eni-", "key-", "lt-", "sg-", "subnet-", "vpc-", "vpce-"];
    match value {
        Value::String(text) if LIKE.iter().any(|like| text.starts_with(like)) => {
            into.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|value| gather(value, into)),
        Value::Object(members) => members.values().for_each(|value| gather(value, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn defaults_and_what_others_own_are_told_by_properties() {
        assert_eq!(spare(&map(json!({"IsDefault": true}))), Some(SpareAs::Default));
        assert_eq!(spare(&map(json!({"Owner": "Amazon"}))), Some(SpareAs::Aws));
        assert_eq!(spare(&map(json!({"Status": "DELETED"}))), Some(SpareAs::Gone));
        assert_eq!(spare(&map(json!({"Status": "ACTIVE", "Type": "custom"}))), None);
        assert_eq!(owner(&map(json!({"OwnerId": "111122223333"}))), Some("111122223333"));
        assert_eq!(owner(&map(json!({"OwnerId": "team-blue"}))), None);
    }

    #[test]
    fn what_is_named_anywhere_is_needed() {
        let value = json!({"Arn": "arn:own", "Vpc": {"Subnets": ["subnet-1"]}, "Role": "arn:role", "Name": "canary"});
        assert_eq!(needs(&value, "canary", Some("arn:own")), ["arn:role", "subnet-1"].map(str::to_owned).into());
    }
}

//! Lists one type in one region, to the last page.
//!
//! A list that fails is never an empty list, and a resource of which something could not be read is neither forgotten
//! nor deleted: both would end in a green result while money burns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::catalogue::path::{Fields, Source, as_text, find, value_at};
use super::catalogue::{Kind, List, Parents, SpareAs, Step, Tags};
use super::item::{CellKey, Found, GLOBAL, ItemKey, Listing};
use crate::aws::{Accounts, CallError, ErrorClass, Scope};
use crate::types::AccountId;

/// The reason where an item lacks what the entry's reason speaks of.
const UNDELETABLE: &str = "cannot be deleted by anybody";

/// Why something could not be listed.
enum Miss {
    Call(CallError),
    Shape(String),
    /// It is listed, and said to be gone.
    Ghost(String),
}

impl From<CallError> for Miss {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// One list: what, and where.
pub struct Lister<'a> {
    /// Ways into other regions of the account.
    pub accounts: &'a dyn Accounts,
    /// Where the list is.
    pub scope: &'a Scope,
    /// What is listed.
    pub kind: &'a Kind,
    /// What the result is booked under.
    pub cell: &'a CellKey,
    /// Whether a rule asks for tags: only then calls are spent on them.
    pub want_tags: bool,
}

/// What a failed list says about what is there.
pub fn failure(error: &CallError) -> Listing {
    match error.class {
        ErrorClass::Denied => Listing::Denied(error.to_string()),
        // A service that is not activated yet may hold things all the same, so only this class means "not offered".
        ErrorClass::Unavailable => Listing::Unavailable(error.to_string()),
        _ => Listing::Failed { reason: error.to_string(), may_pass: error.may_pass() },
    }
}

/// Runs a list operation to its last page and returns the items at its path.
pub async fn pages(scope: &Scope, service: &str, list: &List, params: Value) -> Result<Vec<Value>, CallError> {
    if let Some([ask, answer]) = &list.token {
        return by_token(scope, service, list, params, ask, answer).await;
    }
    if !list.paged {
        let answer = scope.call(service, &list.operation, params).await?;
        return Ok(find(&answer, &list.items).into_iter().cloned().collect());
    }
    let members = scope.pages(service, &list.operation, params).await?;
    let below = below_first_list(&list.items);
    Ok(members.iter().flat_map(|member| find(member, below)).cloned().collect())
}

/// `Reservations[].Instances[]` seen from a reservation is `Instances[]`.
fn below_first_list(path: &str) -> &str {
    path.split_once("[]").map_or("", |(_, below)| below.trim_start_matches('.'))
}

async fn by_token(
    scope: &Scope,
    service: &str,
    list: &List,
    mut params: Value,
    ask: &str,
    answer: &str,
) -> Result<Vec<Value>, CallError> {
    let mut all = Vec::new();
    loop {
        let page = scope.call(service, &list.operation, params.clone()).await?;
        all.extend(find(&page, &list.items).into_iter().cloned());
        match value_at(&page, answer) {
            Some(token) if token.as_str() != Some("") => params.as_object_mut().map(|p| p.insert(ask.into(), token)),
            _ => return Ok(all),
        };
    }
}

impl Lister<'_> {
    /// Lists to the last page.
    pub async fn list(&self) -> Listing {
        match self.items().await {
            Ok(found) => Listing::Items(found),
            Err(Miss::Shape(reason)) => Listing::Failed { reason, may_pass: false },
            Err(Miss::Ghost(error)) => {
                Listing::Failed { reason: format!("what is still listed is said to be gone: {error}"), may_pass: true }
            }
            Err(Miss::Call(error)) if self.kind.unused(&error) => Listing::Unavailable(error.to_string()),
            Err(Miss::Call(error)) => failure(&error),
        }
    }

    async fn items(&self) -> Result<Vec<Found>, Miss> {
        let (mut found, mut ghosts) = (Vec::new(), Vec::new());
        for (parent, item) in self.listed().await? {
            match self.described(parent.as_ref(), &item).await {
                Ok(item) => found.push(item),
                Err(Miss::Call(error)) if error.is_gone() => ghosts.push((parent, item)),
                Err(miss) => return Err(miss),
            }
        }
        if !ghosts.is_empty() {
            found.extend(self.still_there(&ghosts).await?);
        }
        Ok(found)
    }

    /// What a read called gone, and is listed all the same: several services also say so of what the caller may not see,
    /// or of something else that the item names. Whatever is not listed any more was gone indeed.
    async fn still_there(&self, ghosts: &[(Option<Value>, Value)]) -> Result<Vec<Found>, Miss> {
        // What a read asks by is what makes it this one; the rest of what a list says may change from one to the next.
        let name = |(parent, item): &(Option<Value>, Value)| {
            let describe = self.kind.describe.as_ref()?;
            self.source(item, parent.as_ref()).fill(&describe.params).ok()
        };
        let names: Vec<Option<Value>> = ghosts.iter().map(name).collect();
        let mut found = Vec::new();
        for (parent, item) in self.listed().await?.iter().filter(|listed| names.contains(&name(listed))) {
            match self.described(parent.as_ref(), item).await {
                Ok(item) => found.push(item),
                Err(Miss::Call(error)) if error.is_gone() => return Err(Miss::Ghost(error.to_string())),
                Err(miss) => return Err(miss),
            }
        }
        Ok(found)
    }

    async fn described(&self, parent: Option<&Value>, item: &Value) -> Result<Found, Miss> {
        let described = self.describe(&self.source(item, parent), item).await?;
        self.take_in(&self.source(&described, parent), &described).await
    }

    fn source<'s>(&'s self, item: &'s Value, parent: Option<&'s Value>) -> Source<'s> {
        let (account, region) = (self.scope.account(), self.scope.region());
        Source { item: Fields::Document(item), parent: parent.map(Fields::Document), account, region }
    }

    /// Every item, with what it was listed under.
    async fn listed(&self) -> Result<Vec<(Option<Value>, Value)>, Miss> {
        let Some(parents) = &self.kind.parents else {
            let items = self.every(&self.kind.list, None).await?;
            return Ok(items.into_iter().map(|item| (None, item)).collect());
        };
        let (mut all, mut ghosts) = (Vec::new(), Vec::new());
        for parent in self.parents(parents).await? {
            match self.every(&self.kind.list, Some(&parent)).await {
                Ok(items) => all.extend(items.into_iter().map(|item| (Some(parent.clone()), item))),
                Err(Miss::Call(error)) if self.kind.unused(&error) => {}
                Err(Miss::Call(error)) if error.is_gone() => ghosts.push((parent, error.to_string())),
                Err(miss) => return Err(miss),
            }
        }
        // A parent that is still there was not gone: then what is below it is not known.
        if let (Parents::Listed(_), false) = (parents, ghosts.is_empty()) {
            let name = |parent: &Value| self.source(&Value::Null, Some(parent)).fill(&self.kind.list.params).ok();
            let there: Vec<Option<Value>> = self.parents(parents).await?.iter().map(name).collect();
            if let Some((_, error)) = ghosts.into_iter().find(|(parent, _)| there.contains(&name(parent))) {
                return Err(Miss::Ghost(error));
            }
        }
        Ok(all)
    }

    async fn parents(&self, parents: &Parents) -> Result<Vec<Value>, Miss> {
        match parents {
            Parents::Listed(list) => self.every(list, None).await,
            Parents::Known(values) => Ok(values.clone()),
        }
    }

    async fn every(&self, list: &List, parent: Option<&Value>) -> Result<Vec<Value>, Miss> {
        let params = self.source(&Value::Null, parent).fill(&list.params);
        let params = params.map_err(|path| self.lacks(&list.operation, &path))?;
        Ok(pages(self.scope, &self.kind.service, list, params).await?)
    }

    fn lacks(&self, operation: &str, path: &str) -> Miss {
        Miss::Shape(format!("{}:{operation} for {}: the answer lacks {path}", self.kind.service, self.kind.name))
    }

    async fn describe(&self, source: &Source<'_>, item: &Value) -> Result<Value, Miss> {
        let Some(describe) = &self.kind.describe else { return Ok(item.clone()) };
        let params = source.fill(&describe.params).map_err(|path| self.lacks(&describe.operation, &path))?;
        let answer = match self.scope.call(&self.kind.service, &describe.operation, params).await {
            Err(error) if describe.optional && error.is_gone() => return Ok(item.clone()),
            answer => answer?,
        };
        let described = find(&answer, &describe.item).into_iter().next();
        described
            .map(|more| overlaid(item, more.clone()))
            .ok_or_else(|| self.lacks(&describe.operation, &describe.item))
    }

    async fn take_in(&self, source: &Source<'_>, item: &Value) -> Result<Found, Miss> {
        let Self { kind, cell, scope, .. } = self;
        let text_at =
            |path: &Option<String>| path.as_deref().and_then(|path| value_at(item, path)).map(|v| as_text(&v));
        let text = |template: &Option<String>| template.as_deref().and_then(|template| source.text(template).ok());
        let id = source.text(&kind.id).map_err(|path| self.lacks(&kind.list.operation, &path))?;
        let spare = kind.spared(item);
        let mut found = Found {
            key: ItemKey { cell: (*cell).clone(), id },
            region: text_at(&kind.region)
                .and_then(|region| region.parse().ok())
                .unwrap_or_else(|| scope.region().clone()),
            name: String::new(),
            arn: text(&kind.arn),
            tags: Ok(BTreeMap::new()),
            created: text_at(&kind.created),
            changed: text_at(&kind.changed),
            place: match (&kind.region, cell.region.as_str()) {
                (Some(path), GLOBAL) => text_at(&kind.region).ok_or_else(|| format!("the answer lacks {path}")),
                (_, region) => Ok(region.to_owned()),
            },
            spare,
            undeletable: kind.never(item).map(|reason| source.text(reason).unwrap_or_else(|_| UNDELETABLE.to_owned())),
            foreign: text_at(&kind.owner).is_some_and(|owner| owner != scope.account().as_ref()),
            trimmable: spare == Some(SpareAs::Default) && kind.trim.iter().any(|step| wanted(step, item)),
            needs: kind.needed(source),
            with: kind.belongs(source),
            contents: BTreeSet::new(),
            unread: None,
            barred: false,
            facts: kind.facts().filter_map(|path| Some((path.to_owned(), source.get(path)?))).collect(),
        };
        found.foreign = found.foreign || found.arn.as_deref().is_some_and(|arn| names_another(arn, scope.account()));
        match self.contents(source, item, &found).await {
            Ok(contents) => found.contents = contents,
            Err((barred, reason)) => (found.unread, found.barred) = (Some(reason), barred),
        }
        found.tags = self.tags(source, item, &found).await;
        found.name = text(&kind.title).or_else(|| name_tag(&found)).unwrap_or_else(|| found.key.id.clone());
        Ok(found)
    }

    /// What the item holds, to the last page; or whether that may not be read, and the reason.
    async fn contents(
        &self,
        source: &Source<'_>,
        item: &Value,
        found: &Found,
    ) -> Result<BTreeSet<String>, (bool, String)> {
        let Some(contents) = self.kind.contents.as_ref().filter(|_| found.spare != Some(SpareAs::Gone)) else {
            return Ok(BTreeSet::new());
        };
        if contents.unless.as_ref().is_some_and(|when| when.holds(value_at(item, &when.path).as_ref())) {
            return Ok(BTreeSet::new());
        }
        let lacks = |path| (false, format!("the answer lacks {path}"));
        let params = source.fill(&contents.list.params).map_err(lacks)?;
        match pages(self.scope, &self.kind.service, &contents.list, params).await {
            Ok(held) => Ok(held.iter().filter_map(|one| source.child(one).text(&contents.each).ok()).collect()),
            Err(error) if error.is_gone() => Ok(BTreeSet::new()),
            Err(error) => Err((error.class == ErrorClass::Denied, error.to_string())),
        }
    }

    async fn tags(&self, source: &Source<'_>, item: &Value, found: &Found) -> Result<BTreeMap<String, String>, String> {
        // Only of these the rules decide; what is busy now is deleted later.
        let ruled = matches!(found.spare, None | Some(SpareAs::DefaultVpc | SpareAs::Busy));
        let untouched = found.foreign || !ruled;
        let call = match &self.kind.tags {
            Some(Tags::Path(path)) => return Ok(value_at(item, path).map(|tags| tag_map(&tags)).unwrap_or_default()),
            Some(Tags::Call(call)) if self.want_tags && !untouched => call,
            Some(Tags::Call(_)) | None => return Ok(BTreeMap::new()),
        };
        let params = source.fill(&call.params).map_err(|path| format!("the answer lacks {path}"))?;
        // The call goes where the resource is: a bucket answers in its own region only.
        let scope =
            self.accounts.scope(self.scope.account(), &found.region).await.map_err(|error| error.to_string())?;
        match scope.call(&self.kind.service, &call.operation, params).await {
            Ok(answer) => Ok(value_at(&answer, &call.item).map(|tags| tag_map(&tags)).unwrap_or_default()),
            // S3's way to say that there are none. Any other "not found" is about something else, and tells nothing.
            Err(error) if error.has_code("NoSuchTagSet") => Ok(BTreeMap::new()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Whether an ARN is of a resource in another account: many lists also show what is shared with this one.
pub fn names_another(arn: &str, account: &AccountId) -> bool {
    let owner = arn.split(':').nth(4).unwrap_or_default();
    owner.parse::<AccountId>().is_ok_and(|owner| owner != *account)
}

/// What the list said, overlaid by what the description says.
fn overlaid(listed: &Value, described: Value) -> Value {
    match (listed, described) {
        (Value::Object(base), Value::Object(more)) => {
            Value::Object(base.clone().into_iter().chain(more).collect::<Map<_, _>>())
        }
        (_, described) => described,
    }
}

fn wanted(step: &Step, item: &Value) -> bool {
    step.when.as_ref().is_none_or(|when| when.holds(value_at(item, &when.path).as_ref()))
}

fn name_tag(found: &Found) -> Option<String> {
    found.tags.as_ref().ok()?.get("Name").filter(|name| !name.is_empty()).cloned()
}

/// Tags come as a map, or as a list of pairs in one of three spellings.
pub fn tag_map(tags: &Value) -> BTreeMap<String, String> {
    let pair = |tag: &Value| {
        let member = |names: [&str; 3]| names.iter().find_map(|name| tag.get(*name)).map(as_text);
        Some((member(["Key", "key", "TagKey"])?, member(["Value", "value", "TagValue"]).unwrap_or_default()))
    };
    match tags {
        Value::Array(list) => list.iter().filter_map(pair).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), as_text(value))).collect(),
        _ => BTreeMap::new(),
    }
}

/// An empty parameter object, for operations that take none.
pub fn none() -> Value {
    Value::Object(Map::new())
}

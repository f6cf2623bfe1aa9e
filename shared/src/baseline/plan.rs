//! Decides what to do for one account. Pure: same target, same facts, same plan, byte for byte.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::aspect::hint;
use super::aspects::retirement;
use super::{Action, Kind, Part, Place, Seen, Target};
use crate::aws::{CallError, ErrorClass};
use crate::config::Enforce;
use crate::org::{Account, AccountState};
use crate::types::{AccountId, Region};

/// One thing to do, with nothing left open.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// What.
    pub action: Action,
}

/// What is to be done for one account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// How far Forester goes; under `observe` the steps are reported and not taken.
    pub enforce: Enforce,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What stays although the declaration says otherwise.
    pub kept: Vec<Kept>,
    /// What could not be planned.
    pub errors: Vec<PlanError>,
    /// What has to wait.
    pub waiting: Vec<Waiting>,
}

/// Something that can be planned only later.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// The aspect.
    pub aspect: &'static str,
    /// Where.
    pub region: Place,
    /// What waits.
    pub summary: String,
    /// What it waits for.
    pub reason: String,
    /// The account whose baseline has to do its part first, where it is that.
    pub on: Option<AccountId>,
}

/// Something that stays, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// The aspect.
    pub aspect: &'static str,
    /// Where.
    pub region: Place,
    /// What stays.
    pub summary: String,
    /// Why.
    pub reason: String,
}

/// Something that could not be planned, and what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanError {
    /// The aspect.
    pub aspect: &'static str,
    /// Where.
    pub region: Place,
    /// What happened.
    pub reason: String,
    /// What to do.
    pub hint: String,
    /// Whether the next run may succeed without anybody doing anything.
    #[serde(skip)]
    pub may_pass: bool,
}

/// Plans one account.
pub fn plan(target: &Target, seen: &Seen) -> Plan {
    let mut plan = Plan::empty(target);
    // Where opt-in regions are declared, the governed ones are enabled along with them.
    let closed = |region: &&Region| target.wanted.regions.is_none() && !seen.enabled.contains(region);
    plan.errors.extend(target.config.regions.govern.iter().filter(closed).map(closed_region));
    for (kind, place, facts) in &seen.parts {
        let aspect = kind.name();
        match facts {
            Err(error) if error.class == ErrorClass::NotReady => plan.waiting.push(asleep(*kind, place, error)),
            Err(error) => plan.errors.push(unreadable(*kind, place, error)),
            Ok(facts) => {
                let planned = facts.plan(target);
                plan.steps.extend(planned.steps.into_iter().map(|action| Step { place: place.clone(), action }));
                plan.kept.extend(planned.kept.into_iter().map(|(summary, reason)| Kept {
                    aspect,
                    region: place.clone(),
                    summary,
                    reason,
                }));
                plan.errors.extend(planned.problems.into_iter().map(|reason| PlanError {
                    aspect,
                    region: place.clone(),
                    reason,
                    hint: "change the file, or the account".to_owned(),
                    may_pass: false,
                }));
                plan.waiting.extend(planned.waits.into_iter().map(|(summary, reason)| Waiting {
                    aspect,
                    region: place.clone(),
                    summary,
                    reason,
                    on: None,
                }));
                plan.waiting.extend(planned.awaits.into_iter().map(|(summary, on)| Waiting {
                    aspect,
                    region: place.clone(),
                    summary,
                    reason: format!("the baseline of {} does its part first", target.called(&on)),
                    on: Some(on),
                }));
            }
        }
    }
    plan
}

impl Plan {
    fn empty(target: &Target) -> Self {
        Self {
            id: target.account.id.clone(),
            name: target.account.name.clone(),
            enforce: target.enforce,
            steps: Vec::new(),
            kept: Vec::new(),
            errors: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// The plan for an account in which nothing may be changed, and which is at most put out of the way; `None` when it
    /// is active.
    pub fn resting(target: &Target) -> Option<Self> {
        let Account { state, .. } = &target.account;
        let kept = Kept {
            aspect: "account",
            region: Place::Global,
            summary: "everything".to_owned(),
            reason: format!("the account is {state}: nothing in it is looked at or changed"),
        };
        let steps = retirement(target).map(|action| Step { place: Place::Organization, action }).into_iter().collect();
        (*state != AccountState::Active).then(|| Self { kept: vec![kept], steps, ..Self::empty(target) })
    }

    /// The plan for an account that cannot be entered or asked. One that was just born may not know the role yet.
    pub fn blocked(target: &Target, error: &CallError) -> Self {
        let shut = error.class == ErrorClass::Denied && error.operation == "AssumeRole";
        if error.class == ErrorClass::NotReady || target.young && shut {
            let waiting = Waiting {
                aspect: "account",
                region: Place::Global,
                summary: "everything".to_owned(),
                reason: format!("the account is not ready: {error}"),
                on: None,
            };
            return Self { waiting: vec![waiting], ..Self::empty(target) };
        }
        let error = PlanError {
            aspect: "account",
            region: Place::Global,
            reason: error.to_string(),
            hint: hint(error),
            may_pass: error.may_pass(),
        };
        Self { errors: vec![error], ..Self::empty(target) }
    }

    /// This plan, with what can be done for the account from outside (see [`super::observe::from_outside`]).
    pub fn with_outside(mut self, target: &Target, parts: Vec<Part>) -> Self {
        let outside = plan(target, &Seen { enabled: target.config.regions.govern.clone(), parts });
        self.steps.extend(outside.steps);
        self.kept.extend(outside.kept);
        self.errors.extend(outside.errors);
        self.waiting.extend(outside.waiting);
        self
    }

    /// Whether everything is as declared, as far as it could be seen.
    pub fn is_clean(&self) -> bool {
        self.steps.is_empty() && self.errors.is_empty() && self.waiting.is_empty()
    }
}

fn closed_region(region: &Region) -> PlanError {
    PlanError {
        aspect: "account",
        region: Place::Region(region.clone()),
        reason: format!("{region} is governed, and the account has not enabled it"),
        hint: "declare `regions: {enable: []}` in a layer, or take the region out of `regions.govern`".to_owned(),
        may_pass: false,
    }
}

fn asleep(kind: Kind, place: &Place, error: &CallError) -> Waiting {
    Waiting {
        aspect: kind.name(),
        region: place.clone(),
        summary: "everything".to_owned(),
        reason: format!("not ready yet: {error}"),
        on: None,
    }
}

fn unreadable(kind: Kind, place: &Place, error: &CallError) -> PlanError {
    PlanError {
        aspect: kind.name(),
        region: place.clone(),
        reason: error.to_string(),
        hint: hint(error),
        may_pass: error.may_pass(),
    }
}

impl Step {
    /// The aspect it belongs to.
    pub fn kind(&self) -> Kind {
        self.action.kind()
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut step = serializer.serialize_struct("Step", 4)?;
        step.serialize_field("aspect", self.kind().name())?;
        step.serialize_field("region", &self.place)?;
        step.serialize_field("action", &self.action.word())?;
        step.serialize_field("summary", &self.action.to_string())?;
        step.end()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind().name(), self.place, self.action)
    }
}

/// Fits a screen: regions in which the same is to be done share a line.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.name, self.id)?;
        match (self.steps.len(), self.enforce) {
            (0, _) if self.errors.is_empty() => write!(f, "nothing to do")?,
            (0, _) => write!(f, "no step")?,
            (n, Enforce::Observe) => write!(f, "{n} steps, reported only (enforce: observe)")?,
            (1, _) => write!(f, "1 step")?,
            (n, _) => write!(f, "{n} steps")?,
        }
        for (places, lines) in grouped(&self.steps) {
            write!(f, "\n  {places}")?;
            for (aspect, text) in lines {
                write!(f, "\n    {aspect:<17} {text}")?;
            }
        }
        for Kept { aspect, region, summary, reason } in &self.kept {
            write!(f, "\n  kept  {aspect} {region}: {summary}, {reason}")?;
        }
        for line in waits(&self.waiting) {
            write!(f, "\n  waits {line}")?;
        }
        for PlanError { aspect, region, reason, hint, .. } in &self.errors {
            write!(f, "\n  error {aspect} {region}: {reason}; {hint}")?;
        }
        Ok(())
    }
}

/// What waits, a line for all aspects that wait for the same in one place.
pub(super) fn waits(waiting: &[Waiting]) -> Vec<String> {
    let mut alike: BTreeMap<(&Place, &str), Vec<&Waiting>> = BTreeMap::new();
    for waiting in waiting {
        alike.entry((&waiting.region, &waiting.reason)).or_default().push(waiting);
    }
    let line = |((place, reason), all): ((&Place, &str), Vec<&Waiting>)| match all.as_slice() {
        [Waiting { aspect, summary, .. }] => format!("{aspect} {place}: {summary}: {reason}"),
        many => {
            let aspects: Vec<&str> = many.iter().map(|waiting| waiting.aspect).collect();
            format!("{place}: {}: {reason}", aspects.join(", "))
        }
    };
    alike.into_iter().map(line).collect()
}

/// What is to be done in a place, without its ids.
type Alike = Vec<(Kind, String)>;

/// A place, and what is to be done there.
type Member<'a> = (&'a Place, Vec<&'a Step>);

/// Places with the same actions together: their names, and a line an action.
fn grouped(steps: &[Step]) -> Vec<(String, Vec<(&'static str, String)>)> {
    let mut by_place: BTreeMap<&Place, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        by_place.entry(&step.place).or_default().push(step);
    }
    let mut groups: BTreeMap<Alike, Vec<Member<'_>>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (place, steps) in by_place {
        match place {
            Place::Global | Place::Root | Place::Organization | Place::OrganizationIn(_) => {
                alone.push((place.to_string(), steps.iter().map(|step| line(step)).collect()))
            }
            Place::Region(_) => {
                let alike = steps.iter().map(|step| (step.kind(), step.action.word())).collect();
                groups.entry(alike).or_default().push((place, steps));
            }
        }
    }
    alone.extend(groups.into_iter().map(|(alike, members)| (names(&members), lines(&alike, &members))));
    alone
}

fn line(step: &Step) -> (&'static str, String) {
    (step.kind().name(), step.action.to_string())
}

/// The text of each action: the whole of it where all members say the same, else its words.
fn lines(alike: &[(Kind, String)], members: &[Member<'_>]) -> Vec<(&'static str, String)> {
    let text = |(n, (kind, word)): (usize, &(Kind, String))| {
        let mut texts = members.iter().filter_map(|(_, steps)| steps.get(n)).map(|step| step.action.to_string());
        let first = texts.next().unwrap_or_default();
        let same = texts.all(|text| text == first);
        (kind.name(), if same { first } else { word.replace('-', " ") })
    };
    alike.iter().enumerate().map(text).collect()
}

fn names(members: &[Member<'_>]) -> String {
    let places: Vec<String> = members.iter().map(|(place, _)| place.to_string()).collect();
    match places.as_slice() {
        [one] => one.clone(),
        many => format!("{} regions: {}", many.len(), many.join(" ")),
    }
}

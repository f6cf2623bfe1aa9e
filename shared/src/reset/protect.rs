//! What is never deleted: the file's rules, and what no file has to say.
//!
//! Two properties matter more than comfort: a rule that is not understood stops the run before it starts, and what a
//! kept resource needs is kept with it.

use std::collections::BTreeMap;

use globset::GlobMatcher;
use jiff::Timestamp;

use super::catalogue::{Catalogue, SpareAs, TypeName};
use super::contents::{self, Pairs};
use super::item::{Decision, Found};
use super::rule::{Doubt, Known, Moment, Rule, glob};
use crate::config::{ResetVpc, Sandbox};

/// Names that belong to the organization wherever they appear.
const ORGANIZATION: &[&str] = &[
    "AWSControlTower*",
    "AWSReservedSSO_*",
    "AWSSSO_*",
    "OrganizationAccountAccessRole",
    "StackSet-*",
    "aws-controltower*",
    "stacksets-exec-*",
];

/// The types of what an organization puts into its accounts: anything else of such a name is somebody's own.
const ORGANIZATION_TYPES: &[&str] = &[
    "AWS::CloudFormation::Stack",
    "AWS::CloudTrail::Trail",
    "AWS::Config::ConfigRule",
    "AWS::Config::ConfigurationRecorder",
    "AWS::Config::DeliveryChannel",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::IAM::SAMLProvider",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
];

/// Why the parts of a default VPC stay: only this reason lets its default security group be brought back to bare.
const DEFAULT_VPC_STAYS: &str = "default_vpc is keep";

/// Something the run must not touch because the account is entered through it or the baseline declares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Reserved {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TypeName,
    /// Its name.
    pub name: String,
    /// Why, as in "is kept: …".
    pub why: String,
}

/// The rules, compiled.
#[derive(Clone, Debug)]
pub struct Protection {
    rules: Vec<Rule>,
    default_vpc: ResetVpc,
    reserved: Vec<Reserved>,
    organization: Vec<(GlobMatcher, &'static str)>,
}

/// Everything wrong with the section, its types included: where (below `sandbox`), and what was expected.
pub fn problems(sandbox: &Sandbox, catalogue: &Catalogue) -> Vec<(String, String)> {
    let mut found = sandbox.problems();
    let parts = sandbox.protect.iter().enumerate().flat_map(|(n, rule)| {
        rule.parts().into_iter().map(move |(path, part)| (format!("protect[{n}]{path}.type"), part.kind.as_deref()))
    });
    for (path, kind) in parts.filter_map(|(path, kind)| Some((path, kind?))) {
        if kind.parse().ok().and_then(|name| catalogue.kind(&name)).is_none() {
            let message = format!("`{kind}` is not a type that a reset knows; `forester reset catalogue` lists them");
            found.push((path, message));
        }
    }
    found
}

impl Protection {
    /// Compiles the section's rules. Callers have checked [`problems`]; what is still not understood is told here.
    pub fn new(sandbox: &Sandbox, reserved: Vec<Reserved>) -> Result<Self, String> {
        let rules = sandbox.protect.iter().enumerate();
        let rules = rules.map(|(n, rule)| Rule::new(n, rule)).collect::<Result<Vec<_>, _>>()?;
        let organization = ORGANIZATION.iter().map(|pattern| Ok((glob(pattern)?, *pattern)));
        let organization = organization.collect::<Result<Vec<_>, String>>()?;
        Ok(Self { rules, default_vpc: sandbox.default_vpc, reserved, organization })
    }

    /// Whether any rule asks for tags.
    pub fn wants_tags(&self) -> bool {
        self.rules.iter().any(Rule::wants_tags)
    }

    /// Whether any rule asks for what a list may not tell: tags, ARNs.
    pub fn wants_details(&self) -> bool {
        self.wants_tags() || self.rules.iter().any(Rule::wants_arns)
    }

    /// Decides about everything that a scan found. Decisions stand in the order of `found`.
    pub fn decide(&self, found: &[Found], now: Timestamp) -> Vec<Decision> {
        let mut decisions: Vec<Decision> = found.iter().map(|item| self.alone(item, now)).collect();
        contents::doubt(found, &mut decisions);
        self.settle(found, &mut decisions);
        decisions
    }

    /// Brings what single decisions mean for others into all of them.
    pub fn settle(&self, found: &[Found], decisions: &mut [Decision]) {
        let pairs = Pairs::of(found);
        loop {
            while spread(found, decisions) | pairs.spread(found, decisions) {}
            // A key that is kept may itself be part of something.
            if !keep_keys(found, decisions, &self.reserved) {
                return;
            }
        }
    }

    /// Whether a rule of the file could keep an item of this type.
    pub fn may_keep(&self, kind: &TypeName) -> bool {
        self.rules.iter().any(|rule| rule.may_keep(kind))
    }

    /// What is said about a resource by itself.
    fn alone(&self, item: &Found, now: Timestamp) -> Decision {
        if item.foreign {
            return Decision::Ignore(SpareAs::Part);
        }
        match item.spare {
            Some(SpareAs::Organization) => return Decision::Keep("belongs to the organization".to_owned()),
            Some(SpareAs::DefaultVpc) if self.default_vpc == ResetVpc::Keep => {
                return Decision::Keep(DEFAULT_VPC_STAYS.to_owned());
            }
            Some(SpareAs::Default) if item.trimmable => return Decision::Trim,
            Some(SpareAs::DefaultVpc | SpareAs::Busy) | None => {}
            Some(spare @ (SpareAs::Gone | SpareAs::Part | SpareAs::Default | SpareAs::Aws)) => {
                return Decision::Ignore(spare);
            }
        }
        if let Some(why) = self.built_in(item) {
            return Decision::Keep(why);
        }
        self.by_rule(item, now)
    }

    fn built_in(&self, item: &Found) -> Option<String> {
        let name_of = |reserved: &&Reserved| {
            reserved.kind == item.key.cell.kind && (reserved.name == item.name || reserved.name == item.key.id)
        };
        if let Some(reserved) = self.reserved.iter().find(name_of) {
            return Some(reserved.why.clone());
        }
        if !ORGANIZATION_TYPES.contains(&item.key.cell.kind.as_ref()) {
            return None;
        }
        let is_own = |glob: &GlobMatcher| own_names(item).any(|name| glob.is_match(name));
        let named = self.organization.iter().find(|(glob, _)| is_own(glob));
        named.map(|(_, pattern)| format!("belongs to the organization ({pattern})"))
    }

    /// A rule that keeps it outweighs one that cannot tell, and one that cannot tell outweighs one that does not.
    fn by_rule(&self, item: &Found, now: Timestamp) -> Decision {
        let now = Moment::of(now);
        let mut doubt: Option<Doubt> = None;
        for rule in &self.rules {
            match rule.holds(item, &now) {
                Known::Yes => return Decision::Keep(rule.reason(item)),
                Known::No => {}
                Known::Unknown(more) => doubt = Some(doubt.map_or(more.clone(), |doubt| doubt.and(more))),
            }
        }
        match doubt {
            None => Decision::Delete,
            Some(Doubt::Untold(why)) => Decision::Keep(why),
            Some(Doubt::Unread(reason)) => Decision::Unknown(reason),
        }
    }
}

/// What a kept resource needs is kept, and what belongs to a kept resource too. Returns whether anything changed.
fn spread(found: &[Found], decisions: &mut [Decision]) -> bool {
    let stay = |decision: &Decision| matches!(decision, Decision::Keep(_) | Decision::Unknown(_) | Decision::Barred(_));
    let (mut needed, mut holders, mut used) = (ByName::default(), ByName::default(), ByName::default());
    for (item, decision) in found.iter().zip(decisions.iter()).filter(|(_, decision)| stay(decision)) {
        needed.add(item.needs.iter().map(String::as_str), item);
        holders.add(names(item), item);
        if *decision != Decision::Keep(DEFAULT_VPC_STAYS.to_owned()) {
            used.add(names(item), item);
        }
    }
    let mut changed = false;
    for (item, decision) in found.iter().zip(decisions.iter_mut()) {
        let belongs = match decision {
            Decision::Delete => holders.near(item.with.iter().map(String::as_str), item),
            Decision::Trim => used.near(item.needs.iter().map(String::as_str), item),
            Decision::Keep(_) | Decision::Ignore(_) | Decision::Unknown(_) | Decision::Barred(_) => continue,
        };
        let why = match (needed.near(identities(item), item), belongs) {
            (Some(user), _) => format!("needed by {}, which is kept", user.key),
            (None, Some(holder)) => format!("belongs to {}, which is kept", holder.key),
            (None, None) => continue,
        };
        *decision = Decision::Keep(why);
        changed = true;
    }
    changed
}

/// Types whose content a customer key may encrypt.
const ENCRYPTED: &[&str] = &[
    "AWS::DynamoDB::Table",
    "AWS::EC2::Snapshot",
    "AWS::EC2::Volume",
    "AWS::ECR::Repository",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
];

/// Which key encrypts what is not told by most lists, and data without its key is lost: where data stays, keys stay.
/// What the baseline keeps is not such data: its keys are declared, or told by what uses them. Returns whether anything
/// changed.
fn keep_keys(found: &[Found], decisions: &mut [Decision], reserved: &[Reserved]) -> bool {
    let stays = |decision: &Decision| match decision {
        Decision::Keep(why) => !reserved.iter().any(|reserved| reserved.why == *why),
        decision => matches!(decision, Decision::Unknown(_) | Decision::Barred(_)),
    };
    let data = found.iter().zip(decisions.iter()).filter(|(_, decision)| stays(decision));
    let data = data.map(|(item, _)| item).filter(|item| ENCRYPTED.contains(&item.key.cell.kind.as_ref()));
    let data: Vec<&Found> = data.collect();
    let mut changed = false;
    for (key, decision) in found.iter().zip(decisions.iter_mut()) {
        if *decision != Decision::Delete || key.key.cell.kind.as_ref() != "AWS::KMS::Key" {
            continue;
        }
        if let Some(item) = data.iter().find(|item| near(item, key)) {
            *decision = Decision::Keep(format!("may encrypt {}, which is kept", item.key));
            changed = true;
        }
    }
    changed
}

/// Resources by a name that several of them may bear or refer to.
#[derive(Default)]
struct ByName<'f>(BTreeMap<&'f str, Vec<&'f Found>>);

impl<'f> ByName<'f> {
    fn add(&mut self, names: impl Iterator<Item = &'f str>, item: &'f Found) {
        names.for_each(|name| self.0.entry(name).or_default().push(item));
    }

    /// The first one near the item under any of the names.
    fn near<'n>(&self, mut names: impl Iterator<Item = &'n str>, item: &Found) -> Option<&'f Found> {
        names.find_map(|name| self.0.get(name)?.iter().copied().find(|other| near(other, item)))
    }
}

/// Names such as `default` repeat in every region, so only neighbours count.
pub(super) fn near(one: &Found, other: &Found) -> bool {
    let (one, other) = (&one.key.cell.region, &other.key.cell.region);
    one == other || one == super::item::GLOBAL || other == super::item::GLOBAL
}

fn names(item: &Found) -> impl Iterator<Item = &str> {
    [Some(item.key.id.as_str()), item.arn.as_deref()].into_iter().flatten()
}

/// What AWS calls it: its id and the words of its ARN behind the account. A `Name` tag is what people call it.
fn own_names(item: &Found) -> impl Iterator<Item = &str> {
    let words = names(item).flat_map(|name| name.splitn(6, ':').nth(5)).flat_map(|name| name.split([':', '/']));
    std::iter::once(item.key.id.as_str()).chain(words)
}

/// What other resources may call it: its id, its ARN, and the name of what is referred to by name (key pairs).
fn identities(item: &Found) -> impl Iterator<Item = &str> {
    names(item).chain((item.key.cell.kind.as_ref() == "AWS::EC2::KeyPair").then_some(item.name.as_str()))
}

//! Lists that could not be read, and what that means for the rest: a thing that is kept may be among what was not read,
//! and what it needs looks like something that nobody needs.
//!
//! So where a rule may keep something of an unread type, whatever that type can need, and whatever belongs to something
//! that was not seen, is not decided about.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Catalogue, Kind, TypeName};
use super::item::{CellKey, Decision, Found, GLOBAL};
use super::machine::Rules;
use super::state::{Cell, Seen};

/// Marks what cannot be decided about. Returns whether anything was.
pub fn doubt(cells: &BTreeMap<CellKey, Cell>, rules: Rules<'_>, found: &[Found], decisions: &mut [Decision]) -> bool {
    let unread = |cell: &Cell| !matches!(cell.seen, Seen::Listed | Seen::Unavailable(_));
    let unread = cells.iter().filter(|(_, cell)| unread(cell));
    // Holders that belong to the organization are kept without a rule, with all that they hold.
    let holds = |kind: &TypeName| rules.catalogue.kind(kind).is_some_and(|kind| kind.contents.is_some());
    let by_rule = |kind: &TypeName| rules.protection.may_keep(kind);
    let unread: Vec<(&CellKey, &Cell)> = unread.filter(|(key, _)| by_rule(&key.kind) || holds(&key.kind)).collect();
    if unread.is_empty() {
        return false;
    }
    let needs = Needs::of(rules.catalogue, &unread);
    let seen: BTreeSet<&str> = found.iter().flat_map(names).collect();
    let mut any = false;
    for (item, decision) in found.iter().zip(decisions.iter_mut()) {
        if !matches!(decision, Decision::Delete | Decision::Trim) {
            continue;
        }
        let near = |(key, _): &&(&CellKey, &Cell)| near(&key.region, &item.key.cell.region);
        let strange = item.with.iter().any(|name| !seen.contains(name.as_str()));
        let may = |(cell, _): &&(&CellKey, &Cell)| {
            // In a region that is closed by a policy nothing can be listed. What is global is not held up by that.
            let held = holds(&cell.kind) && cell.region == item.key.cell.region;
            let told = || strange || needs.can(&cell.kind, &item.key.cell.kind) || has(item, &cell.kind);
            held || (by_rule(&cell.kind) && told())
        };
        let mut around = unread.iter().filter(near).filter(may);
        // A list that failed says more than one that is denied: nobody has decided that it stays unread.
        let failed = around.clone().find(|(_, cell)| !matches!(cell.seen, Seen::Denied(_)));
        if let Some((key, cell)) = failed.or_else(|| around.next()) {
            *decision = doubted(key, &cell.seen);
            any = true;
        }
    }
    any
}

fn doubted(cell: &CellKey, seen: &Seen) -> Decision {
    let CellKey { kind, region } = cell;
    let told =
        |how: &str| format!("may be needed by {kind} in {region}, which {how}, and a rule may keep what is there");
    match seen {
        Seen::Denied(reason) => Decision::Barred(format!("{}: {reason}", told("may not be listed"))),
        _ => Decision::Unknown(told("could not be listed")),
    }
}

fn names(found: &Found) -> impl Iterator<Item = &str> {
    [Some(found.key.id.as_str()), found.arn.as_deref(), Some(found.name.as_str())].into_iter().flatten()
}

/// Whether the item holds something of a type.
fn has(item: &Found, kind: &TypeName) -> bool {
    item.contents.iter().filter_map(|held| held.split_once(' ')).any(|(held, _)| held == kind.as_ref())
}

fn near(one: &str, other: &str) -> bool {
    one == other || one == GLOBAL || other == GLOBAL
}

/// Which types the unread ones can need.
struct Needs<'c>(BTreeMap<&'c TypeName, BTreeSet<&'c TypeName>>);

impl<'c> Needs<'c> {
    /// What must go before what is told by the catalogue, and what goes before something may need it. What else an item
    /// needs is read from the names of the members that say so.
    fn of(catalogue: &'c Catalogue, unread: &[(&'c CellKey, &Cell)]) -> Self {
        let mut needs: BTreeMap<&TypeName, BTreeSet<&TypeName>> = BTreeMap::new();
        for user in unread.iter().map(|(cell, _)| &cell.kind).collect::<BTreeSet<_>>() {
            let all = needs.entry(user).or_default();
            let mut next = vec![user];
            while let Some(user) = next.pop() {
                let Some(kind) = catalogue.kind(user) else { continue };
                for other in catalogue.kinds().map(|other| &other.name) {
                    let told = catalogue.after(other).any(|first| first == user) || names_type(kind, other);
                    if told && all.insert(other) {
                        next.push(other);
                    }
                }
            }
        }
        Self(needs)
    }

    fn can(&self, user: &TypeName, needed: &TypeName) -> bool {
        self.0.get(user).is_some_and(|needs| needs.contains(needed))
    }
}

/// Whether a member that an item cannot do without is named after a type: `RoleARN`, `SubnetIds`, `KmsKeyId`.
fn names_type(kind: &Kind, other: &TypeName) -> bool {
    let word = match other.as_ref() {
        "AWS::KMS::Key" => "kms",
        "AWS::EC2::KeyPair" => "keyname",
        "AWS::EC2::SecurityGroup" => "group",
        "AWS::EC2::EIP" => "allocationid",
        name => &name.rsplit("::").next().unwrap_or_default().to_lowercase(),
    };
    let member = |path: &String| path.rsplit('.').next().unwrap_or_default().to_lowercase().contains(word);
    kind.needs.iter().any(|path| member(path) || path.to_lowercase().contains(word))
}

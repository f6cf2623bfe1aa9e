//! Which OUs a StackSet is for. A StackSet that has an OU has all below it, so only OUs are taken below which everything
//! is of one kind: nothing that is no sandbox ever gets the sandboxes' role.

use forester::config::OuPattern;
use forester::org::{AccountState, Forest, Member, Organization};
use forester::types::{AccountId, OuId, OuPath};

/// The OUs of each of the two StackSets, and the accounts that neither reaches.
#[derive(Debug, Default, PartialEq)]
pub struct Units {
    /// Those whose accounts are emptied.
    pub sandboxes: Vec<OuId>,
    /// All others.
    pub members: Vec<OuId>,
    /// The accounts in all of them that are in use.
    pub reached: Vec<AccountId>,
    /// Accounts beside sandboxes' OUs, by name: no OU holds them and no sandbox.
    pub beside: Vec<String>,
}

impl Units {
    /// Sorts the organization's OUs by what the file says of sandboxes.
    pub fn of(forest: &Forest, organization: &Organization, sandboxes: Option<&OuPattern>) -> Self {
        let is_sandbox = |path: &OuPath| sandboxes.is_some_and(|pattern| pattern.holds(path));
        let emptied = whole(organization, &is_sandbox);
        let others = whole(organization, &|path| !is_sandbox(path));
        let is_reached = |member: &&Member| {
            emptied.iter().chain(&others).any(|(path, _)| member.ou == **path || member.ou.is_below(path))
        };
        // StackSets deploy nothing into the management account.
        let members = || forest.members.iter().filter(|member| member.id != organization.management);
        let reached = members().filter(is_reached).filter(|member| member.state == AccountState::Active);
        let reached = reached.map(|member| member.id.clone()).collect();
        let beside = members().filter(|member| !is_reached(member)).map(|member| member.name.clone()).collect();
        let ids = |found: &[(&OuPath, &OuId)]| found.iter().map(|(_, id)| (*id).clone()).collect();
        Self { sandboxes: ids(&emptied), members: ids(&others), reached, beside }
    }
}

/// The topmost OUs that are wanted together with everything below them.
fn whole<'a>(organization: &'a Organization, wanted: &dyn Fn(&OuPath) -> bool) -> Vec<(&'a OuPath, &'a OuId)> {
    let under = |path: &OuPath, other: &OuPath| other == path || other.is_below(path);
    let mut found: Vec<(&OuPath, &OuId)> = Vec::new();
    for (path, id) in &organization.units {
        let pure = organization.units.keys().filter(|other| under(path, other)).all(wanted);
        if pure && !found.iter().any(|(above, _)| path.is_below(above)) {
            found.push((path, id));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: Option<&str>, sandboxes: &[&str], members: &[&str], beside: &[&str]) {
        let paths = ["", "Sandbox", "Sandbox/Old", "Workloads", "Workloads/Lab", "Workloads/Lab/EU", "Workloads/Prod"];
        let id = |path: &str| format!("ou-ab12-{:0>8}", paths.iter().position(|p| *p == path).unwrap());
        let organization = Organization {
            id: "o-exampleorgid".to_owned(),
            management: "111122223333".parse().unwrap(),
            units: paths.iter().map(|path| (path.parse().unwrap(), id(path).parse().unwrap())).collect(),
        };
        let member = |(number, ou): (usize, &&str)| Member {
            id: format!("22223333444{number}").parse().unwrap(),
            name: format!("in {ou}"),
            email: None,
            state: AccountState::Active,
            ou: ou.parse().unwrap(),
        };
        let members_of = paths.iter().enumerate().map(member).collect();
        let forest = Forest { organization: Some(organization.clone()), members: members_of };
        let pattern = pattern.map(|pattern| pattern.parse().unwrap());
        let found = Units::of(&forest, &organization, pattern.as_ref());
        let named = |names: &[&str]| names.iter().map(|name| id(name).parse().unwrap()).collect::<Vec<OuId>>();
        assert_eq!((found.sandboxes, found.members), (named(sandboxes), named(members)), "{pattern:?}");
        assert_eq!(found.beside, beside, "{pattern:?}");
        assert_eq!(found.reached.len() + found.beside.len(), paths.len(), "{pattern:?}");
    }

    #[test]
    fn without_sandboxes_the_root_has_all() {
        check(None, &[], &[""], &[]);
    }

    #[test]
    fn sandboxes_and_the_others_share_no_ou() {
        check(Some("Sandbox/**"), &["Sandbox"], &["Workloads"], &["in "]);
        check(Some("Workloads/Lab/**"), &["Workloads/Lab"], &["Sandbox", "Workloads/Prod"], &["in ", "in Workloads"]);
    }

    #[test]
    fn ou_with_others_below_it_is_no_place_for_the_role_that_empties() {
        check(Some("Sandbox"), &[], &["Sandbox/Old", "Workloads"], &["in ", "in Sandbox"]);
    }
}

//! The forest as a whole: every OU with its id, every account with its place. What an aspect needs to name an OU in a
//! call, or the accounts that a pattern means. It holds no tags, which would cost a call an account.

use std::collections::BTreeMap;

use super::AccountState;
use crate::config::{Config, OuPattern};
use crate::types::{AccountId, Arn, OuId, OuPath, Partition};

/// The accounts, and the organization that holds them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forest {
    /// The organization; none where the file is the directory.
    pub organization: Option<Organization>,
    /// Every account, in order of their ids; in single-account mode one entry a name.
    pub members: Vec<Member>,
}

/// An organization and its OUs.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// Its id (`o-exampleorgid`).
    pub id: String,
    /// Its management account.
    pub management: AccountId,
    /// Every OU by its path; the root is the empty path.
    pub units: BTreeMap<OuPath, OuId>,
}

/// An account and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its id.
    pub id: AccountId,
    /// Its name, as the file has it, else as Organizations has it.
    pub name: String,
    /// Its root user's e-mail address.
    pub email: Option<String>,
    /// Where it stands between creation and closure.
    pub state: AccountState,
    /// The OU that holds it.
    pub ou: OuPath,
}

impl Forest {
    /// The forest with each account where the file puts it: one that was just born, or waits in quarantine, counts in
    /// the place that it will have.
    pub fn as_declared(mut self, config: &Config) -> Self {
        for member in &mut self.members {
            if let Some(ou) = config.accounts.get(&member.name).and_then(|entry| entry.ou.as_ref()) {
                member.ou.clone_from(ou);
            }
        }
        self
    }

    /// The account that the file or Organizations calls so.
    pub fn named(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The accounts in the OUs that `pattern` means.
    pub fn within<'a>(&'a self, pattern: &'a OuPattern) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(|member| pattern.holds(&member.ou))
    }

    /// Whether this is the organization's management account.
    pub fn is_management(&self, account: &AccountId) -> bool {
        self.organization.as_ref().is_some_and(|organization| organization.management == *account)
    }
}

impl Organization {
    /// The ARN of an OU, or of the root.
    pub fn arn(&self, path: &OuPath, partition: Partition) -> Option<Arn> {
        let unit = self.units.get(path)?;
        let kind = if path.is_root() { "root" } else { "ou" };
        Some(Arn::organizations(partition, &self.management, &format!("{kind}/{}/{unit}", self.id)))
    }

    /// The OUs that `pattern` means, without those below another one of them: what is shared with an OU or attached to
    /// it holds for everything below.
    pub fn topmost<'a>(&'a self, pattern: &OuPattern) -> Vec<(&'a OuPath, &'a OuId)> {
        let mut found: Vec<(&OuPath, &OuId)> = Vec::new();
        for (path, unit) in self.units.iter().filter(|(path, _)| pattern.holds(path)) {
            if !found.iter().any(|(above, _)| path.is_below(above)) {
                found.push((path, unit));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expect: &[&str]) {
        let paths = ["", "Sandbox", "Workloads", "Workloads/NonProd", "Workloads/Prod", "Workloads/Prod/EU"];
        let unit = |path: &&str| (path.parse().unwrap(), format!("ou-ab12-{}", path.len()).parse().unwrap());
        let organization = Organization {
            id: "o-exampleorgid".to_owned(),
            management: "111122223333".parse().unwrap(),
            units: paths.iter().map(unit).collect(),
        };
        let pattern = pattern.parse().unwrap();
        let found = organization.topmost(&pattern);
        assert_eq!(found.iter().map(|(path, _)| path.as_ref()).collect::<Vec<&str>>(), expect);
    }

    #[test]
    fn ou_stands_for_everything_below_it() {
        check("Workloads/**", &["Workloads"]);
        check("Workloads/*", &["Workloads/NonProd", "Workloads/Prod"]);
        check("Sandbox", &["Sandbox"]);
        check("**", &[""]);
        check("Nowhere", &[]);
    }
}

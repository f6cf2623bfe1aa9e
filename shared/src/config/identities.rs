//! People who live in one account and work in others: groups in the home account, mirrored as roles elsewhere.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, OuPattern, Subject, Wanted};
use crate::types::Region;

/// The prefix of mirrored roles where no layer says another.
const PREFIX: &str = "cross-";

/// The tag that names an account's stage.
const STAGE: &str = "stage";

/// Where people live, and the groups they are in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identities {
    /// The account that holds the groups, by name or id.
    pub home: String,
    /// The groups, each with the policy that it has at home and, unless a layer says otherwise, where it is mirrored:
    /// one of AWS's managed policies by name, or any managed policy by ARN, in which `{id}` stands for the account's id.
    pub groups: BTreeMap<String, String>,
    /// How many groups a person may be in. Default: `one`.
    #[serde(default)]
    pub membership: Membership,
}

/// IAM Identity Center of the organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityCenter {
    /// The region that it is in, where that is not the home region.
    pub region: Region,
}

/// How many groups a person may be in.
///
/// A mirrored role trusts the home account as a whole, so whoever may assume any role there may assume it; and
/// `PowerUserAccess` lets its holder assume any role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Membership {
    /// One: each group is denied the mirrored roles of the others, whatever its policy allows. A person in two groups
    /// would be denied the roles of both.
    #[default]
    One,
    /// Several: nothing is denied. A group whose policy lets it assume any role reaches the roles of every group.
    Several,
}

/// Groups of the home account, mirrored as roles in the accounts of a layer.
///
/// A mirrored role that Forester made goes when its group is no longer listed, or denied, also under `additive`: whoever
/// writes a denial relies on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MirrorRoles {
    /// How the names of mirrored roles begin; the group's name follows. Default: `cross-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The groups that come in. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Groups that do not come in. The key is an account's name, the value of its tag `stage`, or a pattern of OUs
    /// (`Workloads/Prod/**`); where any of the three fits, the groups are denied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deny_in: BTreeMap<String, Vec<String>>,
    /// Groups that come in with another policy than they have at home.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_override: BTreeMap<String, String>,
    /// Whether only somebody who signed in with a second factor comes in. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// The permissions boundary of the roles, as of any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
    /// How many hours a session may last, 1 to 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_hours: Option<u32>,
    /// Drops what earlier layers declared; mirrored roles that exist stay. To have them removed, say `groups: []`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

impl MirrorRoles {
    /// How the names of mirrored roles begin.
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or(PREFIX)
    }

    /// Whether a group is kept out of an account.
    pub fn denies(&self, group: &str, subject: Subject<'_>) -> bool {
        let fits = |key: &String| {
            key == subject.name
                || subject.tags.get(STAGE) == Some(key)
                || key.parse::<OuPattern>().is_ok_and(|pattern| pattern.holds(subject.ou))
        };
        self.deny_in.iter().any(|(key, groups)| fits(key) && groups.iter().any(|denied| denied == group))
    }
}

impl Config {
    /// The groups that come into an account, each with its policy; none into the account where they live.
    pub fn mirrored(&self, subject: Subject<'_>, wanted: &Wanted) -> BTreeMap<&str, String> {
        let (Some(identities), Some(mirror)) = (&self.identities, &wanted.mirror_roles) else { return BTreeMap::new() };
        if self.is_home(subject) {
            return BTreeMap::new();
        }
        let listed = |group: &String| mirror.groups.as_ref().is_none_or(|groups| groups.contains(group));
        let groups = identities.groups.iter().filter(|(group, _)| listed(group) && !mirror.denies(group, subject));
        let policy = |group: &String, policy: &String| mirror.policy_override.get(group).unwrap_or(policy).clone();
        groups.map(|(group, own)| (group.as_str(), policy(group, own))).collect()
    }

    /// Whether people live in this account.
    pub fn is_home(&self, subject: Subject<'_>) -> bool {
        let home = self.identities.as_ref().map(|identities| identities.home.as_str());
        home == Some(subject.name) || home == Some(subject.id.as_ref())
    }

    /// Whether `key` of `deny_in` can fit an account, as far as the file tells: a denial that fits nobody would leave
    /// a door open that somebody believes closed.
    pub(super) fn can_deny(&self, key: &str) -> bool {
        let pattern = key.parse::<OuPattern>().ok();
        let in_ou = |place: &Option<_>| {
            place.as_ref().zip(pattern.as_ref()).is_some_and(|(place, pattern)| pattern.holds(place))
        };
        // Organizations may hold OUs that the file does not name; a path or a pattern is no slip of a name.
        key.contains(['/', '*'])
            || self.accounts.iter().any(|(name, entry)| {
                name == key || entry.tags.get(STAGE).is_some_and(|stage| stage == key) || in_ou(&entry.ou)
            })
    }
}

//! People live in one account and work in others: `groups` keeps their groups at home, `mirror-roles` a role for each
//! group in the accounts that it comes into. What both rest on is computed here, from the file and the forest alone.

mod groups;
mod mirror_roles;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::Target;
use crate::config::{Resolved, Subject};
use crate::org::{self, AccountState};
use crate::types::Arn;
pub use groups::Groups;
pub use mirror_roles::MirrorRoles;
pub(super) use mirror_roles::wishes;

/// The mirrored roles of all other accounts, by group: ARN and name.
///
/// The forest carries no tags, so those that the file declares count: an account whose layers go by tags must be named
/// in the file for its roles to be found here.
fn mirrored_elsewhere(target: &Target) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let config = &target.config;
    let untagged = BTreeMap::new();
    let mut found: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for member in target.forest.members.iter().filter(|member| member.state == AccountState::Active) {
        let tags = config.accounts.get(&member.name).map_or(&untagged, |entry| &entry.tags);
        let subject = Subject { id: &member.id, name: &member.name, ou: &member.ou, tags };
        let Resolved { wanted, .. } = config.resolve(subject);
        let Some(mirror) = &wanted.mirror_roles else { continue };
        for group in config.mirrored(subject, &wanted).into_keys() {
            let name = format!("{}{}{group}", org::label(config, &member.name), mirror.prefix());
            let arn = Arn::iam(target.partition(), &member.id, &format!("role/{name}"));
            found.entry(group.to_owned()).or_default().insert((arn.to_string(), name));
        }
    }
    found
}

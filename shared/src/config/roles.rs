//! What the file knows about the names of roles.

use super::{Config, DeployRole, Layer};

/// Roles that others make and depend on, by how their names begin.
const OWNED: &[(&str, &str)] = &[
    // https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html
    ("aws-controltower-", "AWS Control Tower"),
    ("AWSControlTower", "AWS Control Tower"),
    // https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html
    ("AWSReservedSSO_", "IAM Identity Center"),
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
    ("AWSServiceRoleFor", "an AWS service, which alone may change it"),
    ("stacksets-exec-", "CloudFormation StackSets"),
];

impl Config {
    /// The roles that a layer names, each with its key, whichever aspect makes them.
    pub(super) fn role_names(&self, layer: &Layer) -> Vec<(String, &'static str)> {
        let groups = self.identities.iter().flat_map(|identities| identities.groups.keys());
        let mirrored = layer
            .mirror_roles
            .iter()
            .flat_map(|mirror| groups.clone().map(|group| (format!("{}{group}", mirror.prefix()), "mirror_roles")));
        let declared = layer.roles.iter().flatten().map(|(name, _)| (name.clone(), "roles"));
        let oidc = layer.oidc.iter().flatten().flat_map(|(_, provider)| provider.roles.keys());
        let oidc = oidc.map(|name| (name.clone(), "oidc"));
        let deploy = layer.deploy_roles.iter().flat_map(|_| DeployRole::ALL.iter());
        let deploy = deploy.map(|role| (role.name().to_owned(), "deploy_roles"));
        declared.chain(mirrored).chain(oidc).chain(deploy).collect()
    }

    /// Whose role this is, if Forester must never touch it. IAM does not tell upper from lower case in names.
    pub fn owner_of_role(&self, name: &str) -> Option<&'static str> {
        let name = name.to_ascii_lowercase();
        let access = [&self.access.role].into_iter().chain(&self.access.fallback);
        // A role to assume may be given with its path.
        let entrance = |role: &String| role.rsplit('/').next().is_some_and(|role| role.eq_ignore_ascii_case(&name));
        if access.into_iter().any(entrance) {
            return Some("Forester itself, which enters the account through it (`access`)");
        }
        let begins = |(start, _): &&(&str, &str)| name.starts_with(&start.to_ascii_lowercase());
        OWNED.iter().find(begins).map(|(_, owner)| *owner)
    }
}

/// Whether a word names an AWS service, such as `ec2.amazonaws.com`.
pub fn is_service(word: &str) -> bool {
    word.ends_with(".amazonaws.com") || word.ends_with(".amazonaws.com.cn")
}

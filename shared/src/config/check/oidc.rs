//! Checks of identity providers. A subject that fits everybody lets everybody in who has an account with the provider.

use super::Spot;
use super::identity::{boundary_and_session, inline, policies, role_name};
use crate::config::load::Problems;
use crate::config::{Config, Layer, OidcProvider, OidcRole};

const GITHUB: &str = "token.actions.githubusercontent.com";

pub(super) fn provider(config: &Config, provider: &OidcProvider, problems: &mut Problems, spot: &Spot) {
    if let Some(url) = &provider.url {
        let host = url.strip_prefix("https://").unwrap_or_default();
        // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
        if host.is_empty() || url.contains(['?', '#', ' ']) || host.contains(':') {
            let message = format!("`{url}` cannot be a provider's address; expected https://, without port and query");
            problems.add(&spot.key("url"), message);
        }
    }
    if provider.client_ids.as_ref().is_some_and(|ids| ids.is_empty() || ids.len() > 100) {
        problems.add(&spot.key("client_ids"), "expected 1 to 100 of those that tokens are made out for");
    }
    for (n, print) in provider.thumbprints.iter().flatten().enumerate() {
        if print.len() != 40 || !print.chars().all(|c| c.is_ascii_hexdigit()) {
            let message = format!("`{print}` is no thumbprint; expected the 40 hexadecimal digits of a SHA-1");
            problems.add(&spot.key("thumbprints").index(n), message);
        }
    }
    for (name, declared) in &provider.roles {
        role(config, name, declared, problems, &spot.key("roles").key(name));
    }
}

fn role(config: &Config, name: &str, role: &OidcRole, problems: &mut Problems, spot: &Spot) {
    role_name(config, name, problems, spot);
    if role.subjects.as_ref().is_some_and(Vec::is_empty) {
        problems.add(&spot.key("subjects"), "the list is empty; expected whose tokens open the role");
    }
    for (n, subject) in role.subjects.iter().flatten().enumerate() {
        if let Some(message) = too_wide(subject) {
            problems.add(&spot.key("subjects").index(n), message);
        }
    }
    policies(role.policies.iter().flatten(), problems, &spot.key("policies"));
    inline(&role.inline, problems, &spot.key("inline"));
    boundary_and_session(role.boundary.as_deref(), role.session_hours, problems, spot);
}

/// Claims that begin the subjects of providers which anybody can have an account with: GitHub, GitLab, Terraform Cloud.
/// Whose token it is comes right behind
/// (<https://docs.github.com/en/actions/reference/security/oidc>,
/// <https://docs.gitlab.com/ci/secrets/id_token_authentication/>,
/// <https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens>).
const OWNED: [(&str, char, &str); 3] = [
    ("repo:", '/', "repo:OWNER/…"),
    ("project_path:", '/', "project_path:GROUP/…"),
    ("organization:", ':', "organization:NAME:…"),
];

/// Why a subject would let strangers in.
fn too_wide(subject: &str) -> Option<String> {
    // A pattern for the beginning fits whatever a stranger names a branch, a tag or an environment at the end.
    if subject.starts_with(['*', '?']) || subject.chars().all(|c| "*?: ".contains(c)) {
        return Some(format!(
            "`{subject}` fits everybody whom the provider knows; expected whose tokens open the role, from the beginning"
        ));
    }
    // With a pattern for the owner anybody can make one that fits.
    let of = |(claim, end, example)| Some((subject.strip_prefix(claim)?, end, example));
    let (rest, end, example) = OWNED.into_iter().find_map(of)?;
    let whole = rest.split_once(end).is_some_and(|(owner, _)| !owner.is_empty() && !owner.contains(['*', '?']));
    (!whole).then(|| format!("`{subject}` fits tokens of anybody; expected `{example}` with the owner in full"))
}

/// A provider needs an address, and a role needs subjects; which layer says so does not matter.
pub(super) fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    let all = |key: &str| {
        let key = key.to_owned();
        config.layers.iter().filter_map(move |layer| layer.oidc.as_ref()?.get(&key))
    };
    for (key, provider) in layer.oidc.iter().flatten().filter(|(_, provider)| provider.remove != Some(true)) {
        let spot = spot.key("oidc").key(key);
        if all(key).all(|provider| provider.url.is_none()) {
            let message = format!("no layer says where it is; expected `url`, for GitHub `https://{GITHUB}`");
            problems.add(&spot, message);
        }
        for (name, _) in provider.roles.iter().filter(|(_, role)| role.remove != Some(true)) {
            let told = |provider: &OidcProvider| provider.roles.get(name).is_some_and(|role| role.subjects.is_some());
            if !all(key).any(told) {
                problems.add(&spot.key("roles").key(name), "no layer says whose tokens open it; expected `subjects`");
            }
        }
    }
}

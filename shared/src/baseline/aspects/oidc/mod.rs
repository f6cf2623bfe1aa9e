//! OpenID Connect providers, and the roles that their tokens open: workloads elsewhere come in without a key that
//! somebody has to keep.
//!
//! IAM keeps a provider under its address without the scheme, and one of an address at most
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>). A role names those for
//! whom the tokens are made out and whose they are; without the second anybody whom the provider knows could come in.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::list;
use super::roles::{self, Found, Role, Wishes};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::aspect::global_if;
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target, Unmet};
use crate::config::{OidcProvider, OidcRole};
use crate::types::{Arn, Region};

/// The declared providers.
pub struct Oidc;

/// A provider as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provider {
    /// For whom its tokens are made out.
    clients: BTreeSet<String>,
    /// The thumbprints of its certificate.
    thumbprints: BTreeSet<String>,
}

/// What an account has of providers and their roles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// By address.
    providers: BTreeMap<String, Provider>,
    roles: Found,
}

/// What can be done about providers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum ProviderAction {
    /// Makes it.
    CreateProvider {
        /// Its ARN.
        provider: String,
        /// Its address.
        url: String,
        /// For whom its tokens are made out.
        clients: BTreeSet<String>,
        /// The thumbprints of its certificate.
        thumbprints: BTreeSet<String>,
    },
    /// Takes tokens that are made out for somebody.
    AddClient {
        /// Its ARN.
        provider: String,
        /// For whom.
        client: String,
    },
    /// Takes them no longer.
    RemoveClient {
        /// Its ARN.
        provider: String,
        /// For whom.
        client: String,
    },
    /// Replaces the thumbprints.
    SetThumbprints {
        /// Its ARN.
        provider: String,
        /// The thumbprints.
        thumbprints: BTreeSet<String>,
    },
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Action {
    /// About a provider.
    Provider(ProviderAction),
    /// About a role.
    Role(roles::Action),
}

/// The roles that the declared providers' tokens open.
pub(super) fn wishes(target: &Target) -> Wishes {
    let mut wishes = Wishes::new();
    for (key, provider) in target.wanted.oidc.iter().flatten() {
        for (name, role) in &provider.roles {
            wishes.insert(target.labelled(name), wish(target, key, provider, name, role).map_err(Unmet::from));
        }
    }
    wishes
}

fn wish(target: &Target, key: &str, provider: &OidcProvider, name: &str, role: &OidcRole) -> Result<Role, String> {
    let host = provider.host().ok_or_else(|| format!("no layer of this account says where `{key}` is (`url`)"))?;
    let subjects = role.subjects.as_ref();
    let subjects = subjects.ok_or_else(|| format!("no layer of this account says whose tokens open {name}"))?;
    let conditions = Map::from_iter([
        ("StringEquals".to_owned(), json!({ format!("{host}:aud"): provider.clients() })),
        ("StringLike".to_owned(), json!({ format!("{host}:sub"): subjects })),
    ]);
    let principal = json!({ "Federated": arn(target, host) });
    let statement =
        roles::lets_in(super::document::SID.to_owned(), &principal, "sts:AssumeRoleWithWebIdentity", conditions);
    Ok(Role {
        trust: json!({ "Version": "2012-10-17", "Statement": [statement] }),
        policies: roles::policies(target, role.policies.iter().flatten())?,
        inline: role.inline.iter().map(|(name, document)| (name.clone(), document.clone().into())).collect(),
        boundary: role.boundary.as_ref().map(|boundary| roles::policy(target, boundary)).transpose()?,
        session: role.session_hours.map(|hours| u64::from(hours) * 3600),
        tags: role.tags.clone(),
    })
}

fn arn(target: &Target, host: &str) -> String {
    Arn::iam(target.partition(), &target.account.id, &format!("oidc-provider/{host}")).to_string()
}

/// The ARNs of the declared providers.
pub(super) fn arns(target: &Target) -> impl Iterator<Item = String> {
    providers(target).map(|(host, _)| arn(target, host))
}

/// The providers that have an address.
fn providers(target: &Target) -> impl Iterator<Item = (&str, &OidcProvider)> {
    target.wanted.oidc.iter().flat_map(BTreeMap::values).filter_map(|provider| Some((provider.host()?, provider)))
}

#[async_trait]
impl Aspect for Oidc {
    const NAME: &'static str = "oidc";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.oidc.as_ref().is_some_and(|providers| !providers.is_empty()))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        let mut facts =
            Facts { roles: roles::observe(look, target.strict(), &wishes(target)).await?, ..Facts::default() };
        for (host, _) in providers(target) {
            let params = json!({ "OpenIDConnectProviderArn": arn(target, host) });
            let answer = match look.call("iam", "GetOpenIDConnectProvider", params).await {
                Err(error) if error.is_gone() => continue,
                answer => answer?,
            };
            let texts =
                |member| list(&answer, member).iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
            let provider = Provider { clients: texts("ClientIDList"), thumbprints: texts("ThumbprintList") };
            facts.providers.insert(host.to_owned(), provider);
        }
        Ok(facts)
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let mut steps = Vec::new();
        for (host, provider) in providers(target) {
            steps.extend(provider_steps(target, host, provider, facts.providers.get(host)));
        }
        let on_roles = roles::plan(target, wishes(target), &facts.roles);
        Planned::steps(steps).map(Action::Provider).and(on_roles.map(Action::Role))
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::Provider(action) => take(scope, action).await,
            Action::Role(action) => roles::take(scope, action).await,
        }
    }
}

fn provider_steps(target: &Target, host: &str, wanted: &OidcProvider, seen: Option<&Provider>) -> Vec<ProviderAction> {
    let provider = || arn(target, host);
    let clients: BTreeSet<String> = wanted.clients().into_iter().collect();
    let thumbprints: BTreeSet<String> = wanted.thumbprints.iter().flatten().map(|print| print.to_lowercase()).collect();
    let Some(seen) = seen else {
        let url = format!("https://{host}");
        return vec![ProviderAction::CreateProvider { provider: provider(), url, clients, thumbprints }];
    };
    let missing = clients.difference(&seen.clients);
    let mut steps: Vec<ProviderAction> =
        missing.map(|client| ProviderAction::AddClient { provider: provider(), client: client.clone() }).collect();
    if wanted.thumbprints.is_some() && seen.thumbprints != thumbprints {
        steps.push(ProviderAction::SetThumbprints { provider: provider(), thumbprints });
    }
    // Where several names share an account they share the provider, and none knows the others' clients.
    if target.strict() && target.label.is_empty() {
        let extra = seen.clients.difference(&clients);
        steps.extend(extra.map(|client| ProviderAction::RemoveClient { provider: provider(), client: client.clone() }));
    }
    steps
}

async fn take(scope: &Scope, action: &ProviderAction) -> Result<Taken, StepError> {
    let (operation, params) = match action {
        ProviderAction::CreateProvider { provider, url, clients, thumbprints } => {
            return create(scope, provider, url, clients, thumbprints).await;
        }
        ProviderAction::AddClient { provider, client } => {
            return add_client(scope, provider, client).await;
        }
        ProviderAction::RemoveClient { provider, client } => {
            let params = json!({ "OpenIDConnectProviderArn": provider, "ClientID": client });
            ("RemoveClientIDFromOpenIDConnectProvider", params)
        }
        ProviderAction::SetThumbprints { provider, thumbprints } => {
            let params = json!({ "OpenIDConnectProviderArn": provider, "ThumbprintList": thumbprints });
            ("UpdateOpenIDConnectProviderThumbprint", params)
        }
    };
    scope.call("iam", operation, params).await?;
    Ok(Taken::Done)
}

/// Without thumbprints IAM takes that of the certificate it finds.
async fn create(
    scope: &Scope,
    provider: &str,
    url: &str,
    clients: &BTreeSet<String>,
    thumbprints: &BTreeSet<String>,
) -> Result<Taken, StepError> {
    let mut params = json!({ "Url": url, "ClientIDList": clients });
    if let (false, Value::Object(params)) = (thumbprints.is_empty(), &mut params) {
        params.insert("ThumbprintList".to_owned(), json!(thumbprints));
    }
    match scope.call("iam", "CreateOpenIDConnectProvider", params).await {
        // Somebody made it since we looked; adding a client that is there already is no error.
        Err(error) if error.class == ErrorClass::Exists => {
            for client in clients {
                add_client(scope, provider, client).await?;
            }
            Ok(Taken::Done)
        }
        outcome => Ok(outcome.map(|_| Taken::Done)?),
    }
}

async fn add_client(scope: &Scope, provider: &str, client: &str) -> Result<Taken, StepError> {
    let params = json!({ "OpenIDConnectProviderArn": provider, "ClientID": client });
    scope.call("iam", "AddClientIDToOpenIDConnectProvider", params).await?;
    Ok(Taken::Done)
}

impl fmt::Display for ProviderAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |arn: &str| arn.split_once("oidc-provider/").map_or(arn, |(_, host)| host).to_owned();
        match self {
            Self::CreateProvider { url, .. } => write!(f, "trust tokens of {url}"),
            Self::AddClient { provider, client } => write!(f, "take tokens of {} for {client}", host(provider)),
            Self::RemoveClient { provider, client } => write!(f, "refuse tokens of {} for {client}", host(provider)),
            Self::SetThumbprints { provider, .. } => write!(f, "set the thumbprints of {}", host(provider)),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(action) => action.fmt(f),
            Self::Role(action) => action.fmt(f),
        }
    }
}

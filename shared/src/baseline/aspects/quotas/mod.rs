//! Service quotas: raised where they are lower than declared, never lowered.
//!
//! A request is decided by AWS, at once or by people within days
//! (<https://docs.aws.amazon.com/servicequotas/latest/userguide/request-quota-increase.html>). An open one is not
//! repeated, and one that was refused is not asked again: it is shown with its state. What the layers declare for every
//! account also goes into the organization's template, so that new accounts ask by themselves from their first minute.

mod facts;
mod template;

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

use super::super::aspect::{organization_if, regions_if};
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::config::Quota;
use crate::types::Region;

pub use facts::{Found, Request};
pub use template::Template;

/// The declared quotas.
pub struct Quotas;

/// What there is.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    /// In a region: each declared quota, and what is known of it.
    Region(Vec<(Quota, Option<Found>)>),
    /// The organization's template; none where it is not Forester's to change.
    Template(Option<Template>),
}

/// What can be done about quotas.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Asks AWS for more.
    RequestQuota {
        /// The service.
        service: String,
        /// The quota.
        code: String,
        /// What it is called.
        name: String,
        /// What it is now.
        from: f64,
        /// What is asked for.
        to: u64,
    },
    /// Lets Service Quotas look into the organization.
    TrustServiceQuotas,
    /// Makes new accounts ask for what the template says.
    AssociateQuotaTemplate,
    /// Puts a quota into the template.
    PutIntoQuotaTemplate {
        /// The service.
        service: String,
        /// The quota.
        code: String,
        /// The region.
        region: Region,
        /// What new accounts ask for.
        to: u64,
    },
}

/// Where a quota is looked at.
fn regions<'a>(target: &'a Target, quota: &'a Quota) -> &'a [Region] {
    quota.regions.as_deref().unwrap_or(&target.config.regions.govern)
}

#[async_trait]
impl Aspect for Quotas {
    const NAME: &'static str = "quotas";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let quotas = || target.wanted.quotas.iter().flatten();
        let declared = |region: &&Region| quotas().any(|quota| regions(target, quota).contains(region));
        let template = target.forest.is_management(&target.account.id) && !template::wanted(target).is_empty();
        let mut places = organization_if(template, target);
        places.extend(regions_if(quotas().next().is_some(), enabled.iter().filter(declared)));
        places
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        if *look.place() == Place::Organization {
            // Only the management account has the template; a delegated one is refused.
            return match target.forest.is_management(look.account()) {
                true => Template::read(look).await.map(Facts::Template),
                false => Ok(Facts::Template(None)),
            };
        }
        let mut found = Vec::new();
        for quota in target.wanted.quotas.iter().flatten() {
            if regions(target, quota).contains(look.region()) {
                found.push((quota.clone(), facts::read(look, quota).await?));
            }
        }
        Ok(Facts::Region(found))
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let mut planned = Planned::nothing();
        match facts {
            Facts::Region(quotas) => quotas.iter().for_each(|(quota, found)| plan(quota, found.as_ref(), &mut planned)),
            Facts::Template(Some(seen)) => template::plan(target, seen, &mut planned),
            Facts::Template(None) => {}
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (service, operation, params) = match action {
            Action::RequestQuota { service, code, to, .. } => (
                "service-quotas",
                "RequestServiceQuotaIncrease",
                json!({ "ServiceCode": service, "QuotaCode": code, "DesiredValue": to }),
            ),
            Action::TrustServiceQuotas => (
                "organizations",
                "EnableAWSServiceAccess",
                json!({ "ServicePrincipal": "servicequotas.amazonaws.com" }),
            ),
            Action::AssociateQuotaTemplate => ("service-quotas", "AssociateServiceQuotaTemplate", json!({})),
            Action::PutIntoQuotaTemplate { service, code, region, to } => (
                "service-quotas",
                "PutServiceQuotaIncreaseRequestIntoTemplate",
                json!({ "ServiceCode": service, "QuotaCode": code, "AwsRegion": region, "DesiredValue": to }),
            ),
        };
        match scope.call(service, operation, params).await {
            // Somebody's request is open.
            Err(error) if error.class == ErrorClass::Exists => Ok(Taken::AlreadySo),
            outcome => Ok(outcome.map(|_| Taken::Done)?),
        }
    }
}

fn plan(quota: &Quota, found: Option<&Found>, planned: &mut Planned<Action>) {
    let Quota { service, code, at_least, .. } = quota;
    let Some(Found { name, value, adjustable, requests }) = found else {
        planned.problems.push(format!(
            "Service Quotas knows no quota {code} of {service} here: look at both words, and whether the service is \
             global, as IAM is; then say `regions: [us-east-1]`, where its quotas are kept"
        ));
        return;
    };
    if *value >= precise(*at_least) {
        return;
    }
    let here = || format!("{service} {code} ({name}) at {value}");
    if !adjustable {
        planned.problems.push(format!("{} cannot be raised to {at_least}: AWS lets nobody change it", here()));
        return;
    }
    match requests.iter().find(|request| request.settles(*at_least)) {
        Some(Request { desired, status, .. }) => {
            planned.kept.push((here(), format!("{desired} was asked for, and the request is {status}")));
        }
        None => planned.steps.push(Action::RequestQuota {
            service: service.clone(),
            code: code.clone(),
            name: name.clone(),
            from: *value,
            to: *at_least,
        }),
    }
}

/// Values of quotas are floating-point numbers on the wire; declared ones are small enough to be exact.
#[expect(clippy::cast_precision_loss, reason = "checked to be at most 10^10")]
fn precise(value: u64) -> f64 {
    value as f64
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestQuota { service, code, name, from, to } => {
                write!(f, "ask for {to} of {service} {code} ({name}) instead of {from}")
            }
            Self::TrustServiceQuotas => f.write_str("let Service Quotas look into the organization"),
            Self::AssociateQuotaTemplate => f.write_str("have new accounts ask for the quotas of the template"),
            Self::PutIntoQuotaTemplate { service, code, region, to } => {
                write!(f, "have new accounts ask for {to} of {service} {code} in {region}")
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! The organization's template: what new accounts ask for by themselves. It takes ten requests, and is the management
//! account's alone (<https://docs.aws.amazon.com/servicequotas/latest/userguide/organization-templates.html>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::counted;
use super::{Action, Planned, Target, precise, regions};
use crate::aws::{CallError, Scope};
use crate::config::{Match, Quota};
use crate::types::Region;

/// How many requests a template takes.
const MOST: usize = 10;

/// A service, a quota, and a region.
type Which = (String, String, Region);

/// The template as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// Whether Service Quotas may look into the organization.
    trusted: bool,
    /// Whether new accounts follow it.
    associated: bool,
    /// What new accounts ask for.
    requests: BTreeMap<Which, f64>,
}

/// What is declared for every account, whatever it is called and wherever it comes to stand.
pub(super) fn wanted(target: &Target) -> &[Quota] {
    let everybody = Match { all: true, ..Match::default() };
    let general = target.config.layers.iter().filter(|layer| layer.matches == everybody);
    general.filter_map(|layer| layer.quotas.as_deref()).next_back().unwrap_or_default()
}

impl Template {
    /// `None` where the organization has no templates.
    pub(super) async fn read(scope: &Scope) -> Result<Option<Self>, CallError> {
        let answer = scope.call("service-quotas", "GetAssociationForServiceQuotaTemplate", json!({})).await;
        let associated = match answer {
            Ok(answer) => answer.get("ServiceQuotaTemplateAssociationStatus") == Some(&"ASSOCIATED".into()),
            Err(error) if error.has_code("ServiceQuotaTemplateNotInUseException") => false,
            Err(error) if error.has_code("AWSServiceAccessNotEnabledException") => return Ok(Some(Self::default())),
            Err(error) if error.has_code("TemplatesNotAvailableInRegionException") => return Ok(None),
            Err(error) => return Err(error),
        };
        let requests = scope.pages("service-quotas", "ListServiceQuotaIncreaseRequestsInTemplate", json!({})).await?;
        Ok(Some(Self { trusted: true, associated, requests: requests.iter().filter_map(request).collect() }))
    }
}

fn request(told: &Value) -> Option<(Which, f64)> {
    let text = |member: &str| told.get(member).and_then(Value::as_str);
    let which = (text("ServiceCode")?.to_owned(), text("QuotaCode")?.to_owned(), text("AwsRegion")?.parse().ok()?);
    Some((which, told.get("DesiredValue")?.as_f64()?))
}

pub(super) fn plan(target: &Target, seen: &Template, planned: &mut Planned<Action>) {
    if !seen.trusted {
        planned.steps.push(Action::TrustServiceQuotas);
    }
    if !seen.associated {
        planned.steps.push(Action::AssociateQuotaTemplate);
    }
    let mut free = MOST.saturating_sub(seen.requests.len());
    let mut left = 0;
    for quota in wanted(target) {
        for region in regions(target, quota) {
            let Quota { service, code, at_least, .. } = quota;
            let asked = seen.requests.get(&(service.clone(), code.clone(), region.clone()));
            match asked {
                Some(asked) if *asked >= precise(*at_least) => continue,
                Some(_) => {}
                None if free == 0 => {
                    left += 1;
                    continue;
                }
                None => free -= 1,
            }
            let (service, code, region) = (service.clone(), code.clone(), region.clone());
            planned.steps.push(Action::PutIntoQuotaTemplate { service, code, region, to: *at_least });
        }
    }
    if left > 0 {
        let why = format!("it takes {MOST} requests; new accounts are raised by their baseline");
        planned.kept.push((format!("the quota template without {}", counted(left, "request")), why));
    }
}

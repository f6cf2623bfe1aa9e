//! Service Quotas of a fake account, and the template of its organization.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, FakeAccount, FakeOrganization, text};
use crate::aws::ErrorClass;
use crate::types::Region;

/// A quota: its value, and what was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeQuota {
    /// None where the account has AWS's default.
    pub value: Option<f64>,
    pub fixed: bool,
    /// What was asked for, and what became of it, the oldest first.
    pub requests: Vec<(f64, &'static str)>,
}

/// The quota template of an organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeTemplate {
    pub associated: bool,
    /// By service, code and region.
    pub requests: BTreeMap<(String, String, String), f64>,
}

const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "NoSuchResourceException");

pub(super) fn quotas(
    account: &mut FakeAccount,
    organization: Option<&mut FakeOrganization>,
    region: &Region,
    operation: &str,
    params: &Value,
) -> Answer {
    if operation.contains("Template") {
        return template(organization.expect("only an organization has a template"), region, operation, params);
    }
    let key = (region.clone(), text(params, "QuotaCode").to_owned());
    let quota = account.quotas.get_mut(&key).ok_or(GONE)?;
    let told = |value| json!({ "Quota": { "QuotaName": "Things", "Value": value, "Adjustable": !quota.fixed } });
    match operation {
        "GetServiceQuota" => quota.value.map(told).ok_or(GONE),
        "GetAWSDefaultServiceQuota" => Ok(told(5.0)),
        "ListRequestedServiceQuotaChangeHistoryByQuota" => {
            let request = |(n, (desired, status)): (usize, &(f64, &str))| json!({ "DesiredValue": desired, "Status": status, "Created": format!("2026-11-{:02}T00:00:00Z", n + 1) });
            Ok(json!({ "RequestedQuotas": quota.requests.iter().enumerate().map(request).collect::<Vec<_>>() }))
        }
        "RequestServiceQuotaIncrease" => {
            if quota.requests.iter().any(|(_, status)| *status == "PENDING") {
                return Err((ErrorClass::Exists, "ResourceAlreadyExistsException"));
            }
            quota.requests.push((params["DesiredValue"].as_f64().unwrap(), "PENDING"));
            Ok(json!({}))
        }
        _ => panic!("the fake does not know service-quotas:{operation}"),
    }
}

fn template(organization: &mut FakeOrganization, region: &Region, operation: &str, params: &Value) -> Answer {
    if region.to_string() != "us-east-1" {
        return Err((ErrorClass::Other, "TemplatesNotAvailableInRegionException"));
    }
    if !organization.services.contains("servicequotas.amazonaws.com") {
        return Err((ErrorClass::Other, "AWSServiceAccessNotEnabledException"));
    }
    let template = &mut organization.quota_template;
    match operation {
        "GetAssociationForServiceQuotaTemplate" => {
            let status = if template.associated { "ASSOCIATED" } else { "DISASSOCIATED" };
            Ok(json!({ "ServiceQuotaTemplateAssociationStatus": status }))
        }
        "AssociateServiceQuotaTemplate" => {
            template.associated = true;
            Ok(json!({}))
        }
        "ListServiceQuotaIncreaseRequestsInTemplate" => {
            let requests = template.requests.iter().map(|((service, code, region), value)| {
                json!({ "ServiceCode": service, "QuotaCode": code, "AwsRegion": region, "DesiredValue": value })
            });
            Ok(json!({ "ServiceQuotaIncreaseRequestInTemplateList": requests.collect::<Vec<_>>() }))
        }
        "PutServiceQuotaIncreaseRequestIntoTemplate" => {
            let word = |member: &str| text(params, member).to_owned();
            let key = (word("ServiceCode"), word("QuotaCode"), word("AwsRegion"));
            if template.requests.len() == 10 && !template.requests.contains_key(&key) {
                return Err((ErrorClass::Invalid, "QuotaExceededException"));
            }
            template.requests.insert(key, params["DesiredValue"].as_f64().unwrap());
            Ok(json!({}))
        }
        _ => panic!("the fake does not know service-quotas:{operation}"),
    }
}

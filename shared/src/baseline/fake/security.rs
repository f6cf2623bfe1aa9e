//! Security services of a fake account, region by region: GuardDuty, Security Hub, Access Analyzer, AWS Config.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, FakeAccount, FakeBucket, FakeOrganization, text};
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

/// A GuardDuty detector.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeDetector {
    pub enabled: bool,
    pub enrolled: String,
}

/// Security Hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeHub {
    pub automatic: bool,
    pub central: bool,
    pub members: BTreeSet<AccountId>,
}

/// Administrators by service and region, as a management account has them.
pub(in crate::baseline) type Appointed = BTreeMap<(String, Region), AccountId>;

/// Who calls, and what the rest of the world says about it.
struct Around<'a> {
    caller: &'a AccountId,
    region: &'a Region,
    organization: Option<&'a FakeOrganization>,
    /// What the management account has appointed.
    appointed: Appointed,
    /// Buckets that let AWS Config write.
    open: BTreeSet<String>,
}

impl Around<'_> {
    fn administers(&self, service: &str) -> bool {
        self.appointed.get(&(service.to_owned(), self.region.clone())) == Some(self.caller)
    }

    fn is_management(&self) -> bool {
        self.organization.is_some_and(|organization| organization.management == *self.caller)
    }
}

/// The answer, when it is one of these services.
pub(super) fn security(
    accounts: &mut BTreeMap<AccountId, FakeAccount>,
    organization: Option<&FakeOrganization>,
    (caller, region): (&AccountId, &Region),
    (service, operation): (&str, &str),
    params: &Value,
) -> Option<Answer> {
    if !matches!(service, "accessanalyzer" | "config" | "guardduty" | "securityhub") {
        return None;
    }
    let management = organization.and_then(|whole| accounts.get(&whole.management));
    let appointed = management.map(|management| management.appointed.clone()).unwrap_or_default();
    let open = accounts.values().flat_map(open_to_config).collect();
    let around = Around { caller, region, organization, appointed, open };
    let account = accounts.get_mut(caller).unwrap();
    Some(match (service, operation) {
        (_, "ListOrganizationAdminAccounts" | "EnableOrganizationAdminAccount") => {
            administrators(account, &around, (service, operation), params)
        }
        ("guardduty", _) => guardduty(account, &around, operation, params),
        ("securityhub", _) => hub(account, &around, operation, params),
        ("config", _) => config(account, &around, operation, params),
        _ => analyzers(account, &around, operation, params),
    })
}

/// The buckets that let AWS Config write.
fn open_to_config(account: &FakeAccount) -> impl Iterator<Item = String> {
    let lets = |bucket: &FakeBucket| {
        let policy = bucket.settings.get("Policy").and_then(Value::as_str).unwrap_or_default();
        policy.contains("config.amazonaws.com") && policy.contains("s3:PutObject")
    };
    account.buckets.iter().filter(move |(_, bucket)| lets(bucket)).map(|(name, _)| name.clone())
}

fn administrators(
    account: &mut FakeAccount,
    around: &Around<'_>,
    (service, operation): (&str, &str),
    params: &Value,
) -> Answer {
    if !around.is_management() {
        return Err((ErrorClass::Denied, "AccessDeniedException"));
    }
    let key = (service.to_owned(), around.region.clone());
    if operation == "ListOrganizationAdminAccounts" {
        let one = |id: &AccountId| json!({ "AdminAccountId": id, "AccountId": id });
        return Ok(json!({ "AdminAccounts": account.appointed.get(&key).map(one).into_iter().collect::<Vec<_>>() }));
    }
    if account.appointed.contains_key(&key) {
        return Err(match service {
            "guardduty" => (ErrorClass::Invalid, "BadRequestException: the account is already the administrator"),
            _ => (ErrorClass::Conflict, "ResourceConflictException"),
        });
    }
    account.appointed.insert(key, text(params, "AdminAccountId").parse().unwrap());
    Ok(json!({}))
}

fn guardduty(account: &mut FakeAccount, around: &Around<'_>, operation: &str, params: &Value) -> Answer {
    let bad = |message: &'static str| Err((ErrorClass::Invalid, message));
    let region = around.region;
    match operation {
        "ListDetectors" => {
            let ids: Vec<String> = account.detectors.get(region).map(|_| format!("d-{region}")).into_iter().collect();
            return Ok(json!({ "DetectorIds": ids }));
        }
        "CreateDetector" if account.detectors.contains_key(region) => {
            return bad("BadRequestException: a detector already exists for the current account");
        }
        "CreateDetector" => {
            account.detectors.insert(region.clone(), FakeDetector { enabled: true, enrolled: "NONE".to_owned() });
            return Ok(json!({ "DetectorId": format!("d-{region}") }));
        }
        _ => {}
    }
    let Some(detector) =
        account.detectors.get_mut(region).filter(|_| text(params, "DetectorId") == format!("d-{region}"))
    else {
        return bad("BadRequestException: the input detectorId is not owned by the current account");
    };
    match operation {
        "GetDetector" => Ok(json!({ "Status": if detector.enabled { "ENABLED" } else { "DISABLED" } })),
        "UpdateDetector" => {
            detector.enabled = params["Enable"] == true;
            Ok(json!({}))
        }
        _ if !around.administers("guardduty") => bad("BadRequestException: not the delegated administrator"),
        "DescribeOrganizationConfiguration" => Ok(json!({ "AutoEnableOrganizationMembers": detector.enrolled })),
        "UpdateOrganizationConfiguration" => {
            detector.enrolled = text(params, "AutoEnableOrganizationMembers").to_owned();
            Ok(json!({}))
        }
        _ => panic!("the fake does not know guardduty:{operation}"),
    }
}

fn hub(account: &mut FakeAccount, around: &Around<'_>, operation: &str, params: &Value) -> Answer {
    if operation == "EnableSecurityHub" {
        if account.hubs.contains_key(around.region) {
            return Err((ErrorClass::Conflict, "ResourceConflictException"));
        }
        account.hubs.insert(around.region.clone(), FakeHub::default());
        return Ok(json!({}));
    }
    let hub = account.hubs.get_mut(around.region).ok_or((ErrorClass::Denied, "InvalidAccessException"))?;
    match operation {
        "DescribeHub" => Ok(json!({ "HubArn": "arn:hub" })),
        _ if !around.administers("securityhub") => Err((ErrorClass::Denied, "AccessDeniedException")),
        "DescribeOrganizationConfiguration" => {
            let kind = if hub.central { "CENTRAL" } else { "LOCAL" };
            Ok(json!({ "AutoEnable": hub.automatic, "AutoEnableStandards": "DEFAULT",
                "OrganizationConfiguration": { "ConfigurationType": kind } }))
        }
        "UpdateOrganizationConfiguration" if hub.central => Err((ErrorClass::Invalid, "InvalidInputException")),
        "UpdateOrganizationConfiguration" => {
            hub.automatic = params["AutoEnable"] == true;
            Ok(json!({}))
        }
        "ListMembers" => {
            let member = |id: &AccountId| json!({ "AccountId": id });
            Ok(json!({ "Members": hub.members.iter().map(member).collect::<Vec<_>>() }))
        }
        "CreateMembers" => {
            let details = params["AccountDetails"].as_array().unwrap().iter();
            hub.members.extend(details.map(|detail| text(detail, "AccountId").parse().unwrap()));
            Ok(json!({ "UnprocessedAccounts": [] }))
        }
        _ => panic!("the fake does not know securityhub:{operation}"),
    }
}

fn analyzers(account: &mut FakeAccount, around: &Around<'_>, operation: &str, params: &Value) -> Answer {
    let here = account.analyzers.iter().filter(|((region, _), _)| region == around.region);
    match operation {
        "ListAnalyzers" => {
            let found = here.map(|((_, name), kind)| json!({ "name": name, "type": kind }));
            Ok(json!({ "analyzers": found.collect::<Vec<_>>() }))
        }
        "CreateAnalyzer" => {
            let kind = text(params, "type");
            if here.into_iter().any(|(_, other)| other == kind) {
                return Err((ErrorClass::Other, "ServiceQuotaExceededException"));
            }
            let service = ("access-analyzer.amazonaws.com".to_owned(), around.caller.clone());
            let lets = |organization: &FakeOrganization| organization.administrators.contains(&service);
            if kind == "ORGANIZATION" && !around.is_management() && !around.organization.is_some_and(lets) {
                return Err((ErrorClass::Invalid, "ValidationException"));
            }
            let name = text(params, "analyzerName").to_owned();
            account.analyzers.insert((around.region.clone(), name), kind.to_owned());
            Ok(json!({}))
        }
        _ => panic!("the fake does not know accessanalyzer:{operation}"),
    }
}

fn config(account: &mut FakeAccount, around: &Around<'_>, operation: &str, params: &Value) -> Answer {
    let FakeAccount { recorders, channels, recording, .. } = account;
    let region = around.region;
    let put = |known: &mut BTreeMap<Region, Value>, new: &Value, code: &'static str| match known.get(region) {
        Some(other) if other["name"] != new["name"] => Err((ErrorClass::Other, code)),
        _ => {
            known.insert(region.clone(), new.clone());
            Ok(json!({}))
        }
    };
    match operation {
        "DescribeConfigurationRecorders" => {
            Ok(json!({ "ConfigurationRecorders": recorders.get(region).into_iter().collect::<Vec<_>>() }))
        }
        "DescribeConfigurationRecorderStatus" => {
            let status = |one: &Value| json!({ "name": one["name"], "recording": recording.contains(region) });
            Ok(
                json!({ "ConfigurationRecordersStatus": recorders.get(region).map(status).into_iter().collect::<Vec<_>>() }),
            )
        }
        "DescribeDeliveryChannels" => {
            Ok(json!({ "DeliveryChannels": channels.get(region).into_iter().collect::<Vec<_>>() }))
        }
        "PutConfigurationRecorder" => {
            put(recorders, &params["ConfigurationRecorder"], "MaxNumberOfConfigurationRecordersExceededException")
        }
        "PutDeliveryChannel" => {
            let channel = &params["DeliveryChannel"];
            if !recorders.contains_key(region) {
                return Err((ErrorClass::Other, "NoAvailableConfigurationRecorderException"));
            }
            if !around.open.contains(text(channel, "s3BucketName")) {
                return Err((ErrorClass::Other, "InsufficientDeliveryPolicyException"));
            }
            put(channels, channel, "MaxNumberOfDeliveryChannelsExceededException")
        }
        "StartConfigurationRecorder" => {
            if !channels.contains_key(region) {
                return Err((ErrorClass::Other, "NoAvailableDeliveryChannelException"));
            }
            recording.insert(region.clone());
            Ok(json!({}))
        }
        _ => panic!("the fake does not know config:{operation}"),
    }
}

//! Events read as requests: the one place of this capability that sees their JSON.
//!
//! Organizations and Control Tower tell what happened through CloudTrail, in two kinds of events: calls
//! (`AWS API Call via CloudTrail`) and results (`AWS Service Event via CloudTrail`); calls that failed are told as
//! well. An event only names the account: its state is read from AWS afterwards.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::event::{BadEvent, Message};
use crate::types::AccountId;

const EXPECTED: &str = "an account event of AWS Organizations or Control Tower, a region opt-in event, a schedule \
                        (`{\"action\": \"sweep\"}`) or `{\"account\": \"111122223333\"}`";

/// What an event asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselineRequest {
    /// One account to its baseline.
    Account(Errand),
    /// An account that is closing, closed, or no longer of the organization.
    Departed {
        /// The account.
        id: AccountId,
        /// What happened to it.
        because: String,
    },
    /// Every account to its baseline.
    Everything {
        /// What happened.
        because: String,
    },
    /// Nothing.
    Nothing {
        /// Why not.
        because: String,
    },
}

/// One account to be brought to its baseline, and how far that has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    /// The account.
    pub id: AccountId,
    /// What happened to it.
    pub because: String,
    /// When that was first seen; none the first time.
    pub since: Option<Timestamp>,
    /// How often it was put off.
    pub attempt: u32,
    /// Whether the account was looked at on the way: then a later try looks at what was open alone.
    pub looked: bool,
    /// Whether a sweep sent it: then the next sweep comes back to it in any case.
    pub sweep: bool,
}

impl Errand {
    /// A first errand.
    pub fn new(id: AccountId, because: impl Into<String>) -> Self {
        Self { id, because: because.into(), since: None, attempt: 0, looked: false, sweep: false }
    }

    /// The message that asks for it.
    pub fn letter(&self) -> Value {
        let Self { id, because, since, attempt, looked, sweep } = self;
        json!({
            "account": id, "because": because, "since": since, "attempt": attempt, "looked": looked, "sweep": sweep
        })
    }

    /// Reads a letter, or what a person wrote: `{"account": "111122223333"}`.
    fn read(letter: &Value) -> Result<Self, BadEvent> {
        let account = letter.get("account").cloned().unwrap_or_default();
        let id = account.as_str().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| bad(format!("{account} is no account id")))?;
        let text = |member: &str| letter.get(member).and_then(Value::as_str);
        let attempt = letter.get("attempt").and_then(Value::as_u64).and_then(|n| n.try_into().ok());
        Ok(Self {
            id,
            because: text("because").unwrap_or("somebody asked for it").to_owned(),
            since: text("since").and_then(|since| since.parse().ok()),
            attempt: attempt.unwrap_or_default(),
            looked: letter.get("looked") == Some(&true.into()),
            sweep: letter.get("sweep") == Some(&true.into()),
        })
    }
}

impl TryFrom<&Message> for BaselineRequest {
    type Error = BadEvent;

    fn try_from(message: &Message) -> Result<Self, BadEvent> {
        let Some(event) = message.json() else { return Err(bad("it is not JSON")) };
        if event.get("account").is_some() && event.get("detail-type").is_none() {
            return Errand::read(&event).map(Self::Account);
        }
        if event.get("action") == Some(&"sweep".into()) {
            return Ok(Self::Everything { because: "the sweep is due".to_owned() });
        }
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default();
        match (text("/source"), text("/detail-type")) {
            ("aws.events", "Scheduled Event") => Ok(Self::Everything { because: "the sweep is due".to_owned() }),
            ("aws.organizations" | "aws.controltower", _) if !text("/detail/errorCode").is_empty() => {
                nothing(format!("{} failed with {}", text("/detail/eventName"), text("/detail/errorCode")))
            }
            ("aws.organizations", _) => organizations(&event, text("/detail/eventName")),
            ("aws.controltower", _) => control_tower(&event, text("/detail/eventName")),
            ("aws.account", "Region Opt-In Status Change") => region(&event),
            ("", "") => Err(bad("it has neither `source` nor `detail-type`")),
            (source, kind) => Err(bad(format!("it is `{kind}` from `{source}`"))),
        }
    }
}

fn bad(problem: impl Into<String>) -> BadEvent {
    BadEvent { problem: problem.into(), expected: EXPECTED }
}

/// The account id at `path`.
fn id_at(event: &Value, path: &str) -> Option<AccountId> {
    event.pointer(path)?.as_str()?.parse().ok()
}

fn account(event: &Value, path: &str, because: &str) -> Result<BaselineRequest, BadEvent> {
    let id = id_at(event, path).ok_or_else(|| bad(format!("there is no account id at {path}")))?;
    Ok(BaselineRequest::Account(Errand::new(id, because)))
}

fn everything(because: impl Into<String>) -> Result<BaselineRequest, BadEvent> {
    Ok(BaselineRequest::Everything { because: because.into() })
}

fn nothing(because: impl Into<String>) -> Result<BaselineRequest, BadEvent> {
    Ok(BaselineRequest::Nothing { because: because.into() })
}

fn organizations(event: &Value, name: &str) -> Result<BaselineRequest, BadEvent> {
    match name {
        "CreateAccount" | "CreateGovCloudAccount" => nothing("the creation has only begun; its result is told too"),
        "InviteAccountToOrganization" => nothing("an invitation is not yet a member; its acceptance is told too"),
        "CreateAccountResult" => created(event),
        "AccountJoinedOrganization" => joined(event),
        "AcceptHandshake" => accepted(event),
        "MoveAccount" => account(event, "/detail/requestParameters/accountId", "it was moved to another OU"),
        "TagResource" | "UntagResource" => match id_at(event, "/detail/requestParameters/resourceId") {
            Some(id) => Ok(BaselineRequest::Account(Errand::new(id, "its tags were changed"))),
            None => nothing("the tags of something that is no account were changed"),
        },
        "AccountDepartedOrganization" => departed(event),
        "CloseAccount" => gone(event, "/detail/requestParameters/accountId", "it is being closed"),
        "CloseAccountResult" => closed(event),
        "RemoveAccountFromOrganization" => {
            gone(event, "/detail/requestParameters/accountId", "it was removed from the organization")
        }
        // The caller is the account that left.
        "LeaveOrganization" => gone(event, "/detail/userIdentity/accountId", "it left the organization"),
        "EffectivePolicyValidation" => validated(event),
        _ => Err(bad(format!("it is `{name}` of AWS Organizations"))),
    }
}

/// Some pipelines deliver the details as text.
fn details(event: &Value) -> Value {
    match event.pointer("/detail/serviceEventDetails") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(details) => details.clone(),
        None => Value::Null,
    }
}

fn created(event: &Value) -> Result<BaselineRequest, BadEvent> {
    let details = details(event);
    let text = |path: &str| details.pointer(path).and_then(Value::as_str).unwrap_or_default();
    match text("/createAccountStatus/state") {
        "SUCCEEDED" => account(&details, "/createAccountStatus/accountId", "it was created"),
        "FAILED" => nothing(format!("no account was created: {}", text("/createAccountStatus/failureReason"))),
        state => Err(bad(format!("CreateAccountResult is in the state `{state}`"))),
    }
}

fn gone(event: &Value, path: &str, because: &str) -> Result<BaselineRequest, BadEvent> {
    match id_at(event, path) {
        Some(id) => Ok(BaselineRequest::Departed { id, because: because.to_owned() }),
        None => everything(format!("{because}, and the event does not say which account")),
    }
}

fn closed(event: &Value) -> Result<BaselineRequest, BadEvent> {
    let details = details(event);
    match details.pointer("/closeAccountStatus/state").and_then(Value::as_str) {
        Some("SUCCEEDED") => gone(&details, "/closeAccountStatus/accountId", "it was closed"),
        state => nothing(format!("the closing of an account is {}", state.unwrap_or("in no known state"))),
    }
}

/// A policy that no longer holds as it was written is drift that AWS finds by itself.
fn validated(event: &Value) -> Result<BaselineRequest, BadEvent> {
    let details = details(event);
    let text = |member: &str| details.get(member).and_then(Value::as_str).unwrap_or_default();
    match text("state") {
        "INVALID" => account(&details, "/accountId", &format!("its effective {} is not valid", text("policyType"))),
        state => nothing(format!("an effective policy is {state}")),
    }
}

fn departed(event: &Value) -> Result<BaselineRequest, BadEvent> {
    match concerned(event).as_slice() {
        [id] => Ok(BaselineRequest::Departed { id: id.clone(), because: "it left the organization".to_owned() }),
        _ => everything("an account left, and the event does not say which"),
    }
}

fn joined(event: &Value) -> Result<BaselineRequest, BadEvent> {
    match concerned(event).as_slice() {
        [id] => Ok(BaselineRequest::Account(Errand::new(id.clone(), "it joined the organization"))),
        _ => everything("an account joined, and the event does not say which"),
    }
}

/// The nesting of membership events is not published, so every account id in one is collected but the organization's
/// own.
fn concerned(event: &Value) -> Vec<AccountId> {
    let own: BTreeSet<AccountId> =
        ["/account", "/detail/recipientAccountId"].iter().filter_map(|path| id_at(event, path)).collect();
    let mut found = BTreeSet::new();
    account_ids(&details(event), &mut found);
    if found.is_empty() {
        account_ids(event.pointer("/detail/requestParameters").unwrap_or(&Value::Null), &mut found);
    }
    found.difference(&own).cloned().collect()
}

fn account_ids(value: &Value, found: &mut BTreeSet<AccountId>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let key = key.to_ascii_lowercase().replace(['_', '-'], "");
                if key.ends_with("accountid") {
                    found.extend(value.as_str().and_then(|id| id.parse().ok()));
                }
                account_ids(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| account_ids(item, found)),
        _ => {}
    }
}

fn accepted(event: &Value) -> Result<BaselineRequest, BadEvent> {
    let handshake = event.pointer("/detail/responseElements/handshake").cloned().unwrap_or_default();
    let is = |member: &str, word: &str| {
        handshake.get(member).and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    if !is("action", "INVITE") || !is("state", "ACCEPTED") {
        return nothing("the handshake is no accepted invitation");
    }
    let parties = handshake.get("parties").and_then(Value::as_array).into_iter().flatten();
    let invited = parties.filter(|party| party.get("type").and_then(Value::as_str) == Some("ACCOUNT"));
    match invited.filter_map(|party| id_at(party, "/id")).next() {
        Some(id) => Ok(BaselineRequest::Account(Errand::new(id, "it accepted an invitation"))),
        None => everything("an invitation was accepted, by an address"),
    }
}

/// <https://docs.aws.amazon.com/controltower/latest/userguide/lifecycle-events.html>: a creation that is tried again
/// is told as an update.
fn control_tower(event: &Value, name: &str) -> Result<BaselineRequest, BadEvent> {
    let (status, because) = match name {
        "CreateManagedAccount" => ("createManagedAccountStatus", "Control Tower enrolled it"),
        "UpdateManagedAccount" => ("updateManagedAccountStatus", "Control Tower updated it"),
        "RegisterOrganizationalUnit"
        | "DeregisterOrganizationalUnit"
        | "SetupLandingZone"
        | "UpdateLandingZone"
        | "EnableGuardrail"
        | "DisableGuardrail" => return everything(format!("{name} of Control Tower may concern every account")),
        _ => return Err(bad(format!("it is `{name}` of Control Tower"))),
    };
    let details = details(event);
    match details.pointer(&format!("/{status}/state")).and_then(Value::as_str) {
        Some("SUCCEEDED") => account(&details, &format!("/{status}/account/accountId"), because),
        Some("FAILED") => nothing("Control Tower did not finish; it tells again when it does"),
        state => Err(bad(format!("{name} is in the state `{}`", state.unwrap_or_default()))),
    }
}

fn region(event: &Value) -> Result<BaselineRequest, BadEvent> {
    match event.pointer("/detail/status").and_then(Value::as_str) {
        Some("ENABLED") => account(event, "/detail/accountId", "a region was enabled in it"),
        Some(status) => nothing(format!("a region is {status}")),
        None => Err(bad("the region has no status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Batch, open};

    fn read(payload: &Value) -> Result<BaselineRequest, BadEvent> {
        let message = match open(payload, "request") {
            Batch::Direct(message) => message,
            Batch::Queue(messages) | Batch::Topic(messages) => messages[0].clone(),
        };
        BaselineRequest::try_from(&message)
    }

    /// What each file of `events/account-baseline` asks for, in a word.
    const SAMPLES: &[(&str, &str)] = &[
        ("accept-handshake", "account"),
        ("account", "account"),
        ("account-departed-organization", "departed"),
        ("account-joined-organization", "account"),
        ("close-account", "departed"),
        ("close-account-result", "departed"),
        ("control-tower-create-managed-account", "account"),
        ("control-tower-create-managed-account-failed", "nothing"),
        ("control-tower-register-organizational-unit", "everything"),
        ("control-tower-update-managed-account", "account"),
        ("create-account", "nothing"),
        ("create-account-refused", "nothing"),
        ("create-account-result-details-as-text", "account"),
        ("create-account-result-failed", "nothing"),
        ("create-account-result-succeeded", "account"),
        ("effective-policy-validation", "account"),
        ("follow-up", "account"),
        ("invite-account-to-organization", "nothing"),
        ("leave-organization", "departed"),
        ("move-account", "account"),
        ("move-account-by-user", "account"),
        ("move-account-refused", "nothing"),
        ("region-opt-in-enabled", "account"),
        ("region-opt-in-enabling", "nothing"),
        ("remove-account-from-organization", "departed"),
        ("scheduled-event", "everything"),
        ("sqs-create-account-result", "account"),
        ("sweep", "everything"),
        ("tag-resource-account", "account"),
        ("tag-resource-ou", "nothing"),
        ("untag-resource-account", "account"),
    ];

    #[test]
    fn every_sample_asks_for_what_it_should() {
        let folder = format!("{}/../events/account-baseline", env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let payload = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let word = match read(&payload).unwrap_or_else(|error| panic!("{name}: {error}")) {
                BaselineRequest::Account(errand) => {
                    assert_eq!(errand.id.as_ref(), "444455556666", "{name}");
                    "account"
                }
                BaselineRequest::Departed { id, .. } => {
                    assert_eq!(id.as_ref(), "444455556666", "{name}");
                    "departed"
                }
                BaselineRequest::Everything { .. } => "everything",
                BaselineRequest::Nothing { .. } => "nothing",
            };
            found.push((name, word));
        }
        found.sort();
        let expect: Vec<(String, &str)> = SAMPLES.iter().map(|(name, word)| ((*name).to_owned(), *word)).collect();
        assert_eq!(found, expect);
    }

    fn refused(payload: Value, expect: &str) {
        let error = read(&payload).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn events_of_another_kind_are_bad_and_say_what_they_are() {
        use serde_json::json;
        refused(json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change"}), "from `aws.ec2`");
        refused(json!({"source": "aws.organizations", "detail": {"eventName": "CreatePolicy"}}), "`CreatePolicy`");
        refused(json!({"account": "123"}), "is no account id");
        refused(json!({}), "neither `source` nor `detail-type`");
        refused(json!("text"), "neither");
    }

    #[test]
    fn joined_event_without_one_clear_account_looks_at_everything() {
        let details = serde_json::json!({"members": [{"account_id": "444455556666"}, {"AccountId": "555566667777"}]});
        let event = serde_json::json!({"source": "aws.organizations", "detail-type": "x", "account": "111122223333",
            "detail": {"eventName": "AccountJoinedOrganization", "serviceEventDetails": details}});
        assert!(matches!(read(&event), Ok(BaselineRequest::Everything { .. })));
    }

    #[test]
    fn letter_keeps_what_an_errand_has_been_through() {
        let id: AccountId = "444455556666".parse().unwrap();
        let since = Some("2026-11-22T10:00:00Z".parse().unwrap());
        let errand = Errand { since, attempt: 3, looked: true, sweep: true, ..Errand::new(id, "it was created") };
        assert_eq!(read(&errand.letter()), Ok(BaselineRequest::Account(errand)));
    }

    #[test]
    fn membership_is_told_as_a_call_or_as_a_service_event() {
        for kind in ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"] {
            let event = serde_json::json!({"source": "aws.organizations", "detail-type": kind, "account": "111122223333",
                "detail": {"eventName": "AccountJoinedOrganization", "serviceEventDetails": {"accountId": "444455556666"}}});
            assert!(matches!(read(&event), Ok(BaselineRequest::Account(_))));
        }
    }

    #[test]
    fn failed_creation_says_why() {
        let details = serde_json::json!({"createAccountStatus": {"state": "FAILED", "failureReason": "INVALID_EMAIL"}});
        let event = serde_json::json!({"source": "aws.organizations", "detail-type": "x",
            "detail": {"eventName": "CreateAccountResult", "serviceEventDetails": details}});
        let expect = BaselineRequest::Nothing { because: "no account was created: INVALID_EMAIL".to_owned() };
        assert_eq!(read(&event), Ok(expect));
    }
}

//! Who is kept out of a sandbox: everybody else during a reset, and everybody after too many failed ones.
//!
//! Both are service control policies that are attached to the one account. They are not among those that layers can give,
//! because the baseline would take them away again where it is strict.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Config, NamedPolicy, OperatingMode, PolicyType, QUARANTINE};
use crate::types::AccountId;

/// Whether nobody else works in an account while it is reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Freeze {
    /// The account is frozen, or it is not reset.
    Required,
    /// The account is frozen where that is possible; else the receipt says why it was not.
    #[default]
    Try,
    /// People and programs go on working in it, and may make things faster than they are deleted.
    Off,
}

/// What becomes of an account whose resets fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quarantine {
    /// After how many failed runs in a row nobody but Forester works in the account any more; 0 means never.
    pub after: u32,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { after: 3 }
    }
}

/// The policy against what no reset can undo.
const CLEANABLE: &str = "sandbox-cleanable";

/// Whoever works for AWS rather than for people, and is not bound by the keys below.
const ALWAYS_SPARED: [&str; 4] = [
    // Service control policies do not bind service-linked roles; said once more for those who read the policy.
    // https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    "arn:*:iam::*:role/aws-service-role/*",
    // What stack sets of the organization and Control Tower work through.
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-enable-trusted-access.html
    "arn:*:iam::*:role/stacksets-exec-*",
    "arn:*:iam::*:role/AWSCloudFormationStackSetExecutionRole",
    "arn:*:iam::*:role/AWSControlTowerExecution",
];

/// Functions of stacks that CloudFormation asks to tidy up while it deletes the stack, as the CDK names them. A stack
/// whose function may do nothing hangs for an hour. <https://github.com/aws/aws-cdk/tree/main/packages/aws-cdk-lib/custom-resources>
const TIDY_UP: [&str; 3] = [
    "arn:*:lambda:*:*:function:*CustomResource*",
    "arn:*:lambda:*:*:function:*-AWS679f53fac002430cb0da5b7982bd2287*",
    "arn:*:lambda:*:*:function:*frameworkonEvent*",
];

/// How the sessions are called in which CloudFormation and Batch act by a role that was given to them: seen in CloudTrail,
/// and not promised by AWS. The roles themselves are spared by their trust, too.
const SESSIONS: [&str; 2] = ["*:AWSCloudFormation", "*:aws-batch"];

impl Config {
    /// The policy that freezes one account. `roles` are the ARNs of its roles that only AWS's own services act by.
    ///
    /// `aws:PrincipalIsAWSService` and `aws:ViaAWSService` tell services that act by themselves or for somebody; both are
    /// false where a service acts by a role that was given to it, which is why such roles are named
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).
    pub fn freeze_policy(&self, account: &AccountId, roles: &[String]) -> NamedPolicy {
        let spared = self.sandbox.iter().flat_map(|sandbox| &sandbox.freeze_spares).map(|name| spared(name));
        let always = ALWAYS_SPARED.iter().map(|arn| (*arn).to_owned());
        let principals: Vec<Value> = std::iter::once("{access.roles}".to_owned())
            .chain(always)
            .chain(spared)
            .chain(roles.iter().cloned())
            .map(Value::from)
            .collect();
        let content = json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "NobodyWhileItIsReset",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "ArnNotLike": { "aws:PrincipalArn": principals, "lambda:SourceFunctionArn": TIDY_UP },
                "BoolIfExists": { "aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false" },
                "StringNotLike": { "aws:userid": SESSIONS },
                "Null": { "aws:AssumedRoot": "true" },
            },
        }] });
        NamedPolicy {
            name: format!("forester-freeze-{account}"),
            kind: PolicyType::Scp,
            description: format!("Nobody else works in {account} while it is reset; Forester takes it away again"),
            content: self.filled(content),
        }
    }

    /// The same, with as many of the roles as there is room for; and how many there was none for.
    pub fn freeze_policy_that_fits(&self, account: &AccountId, mut roles: Vec<String>) -> (NamedPolicy, usize) {
        let mut left_out = 0;
        loop {
            let policy = self.freeze_policy(account, &roles);
            if policy.text().len() <= PolicyType::Scp.longest() || roles.pop().is_none() {
                return (policy, left_out);
            }
            left_out += 1;
        }
    }

    /// What to do about sandboxes in which people may buy, lock and subscribe to what no reset can undo.
    pub fn cleanability_hint(&self) -> Option<String> {
        let sandbox = self.sandbox.as_ref().filter(|_| self.mode == OperatingMode::Organization)?;
        let given = self.policies_by_match().any(|(_, names)| names.iter().any(|name| name == CLEANABLE));
        (!given).then(|| {
            format!(
                "people can buy, lock and subscribe to things in the sandboxes that no reset can undo: give a layer \
                 `{{match: {{ou: \"{}\"}}, policies: [{CLEANABLE}]}}`",
                sandbox.matches.ou
            )
        })
    }

    /// The policy over a sandbox whose resets failed too often: that of new accounts, under a name of its own.
    pub fn sandbox_quarantine(&self) -> Option<NamedPolicy> {
        let policy = self.policy(QUARANTINE)?;
        Some(NamedPolicy {
            name: "forester-sandbox-quarantine".to_owned(),
            description: "Resets of the account failed; `forester reset release` lets people in again".to_owned(),
            ..policy
        })
    }
}

/// The ARNs behind the name of a role. Those of IAM Identity Center lie under a path that nobody else can use.
fn spared(name: &str) -> String {
    match name.strip_prefix("AWSReservedSSO_") {
        Some(rest) => format!("arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{rest}"),
        None => format!("arn:*:iam::*:role/{name}"),
    }
}

/// What is wrong with a name in `freeze_spares`.
pub(super) fn problem(name: &str) -> Option<&'static str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "+=,.@_-/*?".contains(letter);
    if !name.chars().all(fits) || name.is_empty() {
        return Some("expected the name of a role, such as `AWSReservedSSO_SandboxAdmin_*`");
    }
    let told = name.chars().filter(|letter| letter.is_ascii_alphanumeric()).count();
    (told < 3).then_some("would let everybody work during a freeze; name the role")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(sandbox: &str) -> Config {
        let text = format!(
            "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
             access: {{role: Admin, fallback: [Second]}}\n\
             sandbox:\n  match: {{ou: Sandbox, tag: {{sandbox: \"true\"}}}}\n{sandbox}"
        );
        Config::parse(&text, "f").unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn account() -> AccountId {
        "555566667777".parse().unwrap()
    }

    #[test]
    fn a_freeze_spares_us_services_and_whom_the_file_names() {
        let config = config("  freeze_spares: [AWSReservedSSO_Admin_*, MyBatchRole]\n");
        let policy = config.freeze_policy(&account(), &["arn:aws:iam::555566667777:role/emr".to_owned()]);
        let condition = &policy.content["Statement"][0]["Condition"];
        let spared: Vec<&str> =
            condition["ArnNotLike"]["aws:PrincipalArn"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for expected in [
            "arn:*:iam::*:role/Admin",
            "arn:*:iam::*:role/Second",
            "arn:*:iam::*:role/aws-service-role/*",
            "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Admin_*",
            "arn:*:iam::*:role/MyBatchRole",
            "arn:aws:iam::555566667777:role/emr",
        ] {
            assert!(spared.contains(&expected), "{expected} is not among {spared:?}");
        }
        assert_eq!(condition["BoolIfExists"]["aws:ViaAWSService"], "false");
        assert!(!policy.text().contains("{access"), "nothing is left to fill in");
    }

    #[test]
    fn a_freeze_always_fits() {
        let config = config("");
        let role =
            |n: usize| format!("arn:aws:iam::555566667777:role/service-role/a-rather-long-name-of-a-role-{n:04}");
        let (policy, left_out) = config.freeze_policy_that_fits(&account(), (0..200).map(role).collect());
        assert!(policy.text().len() <= 5_120, "{}", policy.text().len());
        assert!(left_out > 0 && left_out < 170, "{left_out} left out: most of the room is for roles");
        let (policy, left_out) = config.freeze_policy_that_fits(&account(), vec![role(1)]);
        assert_eq!((left_out, policy.text().contains(&role(1))), (0, true));
    }

    #[test]
    fn a_pattern_that_spares_everybody_is_wrong() {
        for (name, fine) in
            [("AWSReservedSSO_Admin_*", true), ("path/My.Role", true), ("*", false), ("", false), ("a b", false)]
        {
            assert_eq!(problem(name).is_none(), fine, "{name}");
        }
    }

    #[test]
    fn sandboxes_without_the_policy_that_keeps_them_cleanable_are_told() {
        assert!(config("").cleanability_hint().unwrap().contains("ou: \"Sandbox\""));
        let layer = "layers: [{match: {ou: Sandbox}, policies: [sandbox-cleanable]}]\n";
        assert_eq!(config(layer).cleanability_hint(), None);
    }

    #[test]
    fn quarantine_is_that_of_new_accounts_under_another_name() {
        let config = config("");
        let (ours, theirs) = (config.sandbox_quarantine().unwrap(), config.policy(QUARANTINE).unwrap());
        assert_eq!(ours.content, theirs.content);
        assert_ne!(ours.name, theirs.name);
    }
}

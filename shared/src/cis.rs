//! The monitoring controls of the CIS AWS Foundations Benchmark, 4.1 to 4.15: what is watched, with which metric filter,
//! and how bad it is. The one list that both the alarms and the alerts go by.
//!
//! Numbers are those of editions 1.4 to 5.0; 1.2 counted from 3.1, 6.0 counts from 5.1. The patterns are the
//! benchmark's, as AWS prints them
//! (<https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html>), but for three mends:
//!
//! * 4.1: the benchmark joins its exclusions with `||`, which fits nearly every event; they are joined with `&&`.
//! * 4.13: names the event source, without which calls of other services with the same names would count.
//! * 4.15: names what the benchmark forgot of Organizations, from `CancelHandshake` to `EnableAllFeatures`, and applies
//!   the event source to every name.
//!
//! Security Hub rates all of them low; the severities here follow what an attacker gains.

use crate::types::Severity;

/// One control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Control {
    /// Its number in chapter 4.
    pub number: u8,
    /// Its name in names of filters, metrics and alarms.
    pub name: &'static str,
    /// What it watches, in plain words.
    pub about: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The filter pattern over CloudTrail events in CloudWatch Logs.
    pub pattern: &'static str,
}

impl Control {
    /// What routes and silences call it: `cis-4.3`.
    pub fn rule(&self) -> String {
        format!("cis-4.{}", self.number)
    }

    /// The texts that a filter for it may have: its own, and those of other editions.
    pub fn texts(&self) -> impl Iterator<Item = &'static str> {
        let number = self.number;
        let others = EDITIONS.iter().filter(move |(of, _)| *of == number).map(|(_, text)| *text);
        std::iter::once(self.pattern).chain(others)
    }

    /// What its filter and its alarm are called: `CIS-4.3-RootUsage`.
    pub fn alarm(&self) -> String {
        format!("CIS-4.{}-{}", self.number, self.name)
    }
}

/// What AWS or an edition of the benchmark prints for a control besides the text above, which a filter may say as well.
/// Security Hub compares with its own text, and takes no term more
/// (<https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html>).
pub const EDITIONS: [(u8, &str); 5] = [
    (1, "{($.errorCode=\"*UnauthorizedOperation\") || ($.errorCode=\"AccessDenied*\")}"),
    (2, "{($.eventName=\"ConsoleLogin\") && ($.additionalEventData.MFAUsed !=\"Yes\")}"),
    (
        4,
        "{($.eventSource=iam.amazonaws.com) && (($.eventName=DeleteGroupPolicy) || ($.eventName=DeleteRolePolicy) || \
         ($.eventName=DeleteUserPolicy) || ($.eventName=PutGroupPolicy) || ($.eventName=PutRolePolicy) || \
         ($.eventName=PutUserPolicy) || ($.eventName=CreatePolicy) || ($.eventName=DeletePolicy) || \
         ($.eventName=CreatePolicyVersion) || ($.eventName=DeletePolicyVersion) || ($.eventName=AttachRolePolicy) || \
         ($.eventName=DetachRolePolicy) || ($.eventName=AttachUserPolicy) || ($.eventName=DetachUserPolicy) || \
         ($.eventName=AttachGroupPolicy) || ($.eventName=DetachGroupPolicy))}",
    ),
    (
        13,
        "{($.eventName=CreateRoute) || ($.eventName=CreateRouteTable) || ($.eventName=ReplaceRoute) || \
         ($.eventName=ReplaceRouteTableAssociation) || ($.eventName=DeleteRouteTable) || ($.eventName=DeleteRoute) || \
         ($.eventName=DisassociateRouteTable)}",
    ),
    (
        15,
        "{($.eventSource=organizations.amazonaws.com) && (($.eventName=AcceptHandshake) || ($.eventName=AttachPolicy) || \
         ($.eventName=CreateAccount) || ($.eventName=CreateOrganizationalUnit) || ($.eventName=CreatePolicy) || \
         ($.eventName=DeclineHandshake) || ($.eventName=DeleteOrganization) || \
         ($.eventName=DeleteOrganizationalUnit) || ($.eventName=DeletePolicy) || ($.eventName=DetachPolicy) || \
         ($.eventName=DisablePolicyType) || ($.eventName=EnablePolicyType) || \
         ($.eventName=InviteAccountToOrganization) || ($.eventName=LeaveOrganization) || ($.eventName=MoveAccount) || \
         ($.eventName=RemoveAccountFromOrganization) || ($.eventName=UpdatePolicy) || \
         ($.eventName=UpdateOrganizationalUnit))}",
    ),
];

/// The fifteen controls.
pub const CONTROLS: [Control; 15] = [
    Control {
        number: 1,
        name: "UnauthorizedApiCalls",
        about: "API calls that were refused",
        severity: Severity::Info,
        pattern: "{ (($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\")) && \
                  ($.sourceIPAddress != \"delivery.logs.amazonaws.com\") && ($.eventName != \"HeadBucket\") }",
    },
    Control {
        number: 2,
        name: "ConsoleSignInWithoutMfa",
        about: "console sign-in without a second factor",
        severity: Severity::High,
        pattern: "{ ($.eventName = \"ConsoleLogin\") && ($.additionalEventData.MFAUsed != \"Yes\") && \
                  ($.userIdentity.type = \"IAMUser\") && ($.responseElements.ConsoleLogin = \"Success\") }",
    },
    Control {
        number: 3,
        name: "RootUsage",
        about: "use of the root user",
        severity: Severity::Critical,
        pattern: "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && \
                  $.eventType != \"AwsServiceEvent\" }",
    },
    Control {
        number: 4,
        name: "IamPolicyChanges",
        about: "changes to IAM policies",
        severity: Severity::Low,
        pattern: "{ ($.eventName = DeleteGroupPolicy) || ($.eventName = DeleteRolePolicy) || \
                  ($.eventName = DeleteUserPolicy) || ($.eventName = PutGroupPolicy) || \
                  ($.eventName = PutRolePolicy) || ($.eventName = PutUserPolicy) || ($.eventName = CreatePolicy) || \
                  ($.eventName = DeletePolicy) || ($.eventName = CreatePolicyVersion) || \
                  ($.eventName = DeletePolicyVersion) || ($.eventName = AttachRolePolicy) || \
                  ($.eventName = DetachRolePolicy) || ($.eventName = AttachUserPolicy) || \
                  ($.eventName = DetachUserPolicy) || ($.eventName = AttachGroupPolicy) || \
                  ($.eventName = DetachGroupPolicy) }",
    },
    Control {
        number: 5,
        name: "CloudTrailChanges",
        about: "changes to CloudTrail",
        severity: Severity::Critical,
        pattern: "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || \
                  ($.eventName = StartLogging) || ($.eventName = StopLogging) }",
    },
    Control {
        number: 6,
        name: "ConsoleSignInFailures",
        about: "failed console sign-ins",
        severity: Severity::Low,
        pattern: "{ ($.eventName = ConsoleLogin) && ($.errorMessage = \"Failed authentication\") }",
    },
    Control {
        number: 7,
        name: "KmsKeyDisabledOrDeleted",
        about: "customer keys disabled or scheduled for deletion",
        severity: Severity::High,
        pattern: "{ ($.eventSource = kms.amazonaws.com) && (($.eventName = DisableKey) || \
                  ($.eventName = ScheduleKeyDeletion)) }",
    },
    Control {
        number: 8,
        name: "S3BucketPolicyChanges",
        about: "changes to S3 bucket policies",
        severity: Severity::Medium,
        pattern: "{ ($.eventSource = s3.amazonaws.com) && (($.eventName = PutBucketAcl) || \
                  ($.eventName = PutBucketPolicy) || ($.eventName = PutBucketCors) || \
                  ($.eventName = PutBucketLifecycle) || ($.eventName = PutBucketReplication) || \
                  ($.eventName = DeleteBucketPolicy) || ($.eventName = DeleteBucketCors) || \
                  ($.eventName = DeleteBucketLifecycle) || ($.eventName = DeleteBucketReplication)) }",
    },
    Control {
        number: 9,
        name: "ConfigChanges",
        about: "changes to AWS Config",
        severity: Severity::High,
        pattern: "{ ($.eventSource = config.amazonaws.com) && (($.eventName = StopConfigurationRecorder) || \
                  ($.eventName = DeleteDeliveryChannel) || ($.eventName = PutDeliveryChannel) || \
                  ($.eventName = PutConfigurationRecorder)) }",
    },
    Control {
        number: 10,
        name: "SecurityGroupChanges",
        about: "changes to security groups",
        severity: Severity::Low,
        pattern: "{ ($.eventName = AuthorizeSecurityGroupIngress) || \
                  ($.eventName = AuthorizeSecurityGroupEgress) || ($.eventName = RevokeSecurityGroupIngress) || \
                  ($.eventName = RevokeSecurityGroupEgress) || ($.eventName = CreateSecurityGroup) || \
                  ($.eventName = DeleteSecurityGroup) }",
    },
    Control {
        number: 11,
        name: "NetworkAclChanges",
        about: "changes to network ACLs",
        severity: Severity::Low,
        pattern: "{ ($.eventName = CreateNetworkAcl) || ($.eventName = CreateNetworkAclEntry) || \
                  ($.eventName = DeleteNetworkAcl) || ($.eventName = DeleteNetworkAclEntry) || \
                  ($.eventName = ReplaceNetworkAclEntry) || ($.eventName = ReplaceNetworkAclAssociation) }",
    },
    Control {
        number: 12,
        name: "NetworkGatewayChanges",
        about: "changes to network gateways",
        severity: Severity::Medium,
        pattern: "{ ($.eventName = CreateCustomerGateway) || ($.eventName = DeleteCustomerGateway) || \
                  ($.eventName = AttachInternetGateway) || ($.eventName = CreateInternetGateway) || \
                  ($.eventName = DeleteInternetGateway) || ($.eventName = DetachInternetGateway) }",
    },
    Control {
        number: 13,
        name: "RouteTableChanges",
        about: "changes to route tables",
        severity: Severity::Low,
        pattern: "{ ($.eventSource = ec2.amazonaws.com) && (($.eventName = CreateRoute) || \
                  ($.eventName = CreateRouteTable) || ($.eventName = ReplaceRoute) || \
                  ($.eventName = ReplaceRouteTableAssociation) || ($.eventName = DeleteRouteTable) || \
                  ($.eventName = DeleteRoute) || ($.eventName = DisassociateRouteTable)) }",
    },
    Control {
        number: 14,
        name: "VpcChanges",
        about: "changes to VPCs",
        severity: Severity::Low,
        pattern: "{ ($.eventName = CreateVpc) || ($.eventName = DeleteVpc) || ($.eventName = ModifyVpcAttribute) || \
                  ($.eventName = AcceptVpcPeeringConnection) || ($.eventName = CreateVpcPeeringConnection) || \
                  ($.eventName = DeleteVpcPeeringConnection) || ($.eventName = RejectVpcPeeringConnection) || \
                  ($.eventName = AttachClassicLinkVpc) || ($.eventName = DetachClassicLinkVpc) || \
                  ($.eventName = DisableVpcClassicLink) || ($.eventName = EnableVpcClassicLink) }",
    },
    Control {
        number: 15,
        name: "OrganizationsChanges",
        about: "changes to AWS Organizations",
        severity: Severity::High,
        pattern: "{ ($.eventSource = organizations.amazonaws.com) && (($.eventName = AcceptHandshake) || \
                  ($.eventName = AttachPolicy) || ($.eventName = CancelHandshake) || \
                  ($.eventName = CreateAccount) || ($.eventName = CreateOrganization) || \
                  ($.eventName = CreateOrganizationalUnit) || ($.eventName = CreatePolicy) || \
                  ($.eventName = DeclineHandshake) || ($.eventName = DeleteOrganization) || \
                  ($.eventName = DeleteOrganizationalUnit) || ($.eventName = DeletePolicy) || \
                  ($.eventName = DetachPolicy) || ($.eventName = DisablePolicyType) || \
                  ($.eventName = EnableAllFeatures) || ($.eventName = EnablePolicyType) || \
                  ($.eventName = InviteAccountToOrganization) || ($.eventName = LeaveOrganization) || \
                  ($.eventName = MoveAccount) || ($.eventName = RemoveAccountFromOrganization) || \
                  ($.eventName = UpdateOrganizationalUnit) || ($.eventName = UpdatePolicy)) }",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What CloudWatch Logs takes: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html>
    #[test]
    fn patterns_are_whole_and_fit_the_limit() {
        for control in &CONTROLS {
            let count = |c: char| control.pattern.matches(c).count();
            assert!(control.pattern.len() <= 1024, "{} has {}", control.number, control.pattern.len());
            assert!(control.pattern.starts_with("{ ") && control.pattern.ends_with(" }"), "{}", control.pattern);
            assert_eq!(count('('), count(')'), "{}", control.pattern);
            assert!(!control.pattern.contains("  "), "{}", control.pattern);
        }
    }

    #[test]
    fn numbers_count_up_from_one() {
        let numbers: Vec<u8> = CONTROLS.iter().map(|control| control.number).collect();
        assert_eq!(numbers, (1..=15).collect::<Vec<u8>>());
    }

    /// With `||` before an exclusion the filter fits whatever is not excluded.
    #[test]
    fn exclusions_of_the_first_pattern_only_narrow_it() {
        let (wanted, excluded) = CONTROLS[0].pattern.split_once("&&").unwrap();
        assert!(wanted.contains("AccessDenied*") && !wanted.contains("!="));
        assert!(excluded.contains("HeadBucket") && !excluded.contains("||"));
    }

    #[test]
    fn event_source_applies_to_every_name() {
        for control in CONTROLS.iter().filter(|control| control.pattern.contains("eventSource")) {
            let (_, names) = control.pattern.split_once(" && ").unwrap();
            assert!(names.starts_with("((") && names.ends_with(")) }"), "{}", control.pattern);
        }
    }
}

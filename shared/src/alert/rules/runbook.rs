//! What each rule's alert means, and what to look at first: enough to begin with at night.

/// For one rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::alert) struct Runbook {
    rule: &'static str,
    pub means: &'static str,
    pub checks: [&'static str; 3],
    page: &'static str,
}

const CONTROLS: &str = "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html";
const TRAILS: &str =
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html";
const ALARMS: &str = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html";
const RULES: &str = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html";
const TOPICS: &str = "https://docs.aws.amazon.com/sns/latest/dg/sns-security.html";
const RESPONSE: &str = "https://docs.aws.amazon.com/security-ir/latest/userguide/security-incident-response-guide.html";
const ORGANIZATION: &str =
    "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_security_incident-response.html";

impl Runbook {
    /// A rule's runbook.
    pub fn of(rule: &str) -> Option<&'static Self> {
        RUNBOOKS.iter().find(|runbook| runbook.rule == rule)
    }

    /// AWS's page about it; Security Hub counts the first three controls in another order.
    pub fn link(&self) -> String {
        let number: Option<u8> = self.rule.strip_prefix("cis-4.").and_then(|number| number.parse().ok());
        let control = number.filter(|_| self.page == CONTROLS).map(|number| match number {
            1 => 2,
            2 => 3,
            3 => 1,
            other => other,
        });
        control.map_or_else(|| self.page.to_owned(), |control| format!("{}#cloudwatch-{control}", self.page))
    }
}

const fn book(rule: &'static str, page: &'static str, means: &'static str, checks: [&'static str; 3]) -> Runbook {
    Runbook { rule, means, checks, page }
}

const RUNBOOKS: &[Runbook] = &[
    book(
        "cis-4.1",
        CONTROLS,
        "Calls were refused: a role lacks a permission, or somebody tries what they may not.",
        [
            "Is the principal new here, or does it try many different actions?",
            "Did a deployment change its role or an SCP today?",
            "If neither explains it, look at what the same principal did successfully in that hour.",
        ],
    ),
    book(
        "cis-4.2",
        CONTROLS,
        "Somebody signed in to the console with a password alone.",
        [
            "Ask the user whether it was them, by another way than e-mail.",
            "Does the address belong to you, and what did the session do next?",
            "If in doubt, delete the login profile, and end sessions by denying what is older than now.",
        ],
    ),
    book(
        "cis-4.3",
        CONTROLS,
        "The root user was used. Nothing in daily work needs it.",
        [
            "Is this a known break-glass use, with a ticket and a name?",
            "Look for access keys, changed e-mail addresses and MFA devices of the root user.",
            "If nobody knows of it: reset the root password, remove its keys, call the incident lead.",
        ],
    ),
    book(
        "cis-4.4",
        CONTROLS,
        "An IAM policy or an attachment of one was changed.",
        [
            "Did the deployment pipeline do it, or a person?",
            "What does the policy allow now that it did not before?",
            "Who can use the principal it is attached to?",
        ],
    ),
    book(
        "cis-4.5",
        CONTROLS,
        "A trail was changed: from now on calls may go unrecorded.",
        [
            "Does the trail log now, in all regions, to the bucket and log group it should?",
            "Who did it, from where, and what did they do right before?",
            "Put it back, then look at the gap by other logs: flow logs, S3 access logs, GuardDuty.",
        ],
    ),
    book(
        "cis-4.6",
        CONTROLS,
        "Console sign-ins failed.",
        [
            "How many users and addresses are in it: one typing mistake, or a list of passwords?",
            "Was there a success from the same address afterwards?",
            "Block the address range, and ask the users to change what they use elsewhere too.",
        ],
    ),
    book(
        "cis-4.7",
        CONTROLS,
        "A customer key was disabled or will be deleted: what it encrypts becomes unreadable.",
        [
            "What uses the key: volumes, buckets, secrets, backups?",
            "Was it planned? If not, cancel the deletion or enable the key now.",
            "Who did it, and did they copy data out before?",
        ],
    ),
    book(
        "cis-4.8",
        CONTROLS,
        "Who may reach a bucket, or how long it keeps what is in it, was changed.",
        [
            "Is the bucket open to everybody, or to an account you do not know?",
            "Does a lifecycle or replication rule now delete or carry away objects?",
            "Is the public access block of the account still on?",
        ],
    ),
    book(
        "cis-4.9",
        CONTROLS,
        "AWS Config was changed: changes of resources may go unrecorded.",
        [
            "Does the recorder record now, all types, and deliver?",
            "Was it the baseline, or somebody by hand?",
            "What else did the principal do while the recorder was off?",
        ],
    ),
    book(
        "cis-4.10",
        CONTROLS,
        "A security group was changed.",
        [
            "Which ports are open to which addresses now?",
            "What is attached to the group, and is it reachable?",
            "Did a deployment do it? If not, take the rule back first and ask then.",
        ],
    ),
    book(
        "cis-4.11",
        CONTROLS,
        "A network ACL was changed.",
        ["Which subnets does it belong to?", "Does it let in or cut off more than before?", "Did a deployment do it?"],
    ),
    book(
        "cis-4.12",
        CONTROLS,
        "A gateway between a VPC and the outside was changed.",
        [
            "Does the VPC reach the internet now when it should not?",
            "Which subnets have routes to the gateway?",
            "Did a deployment do it?",
        ],
    ),
    book(
        "cis-4.13",
        CONTROLS,
        "A route was changed: traffic may take another way.",
        [
            "Where do the changed routes lead, and is the target yours?",
            "Do inspection and logging still lie on the way?",
            "Did a deployment do it?",
        ],
    ),
    book(
        "cis-4.14",
        CONTROLS,
        "A VPC or a peering of one was changed.",
        [
            "Is the other side of a peering an account of yours?",
            "Are flow logs on in a new VPC?",
            "Did a deployment do it?",
        ],
    ),
    book(
        "cis-4.15",
        ORGANIZATION,
        "The organization was changed: accounts, units or policies.",
        [
            "Which accounts are under fewer policies than before?",
            "Was it Forester or a person, from the management account or a delegated one?",
            "If an account left: nothing of the organization protects it any more; ask its owner at once.",
        ],
    ),
    book(
        "tamper-trail",
        TRAILS,
        "Somebody changed what CloudTrail records, or stopped it.",
        [
            "Does every trail log, with all management events, in all regions?",
            "Who did it; what did they do before, and what afterwards by other logs?",
            "Put it back. Forester's own repair tells here too: then ask what had to be repaired.",
        ],
    ),
    book(
        "tamper-metric-filter",
        CONTROLS,
        "A metric filter was deleted: its alarm never fires again.",
        [
            "Which alarm did it feed?",
            "Put it back: run the baseline of the account that holds the trail's log group.",
            "Search the log group with the filter's pattern for the time without it.",
        ],
    ),
    book(
        "tamper-metric-filter-changed",
        CONTROLS,
        "A metric filter was made or changed.",
        [
            "Was it Forester's baseline or a deployment?",
            "Run `forester alerts lint`: is it still the benchmark's text?",
            "If not, search the log group with the right pattern for the time in between.",
        ],
    ),
    book(
        "tamper-log-group",
        TRAILS,
        "Logs that people are watched by were deleted, shortened or cut off.",
        [
            "Is the trail's log group there, with its retention and its subscriptions?",
            "The trail's bucket still has the files: is it whole?",
            "Who did it, and what would the logs have shown?",
        ],
    ),
    book(
        "tamper-alarm",
        ALARMS,
        "A security alarm was deleted, disabled or set by hand.",
        [
            "Are all fifteen alarms there, enabled, and in the state that the metric says?",
            "Run the baseline of the account that holds them.",
            "What happened in the minutes before: that is what should not be seen.",
        ],
    ),
    book(
        "tamper-alarm-elsewhere",
        ALARMS,
        "An alarm of some team was deleted, disabled or set by hand.",
        [
            "Is it a deployment of that team?",
            "Does anything still watch what it watched?",
            "Nothing more is needed if the team knows of it.",
        ],
    ),
    book(
        "tamper-mute",
        ALARMS,
        "Alarms were muted: they go on changing state, and tell nobody.",
        [
            "Which alarms does the mute rule or the suppressor cover, and until when?",
            "Is it a maintenance that somebody announced?",
            "If not, delete the rule, and look at the alarms' history in the meantime.",
        ],
    ),
    book(
        "tamper-event-rule",
        RULES,
        "A rule or schedule that wakes Forester was deleted, disabled or emptied.",
        [
            "Deploy Forester's template again: it puts the rule back.",
            "Which events were missed? Alarms and the sweep tell most of them later.",
            "Who did it, and what did they do while nobody looked?",
        ],
    ),
    book(
        "tamper-topic",
        TOPICS,
        "A topic or subscription that alarms are told by was changed or deleted.",
        [
            "Is everybody still subscribed who should be?",
            "Does the topic's policy let only your services publish and only your people subscribe?",
            "Send a test through it: `forester alerts test`.",
        ],
    ),
    book(
        "tamper-forester",
        RESPONSE,
        "A part of Forester itself was removed or stopped.",
        [
            "Deploy Forester's template again, then run `forester doctor`.",
            "Look into its dead-letter queues, and redrive what is there.",
            "Who did it? Nobody has to: treat it as an incident until somebody explains it.",
        ],
    ),
    book(
        "tamper-forester-changed",
        RESPONSE,
        "A part of Forester itself was changed.",
        [
            "Was it a deployment of yours?",
            "Does the function run the code that you released (compare its SHA-256)?",
            "If nobody deployed, deploy the last release and treat it as an incident.",
        ],
    ),
];

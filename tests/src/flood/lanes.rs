//! The ways that a flood takes: one of every kind of channel, each with a manner of its own, and one that leads nowhere.

/// A lane: a receiver with one channel. What is about it carries its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The receiver's name, and part of the name of each thing that it is told of.
    pub name: &'static str,
    /// Who is at its end.
    pub vendor: Vendor,
    /// How they behave.
    pub manner: Manner,
}

/// Who is at the end of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Slack's Web API.
    Slack,
    /// Slack's incoming webhooks.
    SlackWebhook,
    /// A workflow of Teams.
    Teams,
    /// PagerDuty's Events API.
    Pagerduty,
    /// Jira Service Management's operations.
    Jsm,
    /// Jira Cloud.
    Jira,
    /// Somebody's own endpoint.
    Webhook,
    /// SES, in the stack.
    Email,
    /// A FIFO topic, in the stack.
    Sns,
    /// An event bus, in the stack.
    Eventbridge,
    /// A topic that Amazon Q reads, in the stack.
    AmazonQ,
}

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes everything.
    Good,
    /// Every so many requests one is too many: 429, and come back in a second.
    Busy,
    /// Every so many requests one is answered 500.
    Broken,
    /// It answers 503 for its first seconds.
    DeadForAWhile,
    /// Some requests get no answer at all, and are not taken.
    Silent,
    /// Some requests are taken, and get no answer all the same.
    Forgetful,
    /// It is gone for good: 410.
    Gone,
    /// AWS itself is too busy at times: the stack's gateway sees to that.
    Throttled,
}

const fn lane(name: &'static str, vendor: Vendor, manner: Manner) -> Lane {
    Lane { name, vendor, manner }
}

/// Every kind of channel, and one more that is gone.
pub const LANES: [Lane; 12] = [
    lane("slack", Vendor::Slack, Manner::Busy),
    lane("slackhook", Vendor::SlackWebhook, Manner::Broken),
    lane("teams", Vendor::Teams, Manner::Silent),
    lane("pagerduty", Vendor::Pagerduty, Manner::DeadForAWhile),
    lane("jsm", Vendor::Jsm, Manner::Forgetful),
    lane("jira", Vendor::Jira, Manner::Forgetful),
    lane("webhook", Vendor::Webhook, Manner::Forgetful),
    lane("email", Vendor::Email, Manner::Throttled),
    lane("sns", Vendor::Sns, Manner::Throttled),
    lane("eventbridge", Vendor::Eventbridge, Manner::Throttled),
    lane("amazonq", Vendor::AmazonQ, Manner::Throttled),
    lane("gone", Vendor::Webhook, Manner::Gone),
];

/// The root's receiver: what nobody else takes, and what others cannot be told.
pub const ROOT: Lane = lane("platform", Vendor::Webhook, Manner::Good);

impl Lane {
    /// Whether its end is in the stack, and not at an endpoint of ours.
    pub fn is_in_the_stack(&self) -> bool {
        match self.vendor {
            Vendor::Email | Vendor::Sns | Vendor::Eventbridge | Vendor::AmazonQ => true,
            Vendor::Slack
            | Vendor::SlackWebhook
            | Vendor::Teams
            | Vendor::Pagerduty
            | Vendor::Jsm
            | Vendor::Jira
            | Vendor::Webhook => false,
        }
    }

    /// Its channel in the configuration; `end` is where it leads.
    pub fn channel(&self, end: &str) -> String {
        let name = self.name;
        match self.vendor {
            Vendor::Slack => {
                format!("{{slack: {{channel: C0FLOOD, token: \"ssm:/forester/{name}\", api: \"{end}\"}}}}")
            }
            Vendor::SlackWebhook => format!("{{slack_webhook: {{url: \"ssm:/forester/{name}\"}}}}"),
            Vendor::Teams => format!("{{teams: {{url: \"ssm:/forester/{name}\"}}}}"),
            Vendor::Pagerduty => format!("{{pagerduty: {{key: \"secretsmanager:forester/{name}\", api: \"{end}\"}}}}"),
            Vendor::Jsm => format!("{{jsm: {{key: \"secretsmanager:forester/{name}\", api: \"{end}\"}}}}"),
            Vendor::Jira => format!(
                "{{jira: {{site: \"{end}\", project: SEC, user: bot@acme.example, token: \"ssm:/forester/{name}\"}}}}"
            ),
            Vendor::Webhook => format!("{{webhook: {{url: \"{end}\", secret: \"ssm:/forester/{name}\"}}}}"),
            Vendor::Email => "{email: {from: forester@acme.example, to: [security@acme.example]}}".to_owned(),
            Vendor::Sns => format!("{{sns: {{topic: \"{end}\"}}}}"),
            Vendor::Eventbridge => format!("{{eventbridge: {{bus: \"{end}\"}}}}"),
            Vendor::AmazonQ => format!("{{amazon_q: {{topic: \"{end}\"}}}}"),
        }
    }

    /// The routes that lead there: by what each kind of signal carries the name in.
    pub fn routes(&self) -> String {
        let name = self.name;
        let labels = [
            format!("budget: \"budget-{name}-*\""),
            format!("principal: \"*user/event-{name}-*\""),
            format!("service: \"anomaly-{name}-*\""),
            format!("alarm: \"alarm-{name}-*\""),
        ];
        labels.iter().map(|label| format!("      - {{match: {{{label}}}, receiver: {name}}}\n")).collect()
    }
}

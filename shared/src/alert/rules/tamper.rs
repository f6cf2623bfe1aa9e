//! Who guards the guards: what makes alarms, trails and Forester itself blind, as filter patterns.
//!
//! No edition of the benchmark has these. Each pattern is one that CloudWatch Logs takes, so that the same text can be a
//! metric filter. What is everyday work elsewhere in an organization (deleting a log group, disabling a rule) counts
//! only where its name says that it watches: `CloudTrail`, `CIS`, `security`, `forester`.

use crate::types::Severity;

/// One rule of the pack.
pub(super) struct Tamper {
    pub name: &'static str,
    pub severity: Severity,
    /// Whether it is told whatever the configuration says.
    pub unsilenceable: bool,
    /// An event falls under the rule if it fits any.
    pub patterns: &'static [&'static str],
}

/// The pack.
pub(super) const PACK: &[Tamper] = &[
    Tamper {
        name: "tamper-trail",
        severity: Severity::Critical,
        unsilenceable: true,
        patterns: &["{ ($.eventSource = cloudtrail.amazonaws.com) && (($.eventName = StopLogging) || \
            ($.eventName = DeleteTrail) || ($.eventName = UpdateTrail) || ($.eventName = PutEventSelectors) || \
            ($.eventName = PutInsightSelectors) || ($.eventName = DeleteEventDataStore) || \
            ($.eventName = StopEventDataStoreIngestion)) }"],
    },
    Tamper {
        name: "tamper-metric-filter",
        severity: Severity::High,
        unsilenceable: true,
        patterns: &["{ ($.eventSource = logs.amazonaws.com) && ($.eventName = DeleteMetricFilter) }"],
    },
    Tamper {
        name: "tamper-metric-filter-changed",
        severity: Severity::Medium,
        unsilenceable: false,
        patterns: &["{ ($.eventSource = logs.amazonaws.com) && ($.eventName = PutMetricFilter) }"],
    },
    Tamper {
        name: "tamper-log-group",
        severity: Severity::High,
        unsilenceable: true,
        patterns: &["{ ($.eventSource = logs.amazonaws.com) && (($.eventName = DeleteLogGroup) || \
            ($.eventName = DeleteLogStream) || ($.eventName = PutRetentionPolicy) || \
            ($.eventName = DeleteSubscriptionFilter)) && (($.requestParameters.logGroupName = \"*loudTrail*\") || \
            ($.requestParameters.logGroupName = \"*loudtrail*\") || ($.requestParameters.logGroupName = \"*orester*\")) }"],
    },
    Tamper {
        name: "tamper-alarm",
        severity: Severity::High,
        unsilenceable: true,
        patterns: &[
            "{ ($.eventSource = monitoring.amazonaws.com) && (($.eventName = DeleteAlarms) || \
             ($.eventName = DisableAlarmActions)) && (($.requestParameters.alarmNames[*] = \"*CIS*\") || \
             ($.requestParameters.alarmNames[*] = \"*ecurity*\") || ($.requestParameters.alarmNames[*] = \"*orester*\")) }",
            "{ ($.eventSource = monitoring.amazonaws.com) && ($.eventName = SetAlarmState) && \
             (($.requestParameters.alarmName = \"*CIS*\") || ($.requestParameters.alarmName = \"*ecurity*\") || \
             ($.requestParameters.alarmName = \"*orester*\")) }",
        ],
    },
    Tamper {
        name: "tamper-alarm-elsewhere",
        severity: Severity::Low,
        unsilenceable: false,
        patterns: &["{ ($.eventSource = monitoring.amazonaws.com) && (($.eventName = DeleteAlarms) || \
            ($.eventName = DisableAlarmActions) || ($.eventName = SetAlarmState)) && \
            (($.userIdentity.invokedBy NOT EXISTS) || ($.userIdentity.invokedBy != \"*autoscaling.amazonaws.com\")) }"],
    },
    Tamper {
        name: "tamper-mute",
        severity: Severity::High,
        unsilenceable: true,
        patterns: &[
            "{ ($.eventSource = monitoring.amazonaws.com) && ($.eventName = PutAlarmMuteRule) }",
            "{ ($.eventSource = monitoring.amazonaws.com) && ($.eventName = PutCompositeAlarm) && \
             ($.requestParameters.actionsSuppressor = \"*\") }",
        ],
    },
    Tamper {
        name: "tamper-event-rule",
        severity: Severity::High,
        unsilenceable: true,
        patterns: &[
            "{ ($.eventSource = events.amazonaws.com) && (($.eventName = DeleteRule) || ($.eventName = DisableRule) || \
             ($.eventName = RemoveTargets) || ($.eventName = DeleteEventBus)) && \
             (($.requestParameters.name = \"*orester*\") || ($.requestParameters.rule = \"*orester*\") || \
             ($.requestParameters.name = \"*ecurity*\") || ($.requestParameters.rule = \"*ecurity*\")) }",
            "{ ($.eventSource = events.amazonaws.com) && (($.eventName = PutRule) || ($.eventName = PutTargets)) && \
             (($.requestParameters.name = \"*orester*\") || ($.requestParameters.rule = \"*orester*\")) }",
            "{ ($.eventSource = scheduler.amazonaws.com) && (($.eventName = DeleteSchedule) || \
             ($.eventName = UpdateSchedule)) && ($.requestParameters.name = \"*orester*\") }",
            "{ ($.eventSource = states.amazonaws.com) && (($.eventName = DeleteStateMachine) || \
             ($.eventName = UpdateStateMachine)) && ($.requestParameters.stateMachineArn = \"*orester*\") }",
        ],
    },
    Tamper {
        name: "tamper-topic",
        severity: Severity::High,
        unsilenceable: true,
        patterns: &["{ ($.eventSource = sns.amazonaws.com) && (($.eventName = Unsubscribe) || \
            ($.eventName = DeleteTopic) || ($.eventName = SetTopicAttributes) || \
            ($.eventName = SetSubscriptionAttributes) || ($.eventName = RemovePermission)) && \
            (($.requestParameters.topicArn = \"*orester*\") || ($.requestParameters.subscriptionArn = \"*orester*\") || \
            ($.requestParameters.topicArn = \"*ecurity*\") || ($.requestParameters.subscriptionArn = \"*ecurity*\") || \
            ($.requestParameters.topicArn = \"*CIS*\") || ($.requestParameters.subscriptionArn = \"*CIS*\")) }"],
    },
    Tamper {
        name: "tamper-forester",
        severity: Severity::Critical,
        unsilenceable: true,
        patterns: &[
            "{ ($.eventSource = lambda.amazonaws.com) && (($.eventName = \"DeleteFunction2*\") || \
             ($.eventName = \"PutFunctionConcurrency*\") || ($.eventName = \"DeleteEventSourceMapping*\") || \
             ($.eventName = \"RemovePermission*\")) && (($.requestParameters.functionName = \"*orester*\") || \
             ($.responseElements.functionArn = \"*orester*\")) }",
            "{ ($.eventSource = sqs.amazonaws.com) && (($.eventName = DeleteQueue) || ($.eventName = PurgeQueue)) && \
             ($.requestParameters.queueUrl = \"*orester*\") }",
            "{ ($.eventSource = dynamodb.amazonaws.com) && ($.eventName = DeleteTable) && \
             ($.requestParameters.tableName = \"*orester*\") }",
            "{ ($.eventSource = secretsmanager.amazonaws.com) && ($.eventName = DeleteSecret) && \
             ($.requestParameters.secretId = \"*orester*\") }",
            "{ ($.eventSource = ssm.amazonaws.com) && ($.eventName = \"DeleteParameter*\") && \
             (($.requestParameters.name = \"*orester*\") || ($.requestParameters.names[*] = \"*orester*\")) }",
        ],
    },
    Tamper {
        name: "tamper-forester-changed",
        severity: Severity::Medium,
        unsilenceable: false,
        patterns: &[
            "{ ($.eventSource = lambda.amazonaws.com) && (($.eventName = \"UpdateFunctionCode*\") || \
             ($.eventName = \"UpdateFunctionConfiguration*\") || ($.eventName = \"UpdateEventSourceMapping*\")) && \
             (($.requestParameters.functionName = \"*orester*\") || ($.responseElements.functionArn = \"*orester*\")) }",
            "{ ($.eventSource = sqs.amazonaws.com) && ($.eventName = SetQueueAttributes) && \
             ($.requestParameters.queueUrl = \"*orester*\") }",
            "{ ($.eventSource = secretsmanager.amazonaws.com) && (($.eventName = PutSecretValue) || \
             ($.eventName = UpdateSecret) || ($.eventName = PutResourcePolicy)) && \
             ($.requestParameters.secretId = \"*orester*\") }",
        ],
    },
];

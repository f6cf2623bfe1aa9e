//! The ARN of an SNS topic, with its account and region at hand.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AccountId, Arn, Malformed, Region};

/// A checked topic ARN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicArn {
    arn: Arn,
    account: AccountId,
    region: Region,
}

impl TopicArn {
    /// The account that owns the topic.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The region that the topic lives in.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Whether the topic keeps order and drops duplicates.
    pub fn is_fifo(&self) -> bool {
        self.arn.resource().ends_with(".fifo")
    }
}

impl FromStr for TopicArn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let wrong = || Malformed::new(text, "the ARN of an SNS topic (arn:aws:sns:region:account:name)");
        let arn: Arn = text.parse().map_err(|_| wrong())?;
        match (arn.service(), arn.account().parse(), arn.region().parse()) {
            ("sns", Ok(account), Ok(region)) if !arn.resource().contains(':') => Ok(Self { arn, account, region }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arn.fmt(f)
    }
}

impl TryFrom<String> for TopicArn {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<TopicArn> for String {
    fn from(topic: TopicArn) -> Self {
        topic.arn.into()
    }
}

impl schemars::JsonSchema for TopicArn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TopicArn".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^arn:[^:]+:sns:[^:]+:[0-9]{12}:[^:]+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_and_queues_are_no_topics() {
        assert!("arn:aws:sns:us-east-1:111122223333:t:2f1c8b7e".parse::<TopicArn>().is_err());
        assert!("arn:aws:sqs:us-east-1:111122223333:q".parse::<TopicArn>().is_err());
        let topic: TopicArn = "arn:aws:sns:us-east-1:111122223333:t.fifo".parse().unwrap();
        assert_eq!((topic.region().as_ref(), topic.is_fifo()), ("us-east-1", true));
    }
}

//! What comes in: mixed kinds, a share of it twice, shuffled by a seed.

use forester::event::Message;
use serde_json::{Value, json};

use crate::{Outcome, environment};

/// Signals in the order in which they come.
#[derive(Clone, Debug)]
pub struct Signals {
    /// The messages.
    pub messages: Vec<Message>,
    /// How many different ones there are of each kind.
    pub distinct: Vec<(Kind, usize)>,
}

/// A kind of signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A budget's notification.
    Budget,
    /// A CloudTrail event.
    Event,
    /// A cost anomaly.
    Anomaly,
    /// Text that no source knows.
    Unknown,
    /// An alarm: two signals, its beginning and its end.
    Alarm,
}

/// The shares of the kinds, in tenths of what is different; an alarm counts twice.
const SHARES: [(Kind, usize); 5] =
    [(Kind::Budget, 3), (Kind::Event, 3), (Kind::Anomaly, 1), (Kind::Unknown, 1), (Kind::Alarm, 1)];

/// A generator of numbers that are the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit.max(1)).unwrap_or(1);
        usize::try_from((z ^ (z >> 31)) % limit).unwrap_or_default()
    }
}

impl Signals {
    /// So many signals, `twice` percent of which are repetitions.
    pub fn new(count: usize, twice: usize, seed: u64) -> Outcome<Self> {
        let (mut random, mut messages, mut distinct) = (Random(seed), Vec::new(), Vec::new());
        let different = count - count * twice / 100;
        for (kind, tenths) in SHARES {
            let of_kind = different * tenths / 10;
            distinct.push((kind, of_kind));
            for n in 0..of_kind {
                messages.extend(signals(kind, n)?);
            }
        }
        let known = messages.len();
        while messages.len() < count {
            let again = messages.get(random.below(known)).cloned();
            messages.extend(again);
        }
        for n in (1..messages.len()).rev() {
            messages.swap(n, random.below(n + 1));
        }
        Ok(Self { messages, distinct })
    }

    /// How many different ones there are of a kind.
    pub fn of(&self, kind: Kind) -> usize {
        self.distinct.iter().find(|(known, _)| *known == kind).map_or(0, |(_, n)| *n)
    }
}

fn signals(kind: Kind, n: usize) -> Outcome<Vec<Message>> {
    let topic = |text: String| Message {
        topic: Some("arn:aws:sns:us-east-1:111122223333:t".to_owned()),
        ..Message::direct(format!("{kind:?}-{n}"), text)
    };
    Ok(match kind {
        Kind::Budget => vec![topic(budget(n))],
        Kind::Unknown => vec![topic(format!("a word from somewhere, number {n}"))],
        Kind::Event => vec![Message::direct(format!("event-{n}"), event(n).to_string())],
        Kind::Anomaly => vec![Message::direct(format!("anomaly-{n}"), anomaly(n).to_string())],
        Kind::Alarm => vec![alarm(n, "ALARM", "04:26:51")?, alarm(n, "OK", "04:41:51")?],
    })
}

fn budget(n: usize) -> String {
    format!(
        "AWS Budget Notification November 19, 2026\nAWS Account 111122223333\n\nDear AWS Customer,\n\nYou requested that we \
         alert you when the ACTUAL Cost associated with your budget-{n} budget is greater than $80.00 for the current \
         month.\n\nBudget Name: budget-{n}\nBudget Type: Cost\nBudgeted Amount: $100.00\nAlert Type: ACTUAL\nAlert \
         Threshold: > $80.00\nACTUAL Amount: $83.17\n"
    )
}

fn event(n: usize) -> Value {
    json!({"id": format!("event-{n}"), "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "detail": {
        "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey", "eventID": format!("e-{n}"),
        "awsRegion": "us-east-1", "eventTime": "2026-11-12T04:21:37Z", "recipientAccountId": "444455556666",
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::444455556666:user/user-{n}")}}})
}

fn anomaly(n: usize) -> Value {
    json!({"id": format!("anomaly-{n}"), "source": "aws.ce", "detail-type": "Anomaly Detected", "detail": {
        "anomalyId": format!("a-{n}"), "accountId": "111122223333", "dimensionValue": "Amazon SageMaker",
        "impact": {"totalImpact": 10}, "rootCauses": [{"linkedAccount": "444455556666"}]}})
}

/// The sample of an alarm's change under another name, and its end fifteen minutes later.
fn alarm(n: usize, state: &str, time: &str) -> Outcome<Message> {
    let sample = environment::root()?.join("events/alarm-fanout/eventbridge-alarm-state-change.json");
    let text = std::fs::read_to_string(sample)?.replace("CIS-4.3-RootAccountUsage", &format!("queue-age-{n}"));
    let mut event: Value = serde_json::from_str(&text)?;
    event["id"] = format!("alarm-{n}-{state}").into();
    event["time"] = format!("2026-11-12T{time}Z").into();
    event["detail"]["state"]["value"] = state.into();
    event["detail"]["state"]["timestamp"] = format!("2026-11-12T{time}.123+0000").into();
    event["detail"]["previousState"]["value"] = if state == "OK" { "ALARM" } else { "OK" }.into();
    event["detail"]["configuration"]["description"] = "The queue is old".into();
    Ok(Message::direct(format!("alarm-{n}-{state}"), event.to_string()))
}

//! What comes in: mixed kinds, a share of it twice, shuffled by a seed.

use forester::event::Message;
use serde_json::{Value, json};

use super::lanes::{LANES, Lane, ROOT};
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

    /// How many different ones of a kind are for a lane.
    pub fn to(&self, kind: Kind, lane: &str) -> usize {
        (0..self.of(kind)).filter(|n| lane_of(kind, *n).name == lane).count()
    }

    /// How many things a lane is to hear of, and in how many messages: an alarm is told at once, then what became of
    /// looking for its causes, then its end.
    pub fn due(&self, lane: &str) -> (usize, usize) {
        let kinds = SHARES.iter().map(|(kind, _)| (self.to(*kind, lane), if *kind == Kind::Alarm { 3 } else { 1 }));
        kinds.fold((0, 0), |(things, messages), (n, each)| (things + n, messages + n * each))
    }
}

/// Where the `n`th of a kind goes.
fn lane_of(kind: Kind, n: usize) -> Lane {
    if kind == Kind::Unknown { ROOT } else { LANES.get(n % LANES.len()).copied().unwrap_or(ROOT) }
}

fn signals(kind: Kind, n: usize) -> Outcome<Vec<Message>> {
    let topic = |text: String| Message {
        topic: Some("arn:aws:sns:us-east-1:111122223333:t".to_owned()),
        ..Message::direct(format!("{kind:?}-{n}"), text)
    };
    let word = format!("{kind:?}").to_lowercase();
    let name = format!("{word}-{}-{n}", lane_of(kind, n).name);
    Ok(match kind {
        Kind::Budget => vec![topic(budget(&name))],
        Kind::Unknown => vec![topic(format!("a word from somewhere: {name}"))],
        Kind::Event => vec![Message::direct(name.clone(), event(&name).to_string())],
        Kind::Anomaly => vec![Message::direct(name.clone(), anomaly(&name).to_string())],
        Kind::Alarm => vec![alarm(&name, "ALARM", "04:26:51")?, alarm(&name, "OK", "04:41:51")?],
    })
}

fn budget(name: &str) -> String {
    format!(
        "AWS Budget Notification November 19, 2026\nAWS Account 111122223333\n\nDear AWS Customer,\n\nYou requested that we \
         alert you when the ACTUAL Cost associated with your {name} budget is greater than $80.00 for the current \
         month.\n\nBudget Name: {name}\nBudget Type: Cost\nBudgeted Amount: $100.00\nAlert Type: ACTUAL\nAlert \
         Threshold: > $80.00\nACTUAL Amount: $83.17\n"
    )
}

fn event(name: &str) -> Value {
    json!({"id": name, "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "detail": {
        "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey", "eventID": format!("e-{name}"),
        "awsRegion": "us-east-1", "eventTime": "2026-11-12T04:21:37Z", "recipientAccountId": "444455556666",
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::444455556666:user/{name}")}}})
}

fn anomaly(name: &str) -> Value {
    json!({"id": name, "source": "aws.ce", "detail-type": "Anomaly Detected", "detail": {
        "anomalyId": format!("a-{name}"), "accountId": "111122223333", "dimensionValue": name,
        "impact": {"totalImpact": 10}, "rootCauses": [{"linkedAccount": "444455556666"}]}})
}

/// The sample of an alarm's change under another name, and its end fifteen minutes later.
fn alarm(name: &str, state: &str, time: &str) -> Outcome<Message> {
    let sample = environment::root()?.join("events/alarm-fanout/eventbridge-alarm-state-change.json");
    let text = std::fs::read_to_string(sample)?.replace("CIS-4.3-RootAccountUsage", name);
    let mut event: Value = serde_json::from_str(&text)?;
    event["id"] = format!("{name}-{state}").into();
    event["time"] = format!("2026-11-12T{time}Z").into();
    event["detail"]["state"]["value"] = state.into();
    event["detail"]["state"]["timestamp"] = format!("2026-11-12T{time}.123+0000").into();
    event["detail"]["previousState"]["value"] = if state == "OK" { "ALARM" } else { "OK" }.into();
    event["detail"]["configuration"]["description"] = "The queue is old".into();
    Ok(Message::direct(format!("{name}-{state}"), event.to_string()))
}

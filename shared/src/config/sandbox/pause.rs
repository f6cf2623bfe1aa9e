//! Lengths of time, as people write them.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time such as `10m`, `1h 30m` or `7d`; a day is 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pause(Duration);

impl Pause {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The length itself.
    pub fn length(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Pause {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let span = text.parse::<Span>().ok();
        let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let length = length.and_then(|length| Duration::try_from(length).ok());
        length.map(Self).ok_or_else(|| format!("`{text}` is not a length of time such as 10m, 1h 30m, 7d or 0s"))
    }
}

impl From<Pause> for String {
    fn from(pause: Pause) -> Self {
        let (days, rest) = (pause.0.as_secs() / DAY, Duration::from_secs(pause.0.as_secs() % DAY));
        let rest = SignedDuration::try_from(rest).map_or_else(|_| "0s".to_owned(), |rest| format!("{rest:#}"));
        match (days, rest.as_str()) {
            (0, _) => rest,
            (_, "0s") => format!("{days}d"),
            _ => format!("{days}d {rest}"),
        }
    }
}

impl std::fmt::Display for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(*self))
    }
}

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

impl JsonSchema for Pause {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pause".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["10m", "1h 30m", "7d"] })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pauses_are_read_and_written_as_people_write_them() {
        let pause: Pause = serde_json::from_value(json!("1h 30m")).unwrap();
        assert_eq!(pause, Pause::seconds(5_400));
        assert_eq!(String::from(pause), "1h 30m");
        let week: Pause = serde_json::from_value(json!("1w 2h")).unwrap();
        assert_eq!((week.length().as_secs(), week.to_string().as_str()), (7 * DAY + 7_200, "7d 2h"));
        assert_eq!(serde_json::from_value::<Pause>(json!("48h")).unwrap().to_string(), "2d");
        assert_eq!(serde_json::from_value::<Pause>(json!("0s")).unwrap().to_string(), "0s");
        assert!(serde_json::from_value::<Pause>(json!("1 month")).is_err(), "months differ in length");
        assert!(serde_json::from_value::<Pause>(json!("-1m")).is_err());
        assert!(serde_json::from_value::<Pause>(json!("soon")).is_err());
    }
}

//! Lengths of time, as people write them.

use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time such as `10m` or `1h 30m`.
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
        let length = text.parse::<SignedDuration>().ok().and_then(|length| Duration::try_from(length).ok());
        length.map(Self).ok_or_else(|| format!("`{text}` is not a length of time such as 10m, 1h 30m or 0s"))
    }
}

impl From<Pause> for String {
    fn from(pause: Pause) -> Self {
        SignedDuration::try_from(pause.0).map_or_else(|_| "0s".to_owned(), |length| format!("{length:#}"))
    }
}

impl JsonSchema for Pause {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pause".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["10m", "1h 30m"] })
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
        assert!(serde_json::from_value::<Pause>(json!("-1m")).is_err());
        assert!(serde_json::from_value::<Pause>(json!("soon")).is_err());
    }
}

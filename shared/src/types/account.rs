//! Accounts and organizational units, as AWS Organizations names them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Malformed, string_type};

/// A 12-digit AWS account id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    /// Stands for the account of our own credentials for as long as that is not known.
    pub(crate) fn unknown() -> Self {
        Self("000000000000".to_owned())
    }
}

impl FromStr for AccountId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(text, "a 12-digit AWS account id (quote it in YAML: \"012345678901\")"))
        }
    }
}
string_type!(AccountId, "^[0-9]{12}$");

/// The id of an organizational unit (`ou-abcd-12345678`) or of the root (`r-abcd`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OuId(String);

impl FromStr for OuId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let known = text.starts_with("ou-") || text.starts_with("r-");
        if known && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(text, "an OU id such as ou-abcd-12345678, or a root id such as r-abcd"))
        }
    }
}
string_type!(OuId, "^(ou|r)-[0-9a-z-]+$");

/// The names of the OUs from the root down to one OU, joined by `/`: `Workloads/Prod`. The root itself is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OuPath(String);

impl OuPath {
    /// The path of an OU called `name` directly under this one.
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }

    /// Whether this lies somewhere below `other`.
    pub fn is_below(&self, other: &Self) -> bool {
        match self.0.strip_prefix(&other.0) {
            Some(rest) if other.is_root() => !rest.is_empty(),
            Some(rest) => rest.starts_with('/'),
            None => false,
        }
    }

    /// Whether this is the organization's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for OuPath {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() || text.split('/').all(|name| !name.trim().is_empty()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(text, "a path of OU names such as Workloads/Prod"))
        }
    }
}
string_type!(OuPath, "^([^/]+(/[^/]+)*)?$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_id_keeps_leading_zeros() {
        assert_eq!("012345678901".parse::<AccountId>().unwrap().to_string(), "012345678901");
    }

    #[test]
    fn account_id_of_eleven_digits_is_refused_with_a_hint() {
        let error = "12345678901".parse::<AccountId>().unwrap_err().to_string();
        assert_eq!(error, "`12345678901` is not a 12-digit AWS account id (quote it in YAML: \"012345678901\")");
    }

    #[test]
    fn path_grows_from_the_root() {
        let path = OuPath::default().child("Workloads").child("Prod");
        assert_eq!(path.as_ref(), "Workloads/Prod");
        assert!("Workloads//Prod".parse::<OuPath>().is_err());
    }
}

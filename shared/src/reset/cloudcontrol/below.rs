//! Lists below a resource of another type: what that one is called there, and what it says about those below it.
//!
//! A wrong name would look like a parent that is gone, and a list below what is gone is empty. So whoever lists asks
//! again for the parents that the list did not know: one that is still there was called by the wrong name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Below;
use crate::reset::catalogue::SpareAs;
use crate::reset::item::{Found, Listing};

/// One resource that others are listed below.
#[derive(Clone, Debug, PartialEq)]
pub struct Above {
    /// What the list calls it.
    pub value: String,
    /// What was found.
    pub found: Found,
}

/// What a list said.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The list.
    pub listing: Listing,
    /// The ids of what the list was to be below, and did not know.
    pub missing: BTreeSet<String>,
}

impl From<Listing> for Told {
    fn from(listing: Listing) -> Self {
        Self { listing, missing: BTreeSet::new() }
    }
}

impl Below {
    /// Everything that there is a list below of. What is gone already has nothing below it.
    pub fn all(&self, found: Vec<Found>) -> Result<Vec<Above>, Listing> {
        let there = found.into_iter().filter(|found| found.spare != Some(SpareAs::Gone));
        let named = there.map(|found| match self.value(&found) {
            Some(value) => Ok(Above { value, found }),
            None => {
                let reason = format!("its list needs the {} of {}, which does not tell it", self.param, found.key);
                Err(Listing::Failed { reason, may_pass: false })
            }
        });
        named.collect()
    }

    /// What a failed list of the parents says about what is below them: nothing is known, so nothing is empty.
    pub fn unlisted(&self, listing: Listing) -> Listing {
        let words = |reason: String| format!("it is listed below {}, and that list said: {reason}", self.kind);
        match listing {
            Listing::Items(_) => listing,
            Listing::Denied(reason) => Listing::Denied(words(reason)),
            Listing::Unavailable(reason) => Listing::Unavailable(words(reason)),
            Listing::Failed { reason, may_pass } => Listing::Failed { reason: words(reason), may_pass },
        }
    }

    /// What the list calls it: the property of that name, the ARN where one is asked for, and otherwise what makes it
    /// this one.
    fn value(&self, found: &Found) -> Option<String> {
        let own = found.facts.iter().find(|(name, _)| name.eq_ignore_ascii_case(&self.param));
        if let Some(value) = own.and_then(|(_, value)| value.as_str()) {
            return Some(value.to_owned());
        }
        let id = found.key.id.as_str();
        let is_arn = |text: &&str| text.starts_with("arn:");
        if self.param.to_ascii_lowercase().ends_with("arn") {
            return found.arn.as_deref().or(Some(id)).filter(is_arn).map(str::to_owned);
        }
        let last = if is_arn(&id) { id.rsplit([':', '/']).next() } else { id.rsplit('|').next() };
        last.filter(|last| !last.is_empty()).map(str::to_owned)
    }
}

impl Above {
    /// Brings what it says about what is below it into one of those: what is kept keeps what belongs to it, and what
    /// belongs to AWS, to the organization or to another account holds nothing of anybody else.
    pub fn mark(&self, below: &mut Found) {
        below.with.extend([Some(self.found.key.id.clone()), self.found.arn.clone()].into_iter().flatten());
        below.foreign |= self.found.foreign;
        if below.spare.is_none() {
            below.spare = self.found.spare.filter(|spare| {
                matches!(spare, SpareAs::Aws | SpareAs::Organization | SpareAs::DefaultVpc | SpareAs::Part)
            });
        }
    }
}

/// What a resource says of itself in plain words, by which lists below it may call it.
pub(super) fn plain(all: &serde_json::Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    all.iter().filter(|(_, value)| value.is_string()).map(|(name, value)| (name.clone(), value.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(id: &str, arn: Option<&str>, facts: Value) -> Found {
        let found = json!({
            "key": {"cell": {"region": "eu-west-1", "type": "AWS::Cases::Domain"}, "id": id},
            "region": "eu-west-1", "name": id, "arn": arn, "tags": {"Ok": {}}, "created": null, "spare": null,
            "foreign": false, "trimmable": false, "needs": [], "with": [], "facts": facts,
        });
        serde_json::from_value(found).unwrap()
    }

    fn check(param: &str, id: &str, arn: Option<&str>, facts: Value, expect: Option<&str>) {
        let below = Below { param: param.to_owned(), kind: "AWS::Cases::Domain".parse().unwrap() };
        assert_eq!(below.value(&found(id, arn, facts)).as_deref(), expect, "{param} of {id}");
    }

    #[test]
    fn parents_are_called_what_the_list_calls_them() {
        check("DomainId", "d-1", None, json!({}), Some("d-1"));
        check("DomainId", "arn:aws:cases:eu-west-1:1:domain/d-1", None, json!({}), Some("d-1"));
        check("DomainId", "arn:aws:cases:eu-west-1:1:domain/x", None, json!({"domainId": "d-1"}), Some("d-1"));
        check("DomainArn", "d-1", Some("arn:d"), json!({}), Some("arn:d"));
        check("DomainARN", "arn:d", None, json!({}), Some("arn:d"));
        check("DomainArn", "d-1", None, json!({}), None);
        check("TemplateId", "d-1|t-1", None, json!({}), Some("t-1"));
    }

    #[test]
    fn parent_without_the_name_that_is_asked_for_leaves_nothing_known() {
        let below = Below { param: "DomainArn".to_owned(), kind: "AWS::Cases::Domain".parse().unwrap() };
        let listing = below.all(vec![found("d-1", None, json!({}))]).unwrap_err();
        assert!(matches!(&listing, Listing::Failed { reason, may_pass: false } if reason.contains("DomainArn")));
    }
}

//! The `sandbox` section: which accounts are emptied, when, and what is spared.
//!
//! Emptying an account cannot be taken back, so nothing here has a default that widens what is deleted, and a word that
//! is not understood is an error rather than a rule that silently protects nothing.

mod cron;
mod freeze;
mod guards;
mod limits;
mod pause;
mod protect;
mod recreate;
mod schedule;
mod snooze;
mod windows;
mod witness;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OuPattern;
use crate::types::OuPath;

pub use freeze::{Freeze, Quarantine};
pub use guards::{Approve, FirstRun, Guards};
pub use limits::Limits;
pub use pause::Pause;
pub use protect::Protect;
pub use recreate::{Fallback, Pool, Recreate};
pub use schedule::Schedule;
pub use snooze::{Costs, Snooze};
pub use windows::{Window, Windows};
pub use witness::{CloudControl, Witness, Witnesses};

/// The `sandbox` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Which accounts are sandboxes: both conditions must hold.
    #[serde(rename = "match")]
    pub matches: SandboxMatch,
    /// When they are reset; absent: only when somebody asks.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// How long before a scheduled reset the owner is told what will go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notice: Vec<Pause>,
    /// How far the owner may put a reset off; absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snooze: Option<Snooze>,
    /// Where costs are read, for the receipt.
    #[serde(default)]
    pub costs: Costs,
    /// What a reset is.
    #[serde(default)]
    pub how: How,
    /// What becomes of the default VPCs.
    #[serde(default)]
    pub default_vpc: ResetVpc,
    /// What is never deleted; one matching rule is enough.
    #[serde(default)]
    pub protect: Vec<Protect>,
    /// What stands between an account and its reset beside `match`.
    #[serde(default)]
    pub guards: Guards,
    /// The name of an SSM parameter in the home region of Forester's own account. While it holds anything but `off`, no
    /// run works on; where there is no such parameter, runs work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill_switch: Option<String>,
    /// When resets may work; absent: at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// Where a reset stops by itself.
    #[serde(default)]
    pub limits: Limits,
    /// How often what is left over is tried again before the run gives up.
    #[serde(default = "three")]
    pub retries: u32,
    /// The time between the two scans that must both find nothing (log groups come back late).
    #[serde(default = "ten_minutes")]
    pub rescan_after: Pause,
    /// How long one resource may stay blocked, or take to vanish, before it counts as failed.
    #[serde(default = "three_quarters")]
    pub patience: Pause,
    /// Whether nobody else works in an account while it is reset.
    #[serde(default)]
    pub freeze: Freeze,
    /// Roles that work in a frozen account all the same: names, with `*` for any letters. Those of IAM Identity Center
    /// are written `AWSReservedSSO_NAME_*`.
    #[serde(default)]
    pub freeze_spares: Vec<String>,
    /// What becomes of an account whose resets fail.
    #[serde(default)]
    pub quarantine: Quarantine,
    /// What is done about an account that cannot be emptied.
    #[serde(default)]
    pub fallback: Fallback,
    /// How accounts are closed and made anew; needed for `how: recreate`, `fallback: recreate` and `pool`.
    #[serde(default)]
    pub recreate: Option<Recreate>,
    /// Fresh accounts that are kept ready to take the place of a closed one.
    #[serde(default)]
    pub pool: Option<Pool>,
    /// Where types are listed that have no entry in the catalogue, through Cloud Control.
    #[serde(default)]
    pub cloud_control: CloudControl,
    /// Who is asked what is in use, besides the lists.
    #[serde(default)]
    pub witnesses: Witnesses,
}

/// Which accounts are sandboxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SandboxMatch {
    /// The OU, as a path from the root; `*` stands for one name, `/**` for the OU and everything below.
    pub ou: OuPattern,
    /// Tags that the account must carry, all of them.
    pub tag: BTreeMap<String, String>,
}

/// What a reset is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The account is emptied and stays.
    #[default]
    Empty,
    /// The account is closed and a fresh one made.
    Recreate,
}

/// What becomes of the default VPCs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetVpc {
    /// Deleted with everything else, and made anew where the region has none at the end.
    Recreate,
    /// Left alone, with its default subnets and its gateway.
    #[default]
    Keep,
    /// Deleted.
    Delete,
}

const fn three() -> u32 {
    3
}

const fn ten_minutes() -> Pause {
    Pause::seconds(600)
}

/// Network interfaces of deleted Lambda functions are known to linger for 40 minutes.
const fn three_quarters() -> Pause {
    Pause::seconds(45 * 60)
}

impl SandboxMatch {
    /// Whether an account in this OU is meant.
    pub fn takes_ou(&self, ou: &OuPath) -> bool {
        !ou.is_root() && self.ou.holds(ou)
    }

    /// The first tag that the account lacks, with the value that was expected.
    pub fn missing_tag(&self, tags: &BTreeMap<String, String>) -> Option<(&str, &str)> {
        let lacking = |(key, value): &(&String, &String)| tags.get(*key) != Some(*value);
        self.tag.iter().find(lacking).map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl Sandbox {
    /// What is wrong with the section beyond its form: where (below `sandbox`), and what was expected.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = self.lacks_addresses().collect();
        let mut wrong = |path: &str, message: &str| found.push((path.to_owned(), message.to_owned()));
        if self.schedule.is_none() && !self.notice.is_empty() {
            wrong("notice", "there is no `schedule`, so no reset could be announced; give one, or remove the line");
        }
        if self.schedule.is_none() && self.snooze.is_some() {
            wrong("snooze", "there is no `schedule`, so there is nothing to put off; give one, or remove the line");
        }
        for (n, notice) in self.notice.iter().enumerate() {
            let at = format!("notice[{n}]");
            if notice.length().is_zero() {
                wrong(&at, "expected a length of time before the reset, such as 7d or 12h");
            } else if self.notice.iter().take(n).any(|other| other == notice) {
                wrong(&at, "is there twice");
            }
        }
        if self.matches.ou.to_string().split('/').all(|name| name.trim_matches('*').is_empty()) {
            wrong("match.ou", "would take every account; name the OU that holds the sandboxes");
        }
        if self.matches.tag.is_empty() {
            wrong("match.tag", "expected at least one tag that an account must carry to be emptied");
        }
        if self.limits.accounts_at_once == 0 {
            wrong("limits.accounts_at_once", "expected at least 1");
        }
        let below = |section: &str, problems: Vec<(String, String)>| {
            let section = section.to_owned();
            problems.into_iter().map(move |(path, message)| (format!("{section}.{path}"), message))
        };
        if self.pool.as_ref().is_some_and(|pool| self.matches.takes_ou(&pool.ou)) {
            let message = "is an OU whose accounts are reset; name one outside of `match.ou`";
            found.push(("pool.ou".to_owned(), message.to_owned()));
        }
        found.extend(below("recreate", self.recreate.iter().flat_map(Recreate::problems).collect()));
        found.extend(below("pool", self.pool.iter().flat_map(Pool::problems).collect()));
        for (n, name) in self.freeze_spares.iter().enumerate() {
            found.extend(freeze::problem(name).map(|message| (format!("freeze_spares[{n}]"), message.to_owned())));
        }
        found.extend(self.schedule.iter().flat_map(Schedule::problems));
        found.extend(self.snooze.iter().flat_map(Snooze::problems));
        let named = |name: &str| name.starts_with('/') && name.len() > 1 && !name.contains(char::is_whitespace);
        if let Some(name) = self.kill_switch.as_deref().filter(|name| !named(name)) {
            let message = format!("`{name}` is not a parameter's name such as /forester/stop-resets");
            found.push(("kill_switch".to_owned(), message));
        }
        found.extend(self.windows.iter().filter_map(Windows::problems));
        found.extend(self.guards.problems());
        found.extend(self.witnesses.problems());
        for (n, rule) in self.protect.iter().enumerate() {
            found.extend(rule.problems().into_iter().map(|(path, message)| (format!("protect[{n}]{path}"), message)));
        }
        found
    }

    /// What makes accounts, though it is not said how they are made.
    fn lacks_addresses(&self) -> impl Iterator<Item = (String, String)> {
        let makes = [
            ("how", self.how == How::Recreate),
            ("fallback", self.fallback == Fallback::Recreate),
            ("pool", self.pool.is_some()),
        ];
        let message = "needs `recreate: {email: \"aws+{name}-g{generation}@…\"}`, the addresses of new accounts";
        let lacking = makes.into_iter().filter(|(_, makes)| *makes && self.recreate.is_none());
        lacking.map(|(path, _)| (path.to_owned(), message.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn section(change: &[(&str, Value)]) -> Value {
        let mut section = json!({"match": {"ou": "Sandbox", "tag": {"forester-sandbox": "true"}}});
        for (key, value) in change {
            section[*key] = value.clone();
        }
        section
    }

    fn check(change: &[(&str, Value)], expect: &[&str]) {
        let sandbox: Sandbox = serde_json::from_value(section(change)).unwrap();
        let paths: Vec<String> = sandbox.problems().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, expect);
    }

    #[test]
    fn shortest_section_is_accepted() {
        check(&[], &[]);
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        check(&[("how", json!("recreate"))], &["how"]);
    }

    #[test]
    fn notices_and_snoozes_need_a_schedule_and_sense() {
        let schedule = ("schedule", json!({"cron": "0 2 ? * SUN *"}));
        let snooze = ("snooze", json!({"at_most": "7d"}));
        check(&[schedule.clone(), ("notice", json!(["7d", "1d"])), snooze.clone()], &[]);
        check(&[("notice", json!(["7d"])), snooze], &["notice", "snooze"]);
        let senseless = ("snooze", json!({"at_most": "0s", "times": 0}));
        let expect = ["notice[1]", "notice[2]", "snooze.at_most", "snooze.times"];
        check(&[schedule, ("notice", json!(["24h", "1d", "0s"])), senseless], &expect);
    }

    #[test]
    fn closing_and_creating_need_addresses_and_a_pool_of_its_own() {
        let recreate = json!({"email": "aws+{name}-g{generation}@acme.example"});
        check(&[("how", json!("recreate")), ("recreate", recreate.clone())], &[]);
        check(&[("fallback", json!("recreate"))], &["fallback"]);
        let pool = |ou: &str| json!({"ready": 2, "ou": ou, "prefix": "spare"});
        check(&[("recreate", recreate.clone()), ("pool", pool("Pool"))], &[]);
        check(&[("recreate", recreate), ("pool", pool("Sandbox"))], &["pool.ou"]);
        check(&[("recreate", json!({"email": "aws@acme.example"}))], &["recreate.email"]);
        check(&[("freeze_spares", json!(["AWSReservedSSO_Admin_*", "*"]))], &["freeze_spares[1]"]);
    }

    #[test]
    fn every_problem_is_found_at_once() {
        let rules = json!([{}, {"name": "x"}, {"tag": {"keep": ">= tomorrow"}}, {"arn": "role/x"}]);
        let schedule = json!({"cron": "0 2 * *", "timezone": "Mars/Base"});
        let expect = [
            "schedule.cron",
            "schedule.timezone",
            "protect[0]",
            "protect[1].name",
            "protect[2].tag.keep",
            "protect[3].arn",
        ];
        check(&[("protect", rules), ("schedule", schedule)], &expect);
    }

    #[test]
    fn what_a_rule_does_not_know_or_leaves_out_is_an_error_at_any_depth() {
        let wrong = [
            json!({"tags": {"keep": "true"}}),
            json!({"any": [{"tag": {"a": "b"}}, {"all": [{"tags": {"keep": "true"}}]}]}),
            json!({"not": {"older": "7d"}}),
            json!({"younger_than": "a week"}),
            json!({"type": "AWS::S3::Bucket", "tag": null}),
            json!({"type": "AWS::S3::Bucket", "any": null}),
        ];
        for rule in wrong {
            let read = serde_json::from_value::<Sandbox>(section(&[("protect", json!([rule.clone()]))]));
            assert!(read.is_err(), "{rule}");
        }
    }

    #[test]
    fn parts_of_rules_that_protect_nothing_are_told_with_their_place() {
        let rule = |rule: Value, expect: &[&str]| check(&[("protect", json!([rule]))], expect);
        rule(json!({"any": []}), &["protect[0].any"]);
        rule(json!({"type": "AWS::S3::Bucket", "all": []}), &["protect[0].all"]);
        rule(json!({"not": {}}), &["protect[0].not"]);
        rule(json!({"type": "AWS::S3::Bucket", "tag": {}}), &["protect[0].tag"]);
        rule(json!({"any": [{"arn": "*"}, {"not": {"all": [{}]}}]}), &["protect[0].any[1].not.all[0]"]);
        rule(json!({"any": [{"tag": {"keep": "< today"}}]}), &["protect[0].any[0].tag.keep"]);
        rule(
            json!({"any": [{"region": "EU"}, {"region": ""}]}),
            &["protect[0].any[0].region", "protect[0].any[1].region"],
        );
        rule(json!({"any": [{"name": "x-*"}]}), &["protect[0].any[0].name"]);
        rule(json!({"younger_than": "7d", "older_than": "30d"}), &["protect[0].older_than"]);
        rule(json!({"younger_than": "0s"}), &["protect[0].younger_than"]);
    }

    #[test]
    fn a_name_may_have_its_type_around_or_beside_it() {
        let kind = json!({"type": "AWS::S3::Bucket"});
        let rules = json!([
            {"type": "AWS::S3::Bucket", "not": {"name": "scratch-*"}},
            {"all": [kind, {"any": [{"name": "tf-*"}, {"name": "logs-*"}]}]},
            {"older_than": "7d", "younger_than": "30d", "region": "eu-*"},
        ]);
        check(&[("protect", rules)], &[]);
    }

    #[test]
    fn match_without_tag_is_an_error() {
        assert!(serde_json::from_value::<Sandbox>(json!({"match": {"ou": "Sandbox"}})).is_err());
        check(&[("match", json!({"ou": "**", "tag": {}}))], &["match.ou", "match.tag"]);
    }

    fn takes(pattern: &str, ou: &str) -> bool {
        let matches = SandboxMatch { ou: pattern.parse().unwrap(), tag: BTreeMap::new() };
        matches.takes_ou(&ou.parse().unwrap())
    }

    #[test]
    fn ou_is_matched_as_a_path() {
        assert!(takes("Sandbox", "Sandbox"));
        assert!(takes("Teams/*", "Teams/Blue"));
        assert!(takes("Sandbox/**", "Sandbox/A/B"));
        assert!(!takes("Sandbox", "Sandbox/Blue"), "an OU below is another OU");
        assert!(!takes("Sandbox", "Workloads/Sandbox"));
        assert!(!takes("Teams/*", "Teams/Blue/Prod"));
        assert!(!takes("**", ""), "the root is never meant");
    }
}

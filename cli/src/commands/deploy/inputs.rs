//! Inputs of the template that follow from the file, so that nobody says a thing twice and differently.

use std::collections::BTreeMap;

use forester::aws::Scope;
use forester::config::Config;
use serde_json::{Value, json};

use crate::output::note;

/// Executions at once: people press a button now and then.
const SHARE: u64 = 5;
const LONGEST_NAME: usize = 30;

/// `NAME=VALUE`, as `--parameter` takes it.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as LogDays=365".to_owned()),
    }
}

/// A name for the stack. Names of functions (64 characters) and rules begin with it, and what watches over Forester's own
/// parts knows them by it.
pub fn stack_name(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    match plain && begins && text.len() <= LONGEST_NAME && text.contains("orester") {
        true => Ok(text.to_owned()),
        false => Err(format!("expected letters, digits and hyphens, {LONGEST_NAME} at most, with `forester` in it")),
    }
}

/// What the function behind the open URL may have, so that a flood leaves the others what they need: nothing where the
/// account has too few to reserve any
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>).
pub async fn share(home: &Scope) -> Option<(String, String)> {
    const ENOUGH: u64 = 200;
    let settings = home.call("lambda", "GetAccountSettings", json!({})).await.ok()?;
    let limit = |name: &str| settings.pointer(&format!("/AccountLimit/{name}")).and_then(Value::as_u64);
    let enough =
        limit("ConcurrentExecutions")? >= ENOUGH && limit("UnreservedConcurrentExecutions")? > ENOUGH / 2 + SHARE;
    enough.then(|| ("ReservedForActions".to_owned(), SHARE.to_string()))
}

/// The parameters that the file decides.
pub fn derived(config: &Config) -> BTreeMap<String, String> {
    let access = &config.access;
    // Where the file has no second role, none but the first may be taken.
    let fallback = access.fallback.first().unwrap_or(&access.role);
    if let Some(more) = access.fallback.get(1..).filter(|more| !more.is_empty()) {
        note(format_args!(
            "the functions may take {} and {fallback}; access.fallback also names {}, which only people may take",
            access.role,
            more.join(", ")
        ));
    }
    let schedule = config.sandbox.as_ref().and_then(|sandbox| sandbox.schedule.as_ref());
    // Without a schedule in the file nothing is reset by itself, whatever the template begins with.
    let state = if schedule.is_some() { "ENABLED" } else { "DISABLED" };
    let mut given =
        vec![("MemberRole", access.role.clone()), ("FallbackRole", fallback.clone()), ("ResetState", state.to_owned())];
    if let Some(schedule) = schedule {
        given.push(("ResetSchedule", format!("cron({})", schedule.cron)));
        given.push(("ResetTimezone", schedule.timezone.clone()));
    }
    given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Answers, scope};
    use super::*;

    const FILE: &str = "version: 1\nmode: single-account\nhome_region: us-east-1\nregions: {govern: [us-east-1]}\n\
        accounts:\n  root: {}\n";

    fn check(more: &str, expect: &[(&str, &str)]) {
        let config = Config::parse(&format!("{FILE}{more}"), "forester.yaml").unwrap();
        let found = derived(&config);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn roles_and_schedule_are_those_of_the_file() {
        check("access: {role: A}\n", &[("FallbackRole", "A"), ("MemberRole", "A"), ("ResetState", "DISABLED")]);
        check(
            "access: {role: A, fallback: [B, C]}\nsandbox:\n  match: {ou: S, tag: {s: \"true\"}}\n  \
             schedule: {cron: \"0 2 ? * SUN *\", timezone: Europe/Amsterdam}\n",
            &[
                ("FallbackRole", "B"),
                ("MemberRole", "A"),
                ("ResetSchedule", "cron(0 2 ? * SUN *)"),
                ("ResetState", "ENABLED"),
                ("ResetTimezone", "Europe/Amsterdam"),
            ],
        );
    }

    #[tokio::test]
    async fn open_function_gets_no_more_than_its_share() {
        let of = async |limit: u64, free: u64| {
            let told = json!({ "AccountLimit": {
                "ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": free,
            }});
            share(&scope(Answers::new().with("GetAccountSettings", told))).await.map(|(_, value)| value)
        };
        assert_eq!(of(1000, 1000).await.as_deref(), Some("5"));
        assert_eq!(of(1000, 995).await.as_deref(), Some("5"), "the second time as well");
        assert_eq!(of(10, 10).await, None);
        assert_eq!(of(1000, 100).await, None);
    }

    #[test]
    fn stacks_are_known_by_their_name() {
        for good in ["forester", "Forester", "acme-forester-eu"] {
            assert_eq!(stack_name(good), Ok(good.to_owned()));
        }
        for bad in ["trees", "forester_1", "1forester", "forester-that-has-a-very-long-name", ""] {
            assert!(stack_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn inputs_are_names_and_values() {
        assert_eq!(pair("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("A="), Ok(("A".to_owned(), String::new())));
        assert!(pair("A").is_err() && pair("=b").is_err());
    }
}

//! The guide's own cases, what is settled beyond them, and what is no pattern. The cases are a file, because the local
//! stack's evaluator is held to the same.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cis::CONTROLS;

fn cases() -> Value {
    serde_json::from_str(include_str!("cases.json")).unwrap()
}

/// Every case of a group: its pattern, the message, and whether it fits; null where the pattern is none.
fn check_group(group: &str) {
    let cases = cases();
    let list = cases[group].as_array().unwrap();
    assert!(!list.is_empty(), "{group}");
    for case in list {
        let (pattern, name) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        let message = match &cases["events"][name] {
            Value::Null => name.to_owned(),
            Value::String(text) => text.clone(),
            event => event.to_string(),
        };
        let fits = Pattern::parse(pattern).map(|pattern| pattern.matches(&message));
        assert_eq!(fits.as_ref().ok(), case[2].as_bool().as_ref(), "{pattern} on {message}: {fits:?}");
    }
}

#[test]
fn every_case_of_the_guide_is_judged_as_it_says() {
    ["documented", "fields", "regexes"].into_iter().for_each(check_group);
}

#[test]
fn what_the_guide_leaves_open_is_settled() {
    check_group("settled");
}

fn refused(pattern: &str, at: usize, expect: &str) {
    let error = Pattern::parse(pattern).expect_err(pattern);
    assert_eq!(error.at, at, "{pattern}: {error}");
    assert!(error.to_string().contains(expect), "{pattern}: {error}");
}

#[test]
fn errors_name_the_place_and_the_way_out() {
    refused("{ $.a = 1", 10, "close the pattern with }");
    refused("{ a = 1 }", 3, "name the property from the root");
    refused("{ $.a EXISTS }", 7, "AWS has no EXISTS; write = \"*\"");
    refused("{ $.a IS NOT NULL }", 10, "expected NULL, TRUE or FALSE, found `NOT NULL }`");
    refused("{ $.a > \"x\" }", 9, "`>` needs a number; compare texts with = or !=");
    refused("{ $.a = x y }", 11, "join the conditions with && or ||");
    refused("{ $.a = }", 9, "expected a value");
    refused("{ $.a@b = x }", 6, "goes in brackets");
    refused("{ $.a = \"x }", 9, "close it with a double quotation mark");
    refused("{ $.a = x } y", 13, "the pattern ended before `y`");
    refused("{ ($.a = x }", 12, "close the parenthesis");
    refused("{ $.a[x] = 1 }", 7, "write an element as [0]");
    refused("{ $.a = %(x)% }", 10, "no parentheses");
    refused("{ $.a = %x!% }", 11, "do not take `!`");
    refused("{ $.a = %ü% }", 10, "is not ASCII");
    refused("{ $.a = %x ", 9, "close it with %");
    refused("{ $.*.b[*] = x }", 3, "too many wildcard selectors");
    refused("[a, a2 = 1 && b = 2]", 16, "name `a2` and `b`");
    refused("[..., a, ...]", 13, "twice");
    refused("\"open", 1, "close it");
    refused("not-quoted", 4, "double quotation marks");
    refused("ERROR ?", 8, "expected a word");
}

#[test]
fn limits_of_aws_are_limits_here() {
    refused("{ $.a = %x% || $.b = %y% || $.c = %z% }", 35, "more than 2 regular expressions");
    refused("{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }", 45, "too many wildcard selectors");
    refused(&"x".repeat(LIMIT + 1), 1, "has 1025 characters, and AWS takes 1024");
    let nested = format!("{{ {}$.a = 1{} }}", "(".repeat(33), ")".repeat(33));
    refused(&nested, 36, "nested too deep");
    assert!(Pattern::parse(&nested.replacen("((", "", 1).replacen("))", "", 1)).is_ok());
}

#[test]
fn whole_numbers_are_compared_to_the_last_digit() {
    let fits = |pattern: &str, n: u64| Pattern::parse(pattern).unwrap().matches_json(&json!({ "n": n }));
    assert!(fits("{ $.n = 9007199254740993 }", 9_007_199_254_740_993));
    assert!(!fits("{ $.n = 9007199254740993 }", 9_007_199_254_740_992));
}

#[test]
fn quotes_escape_what_would_end_or_widen_them() {
    let fits = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().matches_json(&json!({ "a": text }));
    assert!(fits(r#"{ $.a = "say \"hi\"*" }"#, "say \"hi\" now"));
    assert!(fits(r#"{ $.a = "x\*" }"#, "x*") && !fits(r#"{ $.a = "x\*" }"#, "xy"));
    assert!(fits(r#"{ $.a = "a*a" }"#, "aa") && !fits(r#"{ $.a = "a*a" }"#, "a"));
}

#[test]
fn same_meaning_has_the_same_canonical_text() {
    let canonical = |pattern: &str| Pattern::parse(pattern).unwrap().canonical().unwrap();
    let spaced = "{ ($.eventName = \"B\") || (($.eventName = A) || ($.eventName=\"A\")) }";
    assert_eq!(canonical(spaced), canonical("{$.eventName=A||$.eventName=B}"));
    assert_ne!(canonical("{ $.a = 1 && $.b = 2 || $.c = 3 }"), canonical("{ $.a = 1 && ($.b = 2 || $.c = 3) }"));
    for control in &CONTROLS {
        let once = canonical(control.pattern);
        assert_eq!(canonical(&once), once, "{}", control.name);
    }
}

#[test]
fn patterns_that_nothing_fits_are_found() {
    let why = |pattern: &str| contradiction(Pattern::parse(pattern).unwrap().conditions().unwrap());
    let clash = |pattern: &str| assert!(why(pattern).is_some(), "{pattern}");
    let sound = |pattern: &str| assert_eq!(why(pattern), None, "{pattern}");
    clash("{ $.a = x && $.a = y }");
    clash("{ $.a = x && $.a != x }");
    clash("{ $.a = x && $.a NOT EXISTS }");
    clash("{ $.a NOT EXISTS && ($.b = 1 && $.a IS NULL) }");
    clash("{ $.a > 5 && $.a < 5 }");
    clash("{ $.a = 7 && $.a <= 6 }");
    clash("{ ($.a = x || $.a = y) && $.a = z }");
    clash("{ $.a = \"x\" && $.a = \"y*\" }");
    sound("{ $.a = x || $.a = y }");
    sound("{ ($.a = x || $.a = y) && $.a = y }");
    sound("{ $.a = \"x*\" && $.a = \"xy*\" }");
    sound("{ $.a[*] = x && $.a[*] = y }");
    sound("{ $.a >= 5 && $.a <= 5 }");
    let text = why("{ $.a = x && $.a = y }").unwrap();
    assert_eq!(text, "`$.a = \"x\"` and `$.a = \"y\"` cannot both be so");
    CONTROLS.iter().for_each(|control| sound(control.pattern));
}

/// What backtracking engines and naive wildcards choke on; quadratic work would take minutes here.
#[test]
fn hostile_events_take_linear_time() {
    let text = "a".repeat(1_000_000);
    let stars = format!("{{ $.a = \"{}b\" }}", "*a".repeat(400));
    let regex = "{ $.a = %^a*a*a*a*a*a*b$% }";
    for pattern in [stars.as_str(), regex] {
        assert!(!Pattern::parse(pattern).unwrap().matches_json(&json!({ "a": text })));
    }
    assert!(Pattern::parse("%a{1000}{1000}%").is_err());
    assert!(!Pattern::parse("[a, b, ..., c = x]").unwrap().matches(&"[\"".repeat(200_000)));
}

proptest! {
    #[test]
    fn nothing_panics(pattern in ".{0,60}", message in ".{0,60}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.matches(&message);
        }
    }

    /// Patterns made of the language's own pieces get further than noise.
    #[test]
    fn pieces_in_any_order_never_panic(pieces in proptest::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", "(", ")", "$", ".a", ".*", "[0]", "[*]", "['b c']", "=", "!=", "<", ">=", "&&", "||", "\"", "%", "\\",
        "x*", "1e3", "-", "?", "...", ",", " ", "IS ", "NULL", "NOT ", "EXISTS", "ü", "{,3}", "a{2}", "^", "\\x4", "w1",
    ]), 0..24), wrap in 0..3) {
        let inner = pieces.concat();
        let text = match wrap { 0 => inner, 1 => format!("{{ $.a {inner} }}"), _ => format!("[{inner}]") };
        if let Ok(pattern) = Pattern::parse(&text) {
            let event = json!({"a": "x", "b c": [1, {"a": null}]});
            pattern.matches(&event.to_string());
            if let (Some(canonical), Some(expr)) = (pattern.canonical(), pattern.conditions()) {
                let again = Pattern::parse(&canonical).map_err(|error| TestCaseError::fail(format!("{canonical}: {error}")))?;
                prop_assert_eq!(again.matches_json(&event), pattern.matches_json(&event));
                if contradiction(expr).is_some() {
                    prop_assert!(!pattern.matches_json(&event));
                }
            }
        }
    }

    /// A wildcard says what the regular expression of the same form says.
    #[test]
    fn wildcards_agree_with_regular_expressions(glob in "[ab*]{0,8}", text in "[ab]{0,10}") {
        let by_glob = Glob::plain(&glob).matches(&text);
        let regex = format!("^{}$", glob.replace('*', ".*"));
        prop_assert_eq!(by_glob, regex_lite::Regex::new(&regex).unwrap().is_match(&text));
    }
}

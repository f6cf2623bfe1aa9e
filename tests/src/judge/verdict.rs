//! What two looks at an account mean for one check.

use super::{Answer, Check, Expect};

/// What became of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It complained, or had nothing to look at, and is content now.
    Fixed,
    /// It was content before, too.
    Held,
    /// It is not content, which was to be expected: why.
    Excused(String),
    /// It should be content and is not: why.
    Missed(String),
}

/// Judges one check by what it said before and after the baseline.
pub fn judge(check: &Check, before: &Answer, after: &Answer) -> Verdict {
    let judged = match check.expect {
        Expect::Pass => passed(before, after),
        Expect::Gone => gone(before, after),
    };
    match (judged, &check.excuse) {
        (Verdict::Missed(_), Some(excuse)) => Verdict::Excused(excuse.clone()),
        (judged, _) => judged,
    }
}

fn passed(before: &Answer, after: &Answer) -> Verdict {
    match (before.passes(), after.passes(), after.findings.first()) {
        (true, true, _) => Verdict::Held,
        (false, true, _) => Verdict::Fixed,
        (_, false, None) => Verdict::Missed(with_reasons("it found nothing to judge", &after.problems)),
        (_, false, Some(first)) => {
            let worst = after.complaint().unwrap_or(first);
            Verdict::Missed(format!("{}: {}", worst.region, worst.said))
        }
    }
}

fn gone(before: &Answer, after: &Answer) -> Verdict {
    // A look that failed sees nothing, which is no proof that nothing is there. What failed before as well did not keep
    // the check from seeing.
    let failed: Vec<String> = after.problems.iter().filter(|one| !before.problems.contains(one)).cloned().collect();
    match (before.complaint(), after.complaint()) {
        (None, _) => Verdict::Missed(with_reasons("it had nothing to complain about before", &before.problems)),
        (Some(_), Some(left)) => Verdict::Missed(format!("{}: {}", left.region, left.said)),
        (Some(_), None) if failed.is_empty() => Verdict::Fixed,
        (Some(_), None) => Verdict::Missed(with_reasons("it could not look", &failed)),
    }
}

fn with_reasons(what: &str, problems: &[String]) -> String {
    std::iter::once(what).chain(problems.iter().map(String::as_str)).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::{Finding, Judged};
    use super::*;

    fn answer(statuses: &[&str]) -> Answer {
        let finding = |status: &&str| Finding {
            status: (*status).to_owned(),
            region: "eu-west-1".to_owned(),
            said: format!("said {status}"),
        };
        Answer { findings: statuses.iter().map(finding).collect(), problems: Vec::new() }
    }

    fn check(expect: Expect, before: &[&str], after: &[&str], verdict: &Verdict) {
        let check = Check { expect, judged: Judged::Member, excuse: None };
        assert_eq!(judge(&check, &answer(before), &answer(after)), *verdict, "{before:?} then {after:?}");
    }

    fn missed(why: &str) -> Verdict {
        Verdict::Missed(why.to_owned())
    }

    #[test]
    fn a_check_that_passes_is_fixed_or_was_never_broken() {
        check(Expect::Pass, &["FAIL", "FAIL"], &["PASS", "PASS"], &Verdict::Fixed);
        check(Expect::Pass, &[], &["PASS"], &Verdict::Fixed);
        check(Expect::Pass, &["PASS"], &["PASS"], &Verdict::Held);
    }

    #[test]
    fn one_region_that_fails_is_one_too_many() {
        check(Expect::Pass, &["FAIL", "FAIL"], &["PASS", "FAIL"], &missed("eu-west-1: said FAIL"));
        check(Expect::Gone, &["FAIL", "FAIL"], &["FAIL"], &missed("eu-west-1: said FAIL"));
    }

    #[test]
    fn silence_is_no_pass() {
        check(Expect::Pass, &["FAIL"], &[], &missed("it found nothing to judge"));
        check(Expect::Pass, &["MANUAL"], &["MANUAL"], &missed("eu-west-1: said MANUAL"));
    }

    #[test]
    fn what_should_vanish_must_have_been_there() {
        check(Expect::Gone, &["FAIL"], &[], &Verdict::Fixed);
        check(Expect::Gone, &[], &[], &missed("it had nothing to complain about before"));
    }

    #[test]
    fn a_look_that_failed_proves_nothing() {
        let check = Check { expect: Expect::Gone, judged: Judged::Member, excuse: None };
        let blind = Answer { problems: vec!["DescribeVpcs: denied".to_owned()], ..Answer::default() };
        assert_eq!(judge(&check, &answer(&["FAIL"]), &blind), missed("it could not look; DescribeVpcs: denied"));
        let no_worse = Answer { problems: blind.problems.clone(), ..answer(&["FAIL"]) };
        assert_eq!(judge(&check, &no_worse, &blind), Verdict::Fixed);
    }

    #[test]
    fn an_excuse_is_for_a_miss_and_hides_no_pass() {
        let excused = Check { expect: Expect::Pass, judged: Judged::Member, excuse: Some("not emulated".to_owned()) };
        let why = Verdict::Excused("not emulated".to_owned());
        assert_eq!(judge(&excused, &answer(&[]), &answer(&[])), why);
        assert_eq!(judge(&excused, &answer(&["FAIL"]), &answer(&["PASS"])), Verdict::Fixed);
    }
}

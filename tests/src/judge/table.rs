//! The judgement as people read it: a line a check, below the aspect that it judges.

use super::{Answer, Answers, Catalogue, Check, Judged, Verdict, judge};

/// One check of one aspect, asked twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The aspect.
    pub aspect: String,
    /// The check.
    pub check: String,
    /// Where it was asked.
    pub judged: Judged,
    /// What it said before.
    pub before: Answer,
    /// What it said afterwards.
    pub after: Answer,
    /// What that means.
    pub verdict: Verdict,
    /// It has an excuse and passes without.
    pub needless: bool,
}

impl Row {
    /// The rows of every check of `catalogue`; `answers` gives what an account's checks said before and after.
    pub fn all<'a>(catalogue: &Catalogue, answers: impl Fn(Judged) -> Option<&'a (Answers, Answers)>) -> Vec<Self> {
        let checks = catalogue.0.iter().flat_map(|(aspect, checks)| checks.iter().map(move |check| (aspect, check)));
        checks.map(|(aspect, (name, check))| Self::of(aspect, name, check, answers(check.judged))).collect()
    }

    fn of(aspect: &str, name: &str, check: &Check, answers: Option<&(Answers, Answers)>) -> Self {
        let answer = |answers: &Answers| answers.get(name).cloned().unwrap_or_default();
        let (before, after) = answers.map(|(before, after)| (answer(before), answer(after))).unwrap_or_default();
        let verdict = judge(check, &before, &after);
        let needless = verdict == Verdict::Fixed && check.excuse.is_some();
        Self {
            aspect: aspect.to_owned(),
            check: name.to_owned(),
            judged: check.judged,
            before,
            after,
            verdict,
            needless,
        }
    }
}

/// All rows, and a sentence that counts them.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.check.len()).max().unwrap_or_default().max("check".len());
    let mut lines = vec![line(width, ["check", "account", "before", "after", "verdict"])];
    let mut aspect = "";
    for row in rows {
        if row.aspect != aspect {
            aspect = &row.aspect;
            lines.push(aspect.to_owned());
        }
        let (before, after) = (row.before.to_string(), row.after.to_string());
        lines.push(line(width, [&row.check, row.judged.account(), &before, &after, word(&row.verdict)]));
        if let Verdict::Missed(why) | Verdict::Excused(why) = &row.verdict {
            lines.extend(why.split("; ").map(|line| format!("      {line}")));
        }
        if row.needless {
            lines.push("      it passes without the excuse that checks.toml makes for it".to_owned());
        }
    }
    lines.push(String::new());
    lines.push(counted(rows));
    lines.join("\n")
}

fn line(width: usize, [check, account, before, after, verdict]: [&str; 5]) -> String {
    format!("  {check:width$}  {account:<10}  {before:<16}  {after:<16}  {verdict}")
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Fixed => "ok",
        Verdict::Held => "ok, was before",
        Verdict::Excused(_) => "excused",
        Verdict::Missed(_) => "MISSED",
    }
}

fn counted(rows: &[Row]) -> String {
    let count = |wanted: fn(&Verdict) -> bool| rows.iter().filter(|row| wanted(&row.verdict)).count();
    format!(
        "{} checks: {} mended, {} content before and after, {} excused, {} missed",
        rows.len(),
        count(|verdict| matches!(verdict, Verdict::Fixed)),
        count(|verdict| matches!(verdict, Verdict::Held)),
        count(|verdict| matches!(verdict, Verdict::Excused(_))),
        count(|verdict| matches!(verdict, Verdict::Missed(_))),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::*;

    fn answers(checks: &[(&str, &str)]) -> Answers {
        let answer = |status: &str| Answer {
            findings: vec![Finding {
                status: status.to_owned(),
                region: "eu-west-1".to_owned(),
                said: "so".to_owned(),
            }],
            problems: Vec::new(),
        };
        checks.iter().map(|(check, status)| ((*check).to_owned(), answer(status))).collect()
    }

    #[test]
    fn a_line_a_check_below_its_aspect_and_the_sum_at_the_end() {
        let catalogue: Catalogue = toml::from_str(
            "[contacts]\nc = {expect = \"pass\", excuse = \"only a person can\"}\n\
             e = {expect = \"pass\", excuse = \"not emulated\"}\n\
             [roles]\na = \"pass\"\nb = \"pass\"\nd = \"pass\"\n",
        )
        .unwrap();
        let said = (
            answers(&[("a", "FAIL"), ("b", "FAIL"), ("c", "MANUAL"), ("d", "PASS"), ("e", "FAIL")]),
            answers(&[("a", "PASS"), ("b", "FAIL"), ("c", "MANUAL"), ("d", "PASS"), ("e", "PASS")]),
        );
        let rows = Row::all(&catalogue, |_| Some(&said));
        let lines: Vec<String> =
            table(&rows).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "check account before after verdict",
                "contacts",
                "c dev MANUAL MANUAL excused",
                "only a person can",
                "e dev FAIL PASS ok",
                "it passes without the excuse that checks.toml makes for it",
                "roles",
                "a dev FAIL PASS ok",
                "b dev FAIL FAIL MISSED",
                "eu-west-1: so",
                "d dev PASS PASS ok, was before",
                "",
                "5 checks: 2 mended, 1 content before and after, 1 excused, 1 missed",
            ]
        );
    }

    #[test]
    fn an_account_that_was_not_asked_is_a_miss() {
        let catalogue: Catalogue = toml::from_str("[roles]\na = \"pass\"\n").unwrap();
        let rows = Row::all(&catalogue, |_| None);
        assert!(matches!(rows[0].verdict, Verdict::Missed(_)), "{rows:?}");
    }
}

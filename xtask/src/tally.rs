//! How many tests passed and failed, read from what the test runners themselves print.

/// Tests counted by their runners.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

impl Tally {
    /// The sum of all results in `output`; nothing if no runner reported one.
    pub fn read(output: &str) -> Option<Self> {
        let results = output.lines().filter_map(|line| cargo_test(line).or_else(|| unittest(output, line)));
        results.fold(None, |sum, tally| Some(sum.unwrap_or_default().plus(tally)))
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// `test result: FAILED. 11 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s`
fn cargo_test(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| counts.split("; ").find_map(|part| part.strip_suffix(what)?.trim().parse().ok());
    Some(Tally { passed: count("passed")?, failed: count("failed")? })
}

/// `Ran 12 tests in 0.345s`, and further down `OK (skipped=1)` or `FAILED (failures=1, errors=2)`.
fn unittest(output: &str, line: &str) -> Option<Tally> {
    let ran: u64 = line.strip_prefix("Ran ")?.split_once(" test")?.0.parse().ok()?;
    let after = output.split_once(line)?.1;
    let verdict = after.lines().find(|line| line.starts_with("OK") || line.starts_with("FAILED"))?;
    let counts = verdict.split_once('(').map_or("", |(_, counts)| counts.trim_end_matches(')'));
    let count = |what: &str| counts.split(", ").find_map(|part| part.strip_prefix(what)?.parse().ok()).unwrap_or(0);
    let failed = count("failures=") + count("errors=") + count("unexpected successes=");
    Some(Tally { passed: ran.saturating_sub(failed + count("skipped=")), failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, expect: Option<(u64, u64)>) {
        assert_eq!(Tally::read(output), expect.map(|(passed, failed)| Tally { passed, failed }), "{output}");
    }

    #[test]
    fn every_result_of_cargo_test_counts() {
        check(
            "running 2 tests\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
             test result: FAILED. 10 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n",
            Some((12, 3)),
        );
    }

    #[test]
    fn skipped_python_tests_did_not_pass() {
        check("Ran 12 tests in 0.345s\n\nFAILED (failures=1, errors=2, skipped=4)\n", Some((5, 3)));
        check("Ran 1 test in 0.001s\n\nOK\n", Some((1, 0)));
    }

    #[test]
    fn a_runner_that_did_not_finish_reported_nothing() {
        check("error: could not compile `forester`\n", None);
        check("Ran 12 tests in 0.345s\n", None);
    }

    #[test]
    fn a_test_that_prints_a_result_is_not_one() {
        check("    test result: ok. 2 passed; 0 failed\n", None);
    }
}

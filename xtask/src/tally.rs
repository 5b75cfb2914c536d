//! Counting what test programs say in their closing lines.

use std::env;
use std::fmt;
use std::ops::AddAssign;
use std::process::ExitCode;

/// Whether a skip is a failure.
pub(crate) fn is_strict() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// Passed, failed, skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// So many cases of one suite, of which so many failed; one that ran none, since there is nothing to run it with, was
    /// skipped.
    pub(crate) fn of_cases(cases: i64, failed: i64) -> Self {
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Self { passed: count(cases - failed), failed: count(failed), skipped: u64::from(cases == 0 && failed == 0) }
    }

    /// Success where nothing failed, nor was skipped where that [counts](is_strict).
    pub(crate) fn exit_code(self) -> ExitCode {
        let good = self.failed == 0 && (self.skipped == 0 || !is_strict());
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// What a line says, if it is a closing line: one of libtest, where ignored tests are skipped ones, or the plain
    /// `N passed, N failed, N skipped` of the suites that count for themselves.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        match line.strip_prefix("test result: ") {
            Some(result) => {
                let (_, counts) = result.split_once(". ")?;
                let mut counts = counts.split("; ");
                Some(Self {
                    passed: count(counts.next()?, "passed")?,
                    failed: count(counts.next()?, "failed")?,
                    skipped: count(counts.next()?, "ignored")?,
                })
            }
            None => {
                let mut counts = line.split(", ");
                let tally = Self {
                    passed: count(counts.next()?, "passed")?,
                    failed: count(counts.next()?, "failed")?,
                    skipped: count(counts.next()?, "skipped")?,
                };
                counts.next().is_none().then_some(tally)
            }
        }
    }
}

fn count(text: &str, what: &str) -> Option<u64> {
    let (number, word) = text.split_once(' ')?;
    (word == what).then(|| number.parse().ok()).flatten()
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_closing_lines_are_read() {
        let tally = |passed, failed, skipped| Some(Tally { passed, failed, skipped });
        let libtest =
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 5 filtered out; finished in 0.1s";
        assert_eq!(Tally::parse(libtest), tally(12, 1, 2));
        assert_eq!(Tally::parse("3 passed, 0 failed, 40 skipped\n"), tally(3, 0, 40));
        assert_eq!(Tally::parse(&tally(1, 2, 3).expect("some").to_string()), tally(1, 2, 3));
    }

    #[test]
    fn who_ran_nothing_was_skipped() {
        assert_eq!(Tally::of_cases(3000, 2), Tally { passed: 2998, failed: 2, skipped: 0 });
        assert_eq!(Tally::of_cases(0, 0), Tally { passed: 0, failed: 0, skipped: 1 });
    }

    #[test]
    fn other_lines_are_not_counted() {
        for line in
            ["", "running 3 tests", "test a ... ok", "3 passed", "3 passed, 0 failed", "1 passed, 0 failed, 0 ignored"]
        {
            assert_eq!(Tally::parse(line), None, "{line}");
        }
    }
}

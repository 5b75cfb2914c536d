//! What came of the cases.

use std::fmt;
use std::ops::Add;

use super::census::Census;
use super::{Failure, Heard};

/// Counts by what was expected, and what went wrong.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Requests that are granted, and whose applications lose nothing.
    pub survivors: usize,
    /// Requests that fail by what the proxy says, or by its end.
    pub errors: usize,
    /// Requests that fail by the time.
    pub timed_out: usize,
    /// What went wrong, one text a case.
    pub failures: Vec<String>,
    /// What was left behind.
    pub left: Census,
}

impl Report {
    /// One failure.
    pub fn of_failure(what: String) -> Self {
        Self { failures: vec![what], ..Self::default() }
    }

    /// One more case, of which this is expected.
    pub fn count(&mut self, expected: &Result<Heard, Failure>) {
        *match expected {
            Ok(_) => &mut self.survivors,
            Err(Failure::TimedOut) => &mut self.timed_out,
            Err(Failure::Handshake(_) | Failure::Reset) => &mut self.errors,
        } += 1;
    }

    /// How many cases that makes.
    pub fn cases(&self) -> usize {
        self.survivors + self.errors + self.timed_out
    }

    /// Prints the line that `cargo xtask faults` makes a row of:
    /// `faults: ADAPTER HOW CASES SURVIVORS ERRORS TIMED-OUT FAILED DESCRIPTORS BYTES`.
    pub fn publish(&self, adapter: &str, how: &str) {
        let Self { survivors, errors, timed_out, failures, left: Census { descriptors, bytes } } = self;
        let (cases, failed) = (self.cases(), failures.len());
        println!("faults: {adapter} {how} {cases} {survivors} {errors} {timed_out} {failed} {descriptors} {bytes}");
    }

    /// Whether all is as it should be, with no more memory left behind than this.
    ///
    /// # Errors
    /// Why not.
    pub fn verdict(&self, slack: i64) -> Result<(), String> {
        let cases = self.cases();
        if cases == 0 {
            return Err("no cases".into());
        }
        if !self.failures.is_empty() {
            // The first few tell the story.
            let told: Vec<_> = self.failures.iter().take(20).map(String::as_str).collect();
            return Err(format!("{} of {cases} cases failed:\n{}", self.failures.len(), told.join("\n")));
        }
        if self.left.descriptors != 0 || self.left.bytes > slack {
            return Err(format!("left behind: {:?}", self.left));
        }
        Ok(())
    }

    /// Prints the counts.
    ///
    /// # Panics
    /// With the [`verdict`](Self::verdict).
    pub fn assert_clean(&self, slack: i64) {
        println!("{self}");
        if let Err(why) = self.verdict(slack) {
            panic!("{why}");
        }
    }
}

impl Add for Report {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.survivors += other.survivors;
        self.errors += other.errors;
        self.timed_out += other.timed_out;
        self.failures.extend(other.failures);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { survivors, errors, timed_out, failures, left: Census { descriptors, bytes } } = self;
        write!(f, "{} cases: {survivors} survivors, {errors} errors, {timed_out} timed out", self.cases())?;
        write!(f, "; {} failed; {descriptors} descriptors and {bytes} bytes left behind", failures.len())
    }
}

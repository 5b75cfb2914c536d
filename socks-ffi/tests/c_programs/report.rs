//! Counting verdicts.

use std::env;
use std::process::ExitCode;

/// How a test went.
pub(crate) enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

impl From<anyhow::Result<()>> for Verdict {
    fn from(outcome: anyhow::Result<()>) -> Self {
        match outcome {
            Ok(()) => Self::Passed,
            Err(why) => Self::Failed(format!("{why:#}")),
        }
    }
}

/// All verdicts so far.
pub(crate) struct Report {
    /// Skips count as failures, as on a machine that promises to have everything.
    strict: bool,
    passed: usize,
    skipped: usize,
    failed: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let strict = env::var_os("CI").is_some_and(|value| value == "true");
        Self { strict, passed: 0, skipped: 0, failed: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: String, verdict: Verdict) {
        match verdict {
            Verdict::Passed => {
                println!("ok      {name}");
                self.passed += 1;
            }
            Verdict::Failed(why) => {
                println!("FAILED  {name}");
                self.failed.push((name, why));
            }
            Verdict::Skipped(why) => {
                println!("skipped {name}: {why}");
                if self.strict {
                    self.failed.push((name, format!("skipped where CI=true: {why}")));
                } else {
                    self.skipped += 1;
                }
            }
        }
    }

    /// Prints why tests failed, and the one line at the end.
    pub(crate) fn finish(&self) -> ExitCode {
        for (name, why) in &self.failed {
            println!("\nFAILED: {name}\n{}", why.trim_end());
        }
        println!("\n{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped);
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

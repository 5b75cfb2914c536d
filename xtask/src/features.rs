//! `cargo xtask features`: the published crates with every set of their features.

use std::process::ExitCode;

use anyhow::Result;

use crate::published;
use crate::run;
use crate::tally::Tally;

/// Checks each published crate alone with every set of its features, and tests it with those it has by default.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the checks.
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut tally = Tally::default();
    let mut count = |outcome: Result<()>| match outcome {
        Ok(()) => tally.passed += 1,
        Err(error) => {
            println!("FAILED  {error:#}");
            tally.failed += 1;
        }
    };
    let crates = published::crates()?;
    for package in &crates {
        for set in package.feature_sets() {
            let set = set.join(",");
            println!("{}, features [{set}]", package.name);
            // Clippy checks what check does, with the lints, and takes a warning of ours alone for an error.
            let check = ["clippy", "--quiet", "--no-default-features"];
            let mut check = run::cargo(check);
            check.arg(format!("--package={}", package.name)).arg(format!("--features={set}"));
            count(run::succeed(check.args(["--", "-D", "warnings"])));
        }
    }
    if !arguments.quick {
        for package in &crates {
            println!("{}, tests with the default features", package.name);
            count(run::output(run::cargo(["test", "--quiet"]).arg(format!("--package={}", package.name))).map(drop));
        }
    }
    println!("\n{tally}");
    Ok(tally.exit_code())
}

//! `cargo xtask matrix`: the programs and the servers alone, as one table.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::run;
use crate::stage::{Profile, stage};

/// Runs real programs under socksify through real servers, and prints what came of each.
///
/// As in `cargo xtask test`, what is not installed is skipped, and a skip is a failure where CI=true.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also what is too heavy for CI; `cargo xtask setup --full` installs it.
    #[arg(long)]
    full: bool,
    /// Only what has all of these in its name: a section, a server, a program.
    words: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let staged = stage(Profile::Debug)?;
    let mut test = run::cargo(["test", "--package=interop", "--test=matrix", "--", "--summary"]);
    if arguments.full {
        test.arg("--full");
    }
    test.args(&arguments.words).env("SOCKSIFY", &staged.socksify);
    let status = test.status().with_context(|| format!("cannot run {}", run::show(&test)))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

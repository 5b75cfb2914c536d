//! `cargo xtask package`: what would be published.

use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::published;
use crate::run;

/// Packs all published crates at once, so that each is built from its package with the packages of the others, as none of
/// them need be published yet. Packs what lies in the tree, committed or not. A warning is a failure.
///
/// # Errors
/// Cargo cannot be run.
pub(crate) fn run() -> Result<ExitCode> {
    let crates = published::crates()?;
    let mut package = run::cargo(["package", "--allow-dirty"]);
    package.args(crates.iter().map(|package| format!("--package={}", package.name)));
    let output =
        package.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", run::show(&package)))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    let warnings = printed.lines().filter(|line| line.starts_with("warning")).count();
    let good = output.status.success() && warnings == 0;
    let told = |line: &&str| !good || ["Packaged", "Verifying"].iter().any(|verb| line.trim_start().starts_with(verb));
    printed.lines().filter(told).for_each(|line| println!("{line}"));
    println!("{} crates, {warnings} warnings", crates.len());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! `cargo xtask package`: what would be published.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::remap::cargo_home;
use crate::stage::{self, Profile};
use crate::{published, run};

/// Packs all published crates at once, so that each is built from its package with the packages of the others, as none of
/// them need be published yet. Packs what lies in the tree, committed or not. A warning is a failure.
///
/// # Errors
/// Cargo cannot be run.
pub(crate) fn run() -> Result<ExitCode> {
    let crates = published::crates()?;
    let mut package = run::cargo(["package", "--allow-dirty"]);
    package.env("CARGO_HOME", home()?);
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

/// A CARGO_HOME with all that the real one has, but for what cargo unpacked of our own packages: it takes a package for the
/// one that it unpacked before, as long as the version is the same.
fn home() -> Result<PathBuf> {
    let target = stage::dir(Profile::Debug)?;
    let home = target.with_file_name("package-home");
    match fs::remove_dir_all(&home) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing {}", home.display()));
        }
        _ => {}
    }
    let real = cargo_home()?;
    fs::create_dir_all(home.join("registry"))?;
    for shared in ["registry/cache", "registry/index"] {
        fs::create_dir_all(real.join(shared))?;
    }
    for shared in ["registry/cache", "registry/index", "config.toml", "config", "credentials.toml"] {
        let (from, to) = (real.join(shared), home.join(shared));
        if from.exists() {
            stage::link(&from.to_string_lossy(), &to)?;
        }
    }
    Ok(home)
}

//! The targets, built for the fuzzer by the toolchain that builds everything else.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::run;

/// What makes a program tell the fuzzer which edges it took and what it compared: LLVM's passes, which a stable rustc hands
/// on. No sanitizer, for which it would take a nightly one: there is no unsafe code in what is fuzzed, and every check
/// that Rust has is on (`profile.release` of `fuzz/Cargo.toml`).
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    // Without it comparisons of slices are one call, of which the fuzzer learns nothing.
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
];

/// All that fuzzing leaves behind: out of the way of other builds, whose flags are others.
pub(super) fn folder() -> PathBuf {
    run::root().join("target/fuzz")
}

/// Builds targets, and gives the folder that they are in.
///
/// # Errors
/// They do not compile.
pub(super) fn targets(names: &[&str]) -> Result<PathBuf> {
    let host = host()?;
    let mut build = run::cargo(["build", "--release", "--locked", "--manifest-path=fuzz/Cargo.toml"]);
    // With a target named the flags are not those of build scripts, which have no fuzzer to tell anything.
    build.arg(format!("--target={host}")).arg("--target-dir").arg(folder());
    build.args(names.iter().map(|name| format!("--bin={name}")));
    build.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    run::succeed(&mut build)?;
    Ok(folder().join(host).join("release"))
}

/// What rustc calls this machine.
fn host() -> Result<String> {
    let version = run::output(&mut run::cargo(["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo does not say what machine this is")?.to_owned())
}

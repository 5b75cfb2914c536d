//! `cargo xtask models`: every order in which threads can meet in the table of descriptors.

use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::run;

/// What makes `socks_ffi::sync` take loom's atomics, with a target folder of its own: else all would be built anew after
/// it. What is run many times is optimised, and what is linked once is not.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("RUSTFLAGS", "--cfg model"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"),
];

pub(crate) fn run() -> Result<ExitCode> {
    let mut test = run::cargo(["test", "--release", "--package=socks-ffi", "--lib", "--target-dir=target/models"]);
    test.args(["--", "models::", "--nocapture", "--test-threads=1"]).envs(ENVIRONMENT);
    let mut child = test
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", run::show(&test)))?;
    let (mut models, mut all) = (0, 0);
    for line in BufReader::new(child.stdout.take().context("what the models print")?).lines() {
        let line = line.context("reading what the models print")?;
        println!("{line}");
        if let Some(count) = executions(&line) {
            models += 1;
            all += count;
        }
    }
    let good = child.wait()?.success() && models > 0;
    println!("{models} models, {all} executions");
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many executions a model took, where a line tells of that.
fn executions(line: &str) -> Option<u64> {
    let (_, model) = line.split_once("model: ")?;
    model.strip_suffix(" executions")?.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_behind_the_name_of_the_test() {
        assert_eq!(executions("test models::a_lock ... model: a lock, twice: 276 executions"), Some(276));
        assert_eq!(executions("test models::a_lock ... ok"), None);
    }
}

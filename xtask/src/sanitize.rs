//! `cargo xtask sanitize`: the unit tests of libsocks with AddressSanitizer in the Rust code itself.
//!
//! The other tests have it in the C programs alone. It is not stable, and needs a runtime that comes with the toolchain.

use std::env::consts::ARCH;
use std::process::ExitCode;

use anyhow::Result;

use crate::run;

const ENVIRONMENT: [(&str, &str); 3] = [
    ("RUSTC_BOOTSTRAP", "1"),
    ("RUSTFLAGS", "-Zsanitizer=address"),
    // The tests leak tables on purpose, as the library keeps its own for ever; what it loses is valgrind's to tell.
    ("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=1"),
];

pub(crate) fn run() -> Result<ExitCode> {
    // With a target of its own, so that what runs while building is built without it.
    let target = format!("--target={ARCH}-unknown-linux-gnu");
    let mut test = run::cargo(["test", "--package=socks-ffi", "--lib", "--target-dir=target/sanitize"]);
    run::succeed(test.arg(target).envs(ENVIRONMENT))?;
    Ok(ExitCode::SUCCESS)
}

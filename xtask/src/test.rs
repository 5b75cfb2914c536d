//! `cargo xtask test`: everything.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::run;
use crate::stage::{Profile, stage};
use crate::tally::{Tally, is_strict};

/// Runs everything: unit tests, vectors, properties, documentation, C programs, the interop matrix and the leak network.
///
/// What needs a program that is not installed is skipped, and said to be; with CI=true a skip is a failure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only tests whose name contains this.
    filter: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let staged = stage(Profile::Debug)?;
    let mut tally = Tally::default();
    // Real programs last: where a crate is broken, its own tests say so in fewer words.
    for packages in [&["--workspace", "--exclude=interop"][..], &["--package=interop"]] {
        let mut test = run::cargo(["test", "--no-fail-fast"]);
        test.args(packages);
        if let Some(filter) = &arguments.filter {
            test.args(["--", filter]);
        }
        tally += suite(&mut test, &staged.socksify)?;
    }
    if is_strict() && tally.skipped > 0 {
        println!("skips are failures where CI=true");
    }
    println!("\n{tally}");
    Ok(tally.exit_code())
}

/// Runs one cargo, shows what it prints as it comes, and adds up its closing lines.
fn suite(test: &mut Command, socksify: &Path) -> Result<Tally> {
    test.env("SOCKSIFY", socksify).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = test.spawn().with_context(|| format!("cannot run {}", run::show(test)))?;
    let mut tally = Tally::default();
    let mut out = io::stdout().lock();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.context("reading what the tests print")?;
            out.write_all(&line)?;
            out.write_all(b"\n")?;
            if let Some(more) = Tally::parse(&String::from_utf8_lossy(&line)) {
                tally += more;
            }
        }
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        // A crate that does not compile, or a test program that died, has no closing line.
        writeln!(out, "{} failed ({status})", run::show(test))?;
        tally.failed += 1;
    }
    Ok(tally)
}

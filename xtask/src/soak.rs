//! `cargo xtask soak`: very many connections by wrapped programs.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::progress::Progress;
use crate::run;
use crate::stage::{Profile, dir, stage};
use crate::tally::Tally;

/// How many connections a run has in the short form.
const QUICK: u64 = 10_000;

/// Makes very many connections by a program with 32 threads and by one with an epoll, through the embedded proxy and danted.
///
/// No connection may fail, every byte has to come back, and neither memory nor descriptors may grow. What is not installed
/// is skipped, and a skip is a failure where CI=true.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many connections each of the four runs has.
    #[arg(long, default_value_t = 100_000, conflicts_with = "quick")]
    connections: u64,
    /// Less than a minute in all: 10,000 connections each.
    #[arg(long)]
    quick: bool,
    /// Only runs with all of these in their names: embedded, danted, threads, epoll.
    words: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    // The libraries as they are installed; what is around them need not be fast.
    let staged = stage(Profile::Release)?;
    run::succeed(&mut run::cargo(["build", "--package=interop", "--bins"]))?;
    let connections = if arguments.quick { QUICK } else { arguments.connections };
    let mut soak = Command::new(dir(Profile::Debug)?.join("interop-soak"));
    soak.arg(connections.to_string()).args(&arguments.words).env("SOCKSIFY", &staged.socksify);
    let mut child = soak
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", run::show(&soak)))?;
    let (mut tally, mut progress) = (Tally::default(), None);
    for line in BufReader::new(child.stdout.take().context("a pipe was asked for")?).lines() {
        let line = line.context("reading what the soak prints")?;
        if let Some(steps) = steps(&line) {
            progress.get_or_insert_with(|| Progress::new("soak", "connections", steps)).step();
            continue;
        }
        progress = None;
        println!("{line}");
        if let Some(counted) = Tally::parse(&line) {
            tally += counted;
        }
    }
    if !child.wait()?.success() && tally.failed == 0 {
        // It has no closing line, where it died.
        tally.failed += 1;
    }
    Ok(tally.exit_code())
}

/// Of how many steps a line tells one.
fn steps(line: &str) -> Option<usize> {
    let (step, steps) = line.strip_prefix("step ")?.split_once(" of ")?;
    step.parse::<usize>().ok()?;
    steps.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_no_output() {
        assert_eq!(steps("step 3 of 200"), Some(200));
        for line in ["", "step", "step x of 200", "step 3 of", "3 passed, 0 failed, 0 skipped"] {
            assert_eq!(steps(line), None, "{line}");
        }
    }
}

//! `cargo xtask conformance`: every vector through everything that negotiates, as one table.
//!
//! Nothing is run here that `cargo xtask test` does not run: the tests of each adapter say in a line of their own how they
//! fared, and this puts the lines together.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::run;
use crate::stage::{Profile, stage};
use crate::tally::Tally;

/// Who runs the vectors: the core in memory and over sockets, the adapters, and the C library.
const PACKAGES: [&str; 7] =
    ["socks-proto", "socks-conformance", "socks-blocking", "socks-mio", "socks-tokio", "socks-async-std", "socks-ffi"];

/// The names of their test programs.
const TESTS: [&str; 3] = ["vectors", "sockets", "conformance"];

/// Runs the vectors and prints the table.
///
/// # Errors
/// Cargo cannot be run, or what it prints cannot be read.
pub(crate) fn run() -> Result<ExitCode> {
    let staged = stage(Profile::Debug)?;
    let mut test = run::cargo(["test", "--no-fail-fast"]);
    test.args(PACKAGES.map(|package| format!("--package={package}")));
    test.args(TESTS.map(|name| format!("--test={name}")));
    test.args(["--", "--nocapture"]).env("SOCKSIFY", &staged.socksify);
    let (rows, good) = collect(&mut test)?;
    print(&rows);
    let mut tally: Tally = rows.iter().fold(Tally::default(), |mut tally, row| {
        tally += row.tally();
        tally
    });
    let silent: Vec<&str> =
        PACKAGES.into_iter().filter(|package| rows.iter().all(|row| row.adapter != *package)).collect();
    for package in &silent {
        println!("no row of {package}");
    }
    if (!good || !silent.is_empty()) && tally.failed == 0 {
        // Something that does not compile, a test beside the vectors, or a program that died.
        tally.failed += 1;
    }
    println!("\n{tally}");
    Ok(tally.exit_code())
}

/// What one driver said of itself.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    adapter: String,
    how: String,
    vectors: u64,
    cases: u64,
    failed: u64,
    out_of_scope: u64,
}

impl Row {
    /// What a line says, if it is one of `socks_conformance::driver::Report`. Where there is one test at a time, its name
    /// stands before it.
    fn parse(line: &str) -> Option<Self> {
        let (_, row) = line.split_once("conformance: ")?;
        let mut words = row.split_whitespace();
        let (adapter, how) = (words.next()?.to_owned(), words.next()?.replace('_', " "));
        let mut count = || words.next()?.parse().ok();
        let row = Self { adapter, how, vectors: count()?, cases: count()?, failed: count()?, out_of_scope: count()? };
        words.next().is_none().then_some(row)
    }

    /// Cases that passed and failed; a driver that ran none, since there is nothing to run it with, was skipped.
    fn tally(&self) -> Tally {
        let passed = self.cases.saturating_sub(self.failed);
        Tally { passed, failed: self.failed, skipped: u64::from(self.cases == 0) }
    }
}

/// Runs cargo, and shows what it prints only where it fails.
fn collect(test: &mut Command) -> Result<(Vec<Row>, bool)> {
    test.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = test.spawn().with_context(|| format!("cannot run {}", run::show(test)))?;
    let (mut rows, mut printed) = (Vec::new(), Vec::new());
    for line in BufReader::new(child.stdout.take().context("what the tests print")?).split(b'\n') {
        let line = line.context("reading what the tests print")?;
        let line = String::from_utf8_lossy(&line).into_owned();
        rows.extend(Row::parse(&line));
        printed.push(line);
    }
    let good = child.wait()?.success();
    if !good {
        printed.iter().for_each(|line| println!("{line}"));
    }
    rows.sort_by_key(|row| (PACKAGES.iter().position(|package| row.adapter == *package), row.how.clone()));
    Ok((rows, good))
}

fn print(rows: &[Row]) {
    let heads = ["adapter", "how", "vectors", "cases", "failed", "out of scope"];
    let [adapter, how, vectors, cases, failed, out_of_scope] = heads;
    println!("{adapter:<18}{how:<36}{vectors:>9}{cases:>9}{failed:>9}{out_of_scope:>15}");
    for Row { adapter, how, vectors, cases, failed, out_of_scope } in rows {
        println!("{adapter:<18}{how:<36}{vectors:>9}{cases:>9}{failed:>9}{out_of_scope:>15}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_may_stand_behind_the_name_of_its_test() {
        let row = Row::parse("test over_tcp ... conformance: socks-mio over_tcp 120 3000 2 7").expect("a row");
        assert_eq!((row.adapter.as_str(), row.how.as_str()), ("socks-mio", "over tcp"));
        assert_eq!((row.vectors, row.cases, row.failed, row.out_of_scope), (120, 3000, 2, 7));
        assert_eq!(row.tally(), Tally { passed: 2998, failed: 2, skipped: 0 });
    }

    #[test]
    fn other_lines_are_no_rows() {
        for line in ["", "test conformance ... ok", "conformance: a b 1 2 3", "conformance: a b 1 2 3 4 5"] {
            assert_eq!(Row::parse(line), None, "{line}");
        }
    }

    #[test]
    fn who_ran_nothing_was_skipped() {
        let row = Row::parse("conformance: socks-ffi connect 0 0 0 0").expect("a row");
        assert_eq!(row.tally(), Tally { passed: 0, failed: 0, skipped: 1 });
    }
}

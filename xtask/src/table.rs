//! One table of what the tests of many packages say of themselves.
//!
//! A test says a row of it in a line of its own, `WORD: PACKAGE HOW COUNT...`. Nothing is run for a table that
//! `cargo xtask test` does not run.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::run;
use crate::stage::{Profile, stage};
use crate::tally::Tally;

/// A table with so many counts in a row.
pub(crate) struct Table<const COUNTS: usize> {
    /// What its rows begin with.
    pub(crate) word: &'static str,
    /// Whose tests they are, each of which says one row at least.
    pub(crate) packages: &'static [&'static str],
    /// The names of the test programs.
    pub(crate) tests: &'static [&'static str],
    /// What stands above the counts.
    pub(crate) heads: [&'static str; COUNTS],
    /// What the counts of a row mean.
    pub(crate) tally: fn([i64; COUNTS]) -> Tally,
}

/// What one test said of itself.
#[derive(Debug, PartialEq, Eq)]
struct Row<const COUNTS: usize> {
    package: String,
    how: String,
    counts: [i64; COUNTS],
}

impl<const COUNTS: usize> Table<COUNTS> {
    /// Runs the tests and prints the table.
    ///
    /// # Errors
    /// Cargo cannot be run, or what it prints cannot be read.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let staged = stage(Profile::Debug)?;
        let mut test = run::cargo(["test", "--no-fail-fast"]);
        test.args(self.packages.iter().map(|package| format!("--package={package}")));
        test.args(self.tests.iter().map(|name| format!("--test={name}")));
        test.args(["--", "--nocapture"]).env("SOCKSIFY", &staged.socksify);
        let (rows, good) = self.collect(&mut test)?;
        self.print(&rows);
        let mut tally = rows.iter().fold(Tally::default(), |mut tally, row| {
            tally += (self.tally)(row.counts);
            tally
        });
        let is_silent = |package: &&&str| rows.iter().all(|row| row.package != **package);
        let silent: Vec<_> = self.packages.iter().filter(is_silent).collect();
        for package in &silent {
            println!("no row of {package}");
        }
        if (!good || !silent.is_empty()) && tally.failed == 0 {
            // Something that does not compile, a test beside those that say rows, or a program that died.
            tally.failed += 1;
        }
        println!("\n{tally}");
        Ok(tally.exit_code())
    }

    /// Runs cargo, and shows what it prints only where it fails.
    fn collect(&self, test: &mut Command) -> Result<(Vec<Row<COUNTS>>, bool)> {
        test.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = test.spawn().with_context(|| format!("cannot run {}", run::show(test)))?;
        let (mut rows, mut printed) = (Vec::new(), Vec::new());
        for line in BufReader::new(child.stdout.take().context("what the tests print")?).split(b'\n') {
            let line = line.context("reading what the tests print")?;
            let line = String::from_utf8_lossy(&line).into_owned();
            rows.extend(Row::parse(self.word, &line));
            printed.push(line);
        }
        let good = child.wait()?.success();
        if !good {
            printed.iter().for_each(|line| println!("{line}"));
        }
        rows.sort_by_key(|row: &Row<COUNTS>| {
            (self.packages.iter().position(|package| row.package == *package), row.how.clone())
        });
        Ok((rows, good))
    }

    fn print(&self, rows: &[Row<COUNTS>]) {
        let widths = self.heads.map(|head| head.len().max(6) + 3);
        let print = |package: &str, how: &str, cells: [String; COUNTS]| {
            let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}"));
            println!("{package:<18}{how:<36}{}", cells.collect::<String>());
        };
        print("adapter", "how", self.heads.map(str::to_owned));
        for Row { package, how, counts } in rows {
            print(package, how, counts.map(|count| count.to_string()));
        }
    }
}

impl<const COUNTS: usize> Row<COUNTS> {
    /// What a line says, if it is a row. Where there is one test at a time, its name stands before it.
    fn parse(word: &str, line: &str) -> Option<Self> {
        let (_, row) = line.split_once(&format!("{word}: "))?;
        let mut words = row.split_whitespace();
        let (package, how) = (words.next()?.to_owned(), words.next()?.replace('_', " "));
        let counts: Vec<i64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        Some(Self { package, how, counts: counts.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_may_stand_behind_the_name_of_its_test() {
        let row = Row::parse("faults", "test over_tcp ... faults: socks-mio over_tcp 120 3000 2 -7").expect("a row");
        assert_eq!((row.package.as_str(), row.how.as_str()), ("socks-mio", "over tcp"));
        assert_eq!(row.counts, [120, 3000, 2, -7]);
    }

    #[test]
    fn other_lines_are_no_rows() {
        for line in ["", "test a ... ok", "a: b c 1 2 3", "a: b c 1 2 3 4 5", "a: b c 1 2 3 d", "x: b c 1 2 3 4"] {
            assert_eq!(Row::<4>::parse("a", line), None, "{line}");
        }
    }
}

//! Counting verdicts and printing them as tables.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::env;
use std::fmt;

use crate::cell::{Cell, Verdict};

/// A verdict as it stands in a table; the later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// What had to come came.
    Passed,
    /// It was not tried.
    Skipped,
    /// Something else came.
    Failed,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "ok",
            Self::Skipped => "skip",
            Self::Failed => "FAIL",
        })
    }
}

/// All verdicts so far.
#[derive(Debug, Default)]
pub struct Report {
    /// Skips count as failures, as on a machine that promises to have everything.
    strict: bool,
    /// Of the section that is under way.
    cells: Vec<(Cell, Mark)>,
    /// Of the sections before.
    printed: Vec<(Cell, Mark)>,
    failures: Vec<(String, String)>,
    skips: BTreeMap<String, Vec<String>>,
    passed: usize,
    skipped: usize,
}

impl Report {
    /// An empty one; strict if `CI` is `true`.
    pub fn new() -> Self {
        Self { strict: env::var_os("CI").is_some_and(|v| v == "true"), ..Self::default() }
    }

    /// Adds the verdict on a cell.
    pub fn add_cell(&mut self, cell: Cell, verdict: Verdict) {
        let mark = self.add(cell.name(), verdict);
        self.cells.push((cell, mark));
    }

    /// Adds any other verdict; its mark in a table.
    pub fn add(&mut self, name: String, verdict: Verdict) -> Mark {
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                Mark::Passed
            }
            Verdict::Failed(why) => {
                self.failures.push((name, why));
                Mark::Failed
            }
            Verdict::Skipped(why) => {
                if self.strict {
                    self.failures.push((name.clone(), format!("skipped where CI=true: {why}")));
                } else {
                    self.skipped += 1;
                }
                self.skips.entry(why).or_default().push(name);
                Mark::Skipped
            }
        }
    }

    /// Prints the table of the section whose cells were added last.
    pub fn print_table(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let Some((first, _)) = cells.first() else { return };
        println!("\n{}\n{}", first.section.name, Table::of(&cells));
        self.printed.extend(cells);
    }

    /// Prints one table of all cells: in each place the worst of what came there.
    pub fn print_summary(&self) {
        println!("{}", Table::of(&self.printed));
    }

    /// Prints why things failed or were skipped.
    pub fn print_reasons(&self) {
        for (name, why) in &self.failures {
            println!("\nFAILED: {name}\n{}", why.trim_end());
        }
        for (why, names) in &self.skips {
            println!("\nSKIPPED: {why}");
            for name in names {
                println!("  {name}");
            }
        }
        println!();
    }

    /// The one line at the end.
    pub fn closing_line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failures.len(), self.skipped)
    }

    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.failures.is_empty()
    }
}

/// What stands in rows and columns, in the order in which they came.
#[derive(Debug)]
pub struct Table<M> {
    rows: Vec<String>,
    columns: Vec<String>,
    places: BTreeMap<(String, String), M>,
}

impl<M> Default for Table<M> {
    fn default() -> Self {
        Self { rows: Vec::new(), columns: Vec::new(), places: BTreeMap::new() }
    }
}

impl Table<Mark> {
    fn of(cells: &[(Cell, Mark)]) -> Self {
        let mut table = Self::default();
        for (cell, mark) in cells {
            table.add(cell.row.name(), cell.way.name, *mark);
        }
        table
    }
}

impl<M: Ord> Table<M> {
    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds what came of something. Where something stands already, the worse stays.
    pub fn add(&mut self, row: String, column: &str, mark: M) {
        if !self.columns.iter().any(|own| own == column) {
            self.columns.push(column.to_owned());
        }
        if !self.rows.contains(&row) {
            self.rows.push(row.clone());
        }
        match self.places.entry((row, column.to_owned())) {
            Entry::Vacant(place) => drop(place.insert(mark)),
            Entry::Occupied(mut place) => {
                if *place.get() < mark {
                    place.insert(mark);
                }
            }
        }
    }
}

impl<M: fmt::Display> fmt::Display for Table<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(String::len).max().unwrap_or(0);
        write!(f, "  {:width$}  {}", "", self.columns.join("  "))?;
        for row in &self.rows {
            let mut line = format!("  {row:width$}");
            for column in &self.columns {
                let word = self.places.get(&(row.clone(), column.clone())).map(M::to_string).unwrap_or_default();
                line += &format!("  {word:<0$}", column.len());
            }
            write!(f, "\n{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(report: &mut Report) -> Mark {
        report.add("a cell".into(), Verdict::Skipped("it is not installed".into()))
    }

    #[test]
    fn a_skip_is_counted_and_good() {
        let mut report = Report::default();
        report.add("one".into(), Verdict::Passed);
        assert_eq!(skip(&mut report), Mark::Skipped);
        assert_eq!(report.closing_line(), "1 passed, 0 failed, 1 skipped");
        assert!(report.is_good());
    }

    #[test]
    fn a_skip_is_a_failure_where_all_is_promised() {
        let mut report = Report { strict: true, ..Report::default() };
        skip(&mut report);
        assert_eq!(report.closing_line(), "0 passed, 1 failed, 0 skipped");
        assert!(!report.is_good());
    }

    #[test]
    fn a_place_in_a_table_shows_the_worst_that_came_there() {
        let mut table = Table::default();
        table.add("curl".into(), "danted", Mark::Failed);
        table.add("curl, ipv6".into(), "ssh-D", Mark::Skipped);
        table.add("curl".into(), "danted", Mark::Passed);
        table.add("curl, ipv6".into(), "ssh-D", Mark::Passed);
        let expected = "              danted  ssh-D\n  curl        FAIL\n  curl, ipv6          skip";
        assert_eq!(table.to_string(), expected);
    }
}

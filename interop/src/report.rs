//! Counting verdicts and printing them as tables.

use std::collections::BTreeMap;
use std::env;

use crate::cell::{Cell, Verdict};

/// All verdicts so far.
#[derive(Debug, Default)]
pub struct Report {
    /// Skips count as failures, as on a machine that promises to have everything.
    strict: bool,
    cells: Vec<(Cell, &'static str)>,
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
    pub fn add(&mut self, name: String, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                "ok"
            }
            Verdict::Failed(why) => {
                self.failures.push((name, why));
                "FAIL"
            }
            Verdict::Skipped(why) => {
                if self.strict {
                    self.failures.push((name.clone(), format!("skipped where CI=true: {why}")));
                } else {
                    self.skipped += 1;
                }
                self.skips.entry(why).or_default().push(name);
                "skip"
            }
        }
    }

    /// Prints the table of the section whose cells were added last.
    pub fn print_table(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let Some((first, _)) = cells.first() else { return };
        let mut ways: Vec<&str> = Vec::new();
        let mut rows: Vec<String> = Vec::new();
        let mut marks = BTreeMap::new();
        for (cell, mark) in &cells {
            let (way, row) = (cell.way.name, cell.row.name());
            if !ways.contains(&way) {
                ways.push(way);
            }
            if !rows.contains(&row) {
                rows.push(row.clone());
            }
            marks.insert((way, row), *mark);
        }
        println!("\n{}", first.section.name);
        let width = rows.iter().map(String::len).max().unwrap_or(0);
        println!("  {:width$}  {}", "", ways.join("  "));
        for row in rows {
            let mut line = format!("  {row:width$}");
            for &way in &ways {
                let mark = marks.get(&(way, row.clone())).unwrap_or(&"");
                line += &format!("  {mark:<0$}", way.len());
            }
            println!("{}", line.trim_end());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(report: &mut Report) -> &'static str {
        report.add("a cell".into(), Verdict::Skipped("it is not installed".into()))
    }

    #[test]
    fn a_skip_is_counted_and_good() {
        let mut report = Report::default();
        report.add("one".into(), Verdict::Passed);
        assert_eq!(skip(&mut report), "skip");
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
}

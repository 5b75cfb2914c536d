//! What was measured: sections of tables of rows, for the terminal and as JSON.

use std::fmt::Write as _;
use std::fs;
use std::mem;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use serde::Serialize;

use super::stats::Summary;
use super::worker::Outcome;

/// All of a run.
#[derive(Serialize)]
pub(super) struct Report {
    version: &'static str,
    quick: bool,
    machine: Machine,
    sections: Vec<Section>,
}

/// Where the numbers come from, without which they say little.
#[derive(Serialize)]
struct Machine {
    kernel: String,
    processor: String,
    processors: usize,
    /// Over the last minute, when the run began: what else was going on.
    load: f64,
}

#[derive(Serialize)]
pub(super) struct Section {
    name: &'static str,
    title: &'static str,
    tables: Vec<Table>,
    notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Table {
    title: String,
    unit: &'static str,
    /// Whose measurements stand in a row, in this order. The first is what the others are compared with.
    subjects: Vec<String>,
    rows: Vec<Row>,
    /// Whether the text says what is added also where there are many subjects.
    #[serde(skip)]
    tells_added: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    /// `None` where a subject failed; then why, at the same place.
    values: Vec<Option<Summary>>,
    failures: Vec<Option<String>>,
    /// For each subject but the first, round by round: how many times the first, and how much more.
    ratios: Vec<Option<Summary>>,
    added: Vec<Option<Summary>>,
    verdict: Option<Verdict>,
}

/// What a row says about a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Verdict {
    pub(super) kept: bool,
    pub(super) text: String,
}

impl Report {
    pub(super) fn new(quick: bool) -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), quick, machine: Machine::this(), sections: Vec::new() }
    }

    pub(super) fn push(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Which rows break a promise.
    pub(super) fn broken(&self) -> Vec<String> {
        let tables = self.sections.iter().flat_map(|section| section.tables.iter().map(move |table| (section, table)));
        tables
            .flat_map(|(section, table)| table.rows.iter().map(move |row| (section, table, row)))
            .filter_map(|(section, table, row)| {
                let verdict = row.verdict.as_ref().filter(|verdict| !verdict.kept)?;
                Some(format!("{}: {}: {}: {}", section.name, table.title, row.name, verdict.text))
            })
            .collect()
    }

    pub(super) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        fs::write(path, self.json()?).with_context(|| format!("writing {}", path.display()))
    }
}

impl Machine {
    fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()));
        Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor: processor.unwrap_or_default(),
            processors: thread::available_parallelism().map_or(1, usize::from),
            load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        }
    }
}

impl Section {
    pub(super) fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title, tables: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn push(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("\n{}: {}\n", self.name, self.title);
        for table in &self.tables {
            text += &table.text();
        }
        for note in &self.notes {
            _ = writeln!(text, "\n  {}", note.replace('\n', "\n  "));
        }
        text
    }
}

impl Table {
    /// Of at least one subject.
    pub(super) fn new(
        title: impl Into<String>,
        unit: &'static str,
        subjects: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let subjects = subjects.into_iter().map(Into::into).collect();
        Self { title: title.into(), unit, subjects, rows: Vec::new(), tells_added: false }
    }

    /// Has the text say also how much more than the first subject each of many takes.
    pub(super) fn telling_added(self) -> Self {
        Self { tells_added: true, ..self }
    }

    /// Adds a row: for each subject its measurements, those of one round at the same place.
    ///
    /// # Errors
    /// A subject is missing, or what it has are no measurements.
    pub(super) fn row(&mut self, name: impl Into<String>, samples: &[Vec<f64>]) -> Result<&mut Self> {
        let outcomes: Vec<Outcome> = samples.iter().cloned().map(Ok).collect();
        self.row_of(name, &outcomes)
    }

    /// As [`Table::row`], where a subject may have failed.
    ///
    /// # Errors
    /// A subject is missing, or what one has are no measurements.
    pub(super) fn row_of(&mut self, name: impl Into<String>, outcomes: &[Outcome]) -> Result<&mut Self> {
        const NONE: &[f64] = &[];
        let name = name.into();
        anyhow::ensure!(outcomes.len() == self.subjects.len(), "{name}: not one list of samples a subject");
        let samples: Vec<&[f64]> = outcomes.iter().map(|one| one.as_deref().unwrap_or(NONE)).collect();
        let values: Vec<Option<Summary>> = samples.iter().map(|samples| Summary::of(samples)).collect();
        let failures: Vec<Option<String>> =
            outcomes.iter().map(|one| one.as_ref().err().map(ToString::to_string)).collect();
        let told = values.iter().zip(&failures).all(|(value, failure)| value.is_some() || failure.is_some());
        anyhow::ensure!(told, "{name}: no measurements");
        let compare = |of: fn(f64, f64) -> f64| match samples.as_slice() {
            [first, others @ ..] => others.iter().map(|other| Summary::paired(other, first, of)).collect(),
            [] => Vec::new(),
        };
        let ratios = compare(|subject, baseline| subject / baseline);
        let added = compare(|subject, baseline| subject - baseline);
        self.rows.push(Row { name, values, failures, ratios, added, verdict: None });
        Ok(self)
    }

    /// Judges the last row by how many times the first subject, and how much more, this one takes in the median.
    /// Who failed has kept no promise.
    pub(super) fn judge(&mut self, subject: &str, verdict: impl Fn(Measured) -> Verdict) {
        let place = self.subjects.iter().position(|other| other == subject);
        let Some((place, row)) = place.zip(self.rows.last_mut()) else { return };
        if let Some(failure) = &row.failures[place] {
            row.verdict = Some(Verdict { kept: false, text: format!("{subject} {failure}") });
            return;
        }
        let median = |list: &[Option<Summary>]| place.checked_sub(1).and_then(|at| Some((*list.get(at)?)?.median));
        let value = row.values[place].map(|value| value.median);
        row.verdict = value
            .zip(median(&row.ratios).zip(median(&row.added)))
            .map(|(value, (ratio, added))| verdict(Measured { value, ratio, added }));
    }

    fn text(&self) -> String {
        // With more subjects a line would be too long for a terminal.
        if self.subjects.len() <= 3 { self.one_line_a_row() } else { self.several_lines_a_row() }
    }

    fn one_line_a_row(&self) -> String {
        let others = self.subjects.iter().skip(1);
        let mut header = vec![format!("{} ({})", self.title, self.unit)];
        header.extend(others.clone().map(|name| format!("{name} ×")));
        header.extend(others.map(|name| format!("{name} +")));
        header.extend(self.subjects.iter().cloned());
        header.push(String::new());
        let mut lines = vec![header];
        for row in &self.rows {
            let mut line = vec![row.name.clone()];
            line.extend(row.ratios.iter().map(|ratio| told(*ratio, |ratio| number(ratio.median))));
            line.extend(row.added.iter().map(|added| told(*added, spread)));
            line.extend((0..self.subjects.len()).map(|place| row.value(place, spread)));
            line.push(row.says());
            lines.push(line);
        }
        aligned(&lines)
    }

    /// Ratios, then what is added where that is the question, medians, quartiles; a column a subject.
    fn several_lines_a_row(&self) -> String {
        let mut header = vec![format!("{} ({})", self.title, self.unit), String::new()];
        header.extend(self.subjects.iter().cloned());
        header.push(String::new());
        let mut lines = vec![header];
        for row in &self.rows {
            let compared = |list: &[Option<Summary>]| {
                let cells = list.iter().map(|one| told(*one, |one| number(one.median)));
                std::iter::once(String::new()).chain(cells).collect::<Vec<_>>()
            };
            let each = |cell: &dyn Fn(usize) -> String| (0..self.subjects.len()).map(cell).collect::<Vec<_>>();
            let parts = [
                ("×", compared(&row.ratios)),
                ("+", if self.tells_added { compared(&row.added) } else { Vec::new() }),
                ("", each(&|place| row.value(place, |value| number(value.median)))),
                ("", each(&|place| told(row.values[place], quartiles))),
            ];
            let (mut name, mut says) = (row.name.clone(), row.says());
            for (what, cells) in parts.into_iter().filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty())) {
                let mut line = vec![mem::take(&mut name), what.to_owned()];
                line.extend(cells);
                line.push(mem::take(&mut says));
                lines.push(line);
            }
        }
        aligned(&lines)
    }
}

impl Row {
    /// What this subject's column says: a number, or how it failed.
    fn value(&self, place: usize, tell: fn(Summary) -> String) -> String {
        self.failures[place].clone().unwrap_or_else(|| told(self.values[place], tell))
    }

    fn says(&self) -> String {
        self.verdict.as_ref().map_or_else(String::new, |verdict| verdict.text.clone())
    }
}

fn told(summary: Option<Summary>, tell: fn(Summary) -> String) -> String {
    summary.map_or_else(String::new, tell)
}

/// Medians of a row.
#[derive(Clone, Copy)]
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) ratio: f64,
    pub(super) added: f64,
}

/// A median, with its quartiles where there are some.
fn spread(summary: Summary) -> String {
    format!("{} {}", number(summary.median), quartiles(summary)).trim_end().to_owned()
}

fn quartiles(summary: Summary) -> String {
    if summary.samples == 1 {
        return String::new();
    }
    format!("[{} {}]", number(summary.lower_quartile), number(summary.upper_quartile))
}

/// Three digits, or all of those before the point.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    // Without the sign of a zero.
    format!("{:.digits$}", value + 0.0)
}

/// Columns, the first to the left and the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::from("\n");
    for line in lines {
        let mut row = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            _ = match column {
                0 => write!(row, "  {cell:<width$}"),
                // The verdict.
                _ if column + 1 == columns => write!(row, "  {cell}"),
                _ => write!(row, "  {cell:>width$}"),
            };
        }
        text += row.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::super::worker::Failure;
    use super::*;

    fn report() -> Report {
        let mut table = Table::new("a \"quoted\" table", "ns", ["plain", "wrapped"]);
        let verdict = |measured: Measured| Verdict { kept: measured.added <= 5.0, text: number(measured.added) };
        table.row("cheap", &[vec![100.0, 200.0, 300.0], vec![103.0, 203.0, 303.0]]).expect("a row");
        table.judge("wrapped", verdict);
        table.row("dear", &[vec![100.0], vec![300.0]]).expect("a row");
        table.judge("wrapped", verdict);
        // Nothing to compare with.
        table.row("from nothing", &[vec![0.0], vec![1.0]]).expect("a row");
        let mut section = Section::new("calls", "what calls cost");
        section.push(table);
        section.note("two\nlines");
        let mut report = Report::new(true);
        report.push(section);
        report
    }

    #[test]
    fn the_json_is_well_formed_and_says_what_was_measured() {
        let json: Value = serde_json::from_str(&report().json().expect("JSON")).expect("well-formed");
        assert_eq!(json["quick"], true);
        let table = &json["sections"][0]["tables"][0];
        assert_eq!(table["title"], "a \"quoted\" table");
        assert_eq!(table["subjects"], serde_json::json!(["plain", "wrapped"]));
        let cheap = &table["rows"][0];
        assert_eq!(cheap["values"][1]["median"], 203.0);
        assert_eq!(cheap["values"][1]["lower_quartile"], 153.0);
        assert_eq!(cheap["values"][1]["samples"], 3);
        assert_eq!(cheap["added"][0]["median"], 3.0);
        assert_eq!(cheap["verdict"]["kept"], true);
        assert_eq!(table["rows"][1]["ratios"][0]["median"], 3.0);
        assert_eq!(table["rows"][2]["ratios"][0], Value::Null);
    }

    #[test]
    fn only_rows_that_break_a_promise_are_listed() {
        assert_eq!(report().broken(), ["calls: a \"quoted\" table: dear: 200"]);
    }

    #[test]
    fn the_table_has_ratios_first() {
        let text = report().sections[0].text();
        let lines: Vec<&str> = text.lines().collect();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(lines[4])[..5], ["cheap", "1.01", "3.00", "[3.00", "3.00]"]);
        assert_eq!(words(lines[5]), ["dear", "3.00", "200", "100", "300", "200"]);
        assert!(text.ends_with("  two\n  lines\n"));
    }

    #[test]
    fn who_fails_has_that_said_in_its_column_and_kept_no_promise() {
        let mut table = Table::new("connects", "ms", ["direct", "floor", "libsocks", "peer"]);
        let failed = || Err(Failure::TimesOut(Duration::from_secs(3)));
        let measured = || Ok(vec![2.0, 2.0]);
        let kept = |_: Measured| Verdict { kept: true, text: "holds".to_owned() };
        table.row_of("peer fails", &[measured(), measured(), Ok(vec![8.0]), failed()]).expect("a row");
        table.judge("libsocks", kept);
        table.row_of("ours fails", &[measured(), measured(), failed(), measured()]).expect("a row");
        table.judge("libsocks", kept);
        table.row_of("all fail", &[failed(), failed(), failed(), failed()]).expect("a row");
        assert_eq!(
            table.rows.iter().filter_map(|row| Some(row.verdict.as_ref()?.kept)).collect::<Vec<_>>(),
            [true, false]
        );
        let text = table.text();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let lines: Vec<_> = text.lines().map(words).collect();
        assert_eq!(lines[2], ["peer", "fails", "×", "1.00", "4.00", "holds"]);
        assert_eq!(lines[3], ["2.00", "2.00", "8.00", "times", "out"]);
        assert_eq!(lines[4], ["[2.00", "2.00]", "[2.00", "2.00]"]);
        assert_eq!(lines[5], ["ours", "fails", "×", "1.00", "1.00", "libsocks", "times", "out"]);
        assert_eq!(lines[8][..4], ["all", "fail", "times", "out"]);
        let json = serde_json::to_value(&table).expect("JSON");
        assert_eq!(json["rows"][0]["values"][3], Value::Null);
        assert_eq!(json["rows"][0]["failures"], serde_json::json!([null, null, null, "times out"]));
    }

    #[test]
    fn a_row_without_all_its_subjects_is_refused() {
        let mut table = Table::new("table", "ns", ["plain", "wrapped"]);
        assert!(table.row("half", &[vec![1.0]]).is_err());
        assert!(table.row("empty", &[vec![1.0], vec![]]).is_err());
    }
}

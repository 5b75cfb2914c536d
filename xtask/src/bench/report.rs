//! What was measured: sections of tables of rows, as JSON; in a terminal they are [`text`], in a browser a [`page`](html).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::machine::Machine;
use super::stats::Summary;
use super::text::told;
pub(super) use super::text::{grouped, number};
use super::worker::Outcome;
use super::{html, text};

/// All of a run.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) version: &'static str,
    pub(super) quick: bool,
    /// What was typed, to make it again.
    pub(super) command: String,
    pub(super) machine: Machine,
    pub(super) sections: Vec<Section>,
}

#[derive(Serialize)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) tables: Vec<Table>,
    pub(super) notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) unit: &'static str,
    /// What grows from row to row, where something does: a plot of the table has lines over it then, not bars.
    pub(super) over: Option<&'static str>,
    /// Whose measurements stand in a row, in this order. The first is what the others are compared with.
    pub(super) subjects: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Whether what is added is told also where there are many subjects.
    #[serde(skip)]
    pub(super) tells_added: bool,
}

#[derive(Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// How much there is of [`Table::over`].
    pub(super) at: Option<usize>,
    /// `None` where a subject failed; then why, at the same place.
    pub(super) values: Vec<Option<Summary>>,
    pub(super) failures: Vec<Option<String>>,
    /// For each subject but the first, round by round: how many times the first, and how much more.
    pub(super) ratios: Vec<Option<Summary>>,
    pub(super) added: Vec<Option<Summary>>,
    pub(super) verdict: Option<Verdict>,
}

/// What a row says about a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Verdict {
    pub(super) kept: bool,
    pub(super) text: String,
}

impl Report {
    pub(super) fn new(quick: bool, command: String) -> Self {
        let sections = Vec::new();
        Self { version: env!("CARGO_PKG_VERSION"), quick, command, machine: Machine::this(), sections }
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

    /// How many rows say something about a promise.
    pub(super) fn judged(&self) -> usize {
        let rows = self.sections.iter().flat_map(|section| &section.tables).flat_map(|table| &table.rows);
        rows.filter(|row| row.verdict.is_some()).count()
    }

    pub(super) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Writes the numbers, and beside them the page.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn write(&self, json: &Path, page: &Path) -> Result<()> {
        for (path, text) in [(json, self.json()?), (page, html::page(self)?)] {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
            }
            fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
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

    /// As a terminal shows it.
    pub(super) fn text(&self) -> String {
        text::section(self)
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
        Self { title: title.into(), unit, over: None, subjects, rows: Vec::new(), tells_added: false }
    }

    /// Of rows in which there is more and more of something.
    pub(super) fn over(self, what: &'static str) -> Self {
        Self { over: Some(what), ..self }
    }

    /// Whether a row with a column for all that is told of each subject would be too long.
    pub(super) fn is_wide(&self) -> bool {
        self.subjects.len() > 3
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
        self.rows.push(Row { name, at: None, values, failures, ratios, added, verdict: None });
        Ok(self)
    }

    /// Adds the row of this much of what grows.
    ///
    /// # Errors
    /// As those of [`Table::row`].
    pub(super) fn row_at(&mut self, at: usize, samples: &[Vec<f64>]) -> Result<&mut Self> {
        self.row(grouped(at), samples)?;
        if let Some(row) = self.rows.last_mut() {
            row.at = Some(at);
        }
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
}

impl Row {
    /// What this subject's column says: a number, or how it failed.
    pub(super) fn value(&self, place: usize, tell: fn(Summary) -> String) -> String {
        self.failures[place].clone().unwrap_or_else(|| told(self.values[place], tell))
    }
}

/// Medians of a row.
#[derive(Clone, Copy)]
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) ratio: f64,
    pub(super) added: f64,
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;

    pub(in super::super) fn report() -> Report {
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
        let mut report = Report::new(true, "cargo xtask bench --quick".to_owned());
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
    fn a_row_without_all_its_subjects_is_refused() {
        let mut table = Table::new("table", "ns", ["plain", "wrapped"]);
        assert!(table.row("half", &[vec![1.0]]).is_err());
        assert!(table.row("empty", &[vec![1.0], vec![]]).is_err());
    }
}

//! The tables as a terminal shows them: ratios first.

use std::fmt::Write as _;
use std::{iter, mem};

use super::report::{Row, Section, Table};
use super::stats::Summary;

/// All of a section.
pub(super) fn section(section: &Section) -> String {
    let mut text = format!("\n{}: {}\n", section.name, section.title);
    for table in &section.tables {
        text += &self::table(table);
    }
    for note in &section.notes {
        _ = writeln!(text, "\n  {}", note.replace('\n', "\n  "));
    }
    text
}

fn table(table: &Table) -> String {
    if table.is_wide() { several_lines_a_row(table) } else { one_line_a_row(table) }
}

/// Ratios, then what is added, values, the verdict; a column each.
fn one_line_a_row(table: &Table) -> String {
    let others = table.subjects.iter().skip(1);
    let mut header = vec![format!("{} ({})", table.title, table.unit)];
    header.extend(others.clone().map(|name| format!("{name} ×")));
    header.extend(others.map(|name| format!("{name} +")));
    header.extend(table.subjects.iter().cloned());
    header.push(String::new());
    let mut lines = vec![header];
    for row in &table.rows {
        let mut line = vec![row.name.clone()];
        line.extend(row.ratios.iter().map(|ratio| told(*ratio, |ratio| number(ratio.median))));
        line.extend(row.added.iter().map(|added| told(*added, spread)));
        line.extend((0..table.subjects.len()).map(|place| row.value(place, spread)));
        line.push(says(row));
        lines.push(line);
    }
    aligned(&lines)
}

/// Ratios, then what is added where that is the question, medians, quartiles; a column a subject.
fn several_lines_a_row(table: &Table) -> String {
    let mut header = vec![format!("{} ({})", table.title, table.unit), String::new()];
    header.extend(table.subjects.iter().cloned());
    header.push(String::new());
    let mut lines = vec![header];
    for row in &table.rows {
        let compared = |list: &[Option<Summary>]| {
            let cells = list.iter().map(|one| told(*one, |one| number(one.median)));
            iter::once(String::new()).chain(cells).collect::<Vec<_>>()
        };
        let each = |cell: &dyn Fn(usize) -> String| (0..table.subjects.len()).map(cell).collect::<Vec<_>>();
        let parts = [
            ("×", compared(&row.ratios)),
            ("+", if table.tells_added { compared(&row.added) } else { Vec::new() }),
            ("", each(&|place| row.value(place, |value| number(value.median)))),
            ("", each(&|place| told(row.values[place], quartiles))),
        ];
        let (mut name, mut says) = (row.name.clone(), says(row));
        for (what, cells) in parts.into_iter().filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty())) {
            let mut line = vec![mem::take(&mut name), what.to_owned()];
            line.extend(cells);
            line.push(mem::take(&mut says));
            lines.push(line);
        }
    }
    aligned(&lines)
}

fn says(row: &Row) -> String {
    row.verdict.as_ref().map_or_else(String::new, |verdict| verdict.text.clone())
}

pub(super) fn told(summary: Option<Summary>, tell: fn(Summary) -> String) -> String {
    summary.map_or_else(String::new, tell)
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

/// With a comma between the thousands.
pub(super) fn grouped(value: usize) -> String {
    let digits = value.to_string();
    let pieces: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|piece| std::str::from_utf8(piece).ok()).collect();
    pieces.join(",")
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

    use super::super::report::tests::report;
    use super::super::report::{Measured, Verdict};
    use super::super::worker::Failure;
    use super::*;

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
        let text = super::table(&table);
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
}

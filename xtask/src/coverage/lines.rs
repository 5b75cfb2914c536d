//! The lines of files, read from what llvm-cov exports.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// The lines of a file that hold code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// How many there are.
    pub(super) count: usize,
    /// Those that were not run.
    pub(super) missing: Vec<u32>,
}

impl Lines {
    pub(super) fn covered(&self) -> usize {
        self.count - self.missing.len()
    }

    /// No lines are no success: the measurement has failed.
    pub(super) fn percent(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.covered() as f64 * 100.0 / self.count as f64 }
    }
}

/// Reads the format of lcov: `SF:` a file, and `DA:` a line and how often it was run.
///
/// # Errors
/// It is no such format, or a file of it cannot be read.
pub(super) fn parse(exported: &str) -> Result<BTreeMap<PathBuf, Lines>> {
    let mut files: BTreeMap<PathBuf, Lines> = BTreeMap::new();
    let mut current: Option<(PathBuf, u32)> = None;
    for line in exported.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
            current = Some((path.into(), tests_at(&text)));
        } else if let Some(counted) = line.strip_prefix("DA:") {
            let (path, tests_at) = current.as_ref().context("a line of no file")?;
            let (number, times) = counted.split_once(',').with_context(|| format!("`{line}`"))?;
            let number: u32 = number.parse().with_context(|| format!("`{line}`"))?;
            if number < *tests_at {
                let lines = files.entry(path.clone()).or_default();
                lines.count += 1;
                lines.missing.extend((times == "0").then_some(number));
            }
        }
    }
    Ok(files)
}

/// The line at which the tests of a file begin: in this tree they stand at its end.
fn tests_at(text: &str) -> u32 {
    (1..).zip(text.lines()).find(|(_, line)| *line == "#[cfg(test)]").map_or(u32::MAX, |(number, _)| number)
}

/// Numbers as a person writes them: `3, 7-9`.
pub(super) fn ranges(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.iter().map(u32::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_up_to_the_tests() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("it.rs");
        fs::write(&path, "fn a() {}\nfn b() {}\nfn c() {}\n\n#[cfg(test)]\nmod tests {\n}\n").expect("a file");
        let exported = format!("SF:{}\nFN:1,a\nDA:1,7\nDA:2,0\nDA:3,1\nDA:6,0\nend_of_record\n", path.display());
        let files = parse(&exported).expect("lines");
        assert_eq!(files, BTreeMap::from([(path, Lines { count: 3, missing: vec![2] })]));
    }

    #[test]
    fn what_is_no_export_is_refused() {
        for wrong in ["DA:1,1\n", "SF:/nowhere/at/all.rs\nDA:1,1\n"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[3, 7, 8, 9, 11, 12]), "3, 7-9, 11-12");
    }

    #[test]
    fn no_lines_are_none_of_them() {
        assert!(Lines::default().percent() < 1.0);
        assert!((Lines { count: 4, missing: vec![1] }.percent() - 75.0).abs() < 0.01);
    }
}

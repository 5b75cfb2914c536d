//! What came of a target, read from what the fuzzer prints.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a target did, and what broke it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) target: String,
    pub(super) seeds: usize,
    numbers: Numbers,
    pub(super) crash: Option<Crash>,
}

/// The fuzzer's account. Zero is what it did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers {
    executions: u64,
    per_second: u64,
    /// Edges of the program that were taken, with the seeds alone and in the end.
    edges_seeded: u64,
    edges: u64,
    /// Edges, how often each was taken, and what was compared.
    features: u64,
    /// Inputs kept, as each takes a way of its own.
    corpus: u64,
}

/// An input that broke a target.
#[derive(Debug)]
pub(super) struct Crash {
    /// What the target said of it, or how it ended.
    reason: String,
    input: Option<PathBuf>,
    /// What to type to see it again.
    command: String,
    log: PathBuf,
}

impl Outcome {
    /// From all that the fuzzer printed. `failed` is how it ended, where that was no success.
    pub(super) fn new(
        target: &str,
        seeds: usize,
        log: &Path,
        printed: &str,
        failed: Option<String>,
        program: &Path,
    ) -> Self {
        let crash = failed.map(|failed| {
            let input = printed.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path);
            let input = input.map(|path| PathBuf::from(path.trim()));
            let command = match &input {
                Some(input) => format!("{} {}", program.display(), input.display()),
                None => program.display().to_string(),
            };
            Crash { reason: reason(printed).unwrap_or(failed), input, command, log: log.to_owned() }
        });
        Self { target: target.to_owned(), seeds, numbers: Numbers::parse(printed), crash }
    }
}

/// What the program said as it panicked, or else the fuzzer: out of time, out of memory.
fn reason(printed: &str) -> Option<String> {
    let mut lines = printed.lines().skip_while(|line| !line.contains("panicked at"));
    if let Some(place) = lines.next() {
        let place = place.split_once("panicked at ").map_or(place, |(_, place)| place);
        let words: Vec<&str> =
            lines.take(4).take_while(|line| !line.contains("RUST_BACKTRACE") && !line.starts_with("==")).collect();
        return Some(format!("{place}\n    {}", words.join("\n    ")));
    }
    printed.lines().find_map(|line| line.split_once("ERROR: libFuzzer: ")).map(|(_, what)| what.to_owned())
}

impl Numbers {
    fn parse(printed: &str) -> Self {
        let stat = |name: &str| {
            let value =
                printed.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        let inited = printed.lines().find(|line| line.contains("\tINITED "));
        let last = printed.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: "));
        let word = |line: Option<&str>, name: &str| {
            let mut words = line.unwrap_or_default().split_whitespace().skip_while(|word| *word != name).skip(1);
            let value = words.next().and_then(|value| value.split('/').next()?.parse().ok());
            value.unwrap_or(0)
        };
        Self {
            executions: stat("number_of_executed_units"),
            per_second: stat("average_exec_per_sec"),
            edges_seeded: word(inited, "cov:"),
            edges: word(last, "cov:"),
            features: word(last, "ft:"),
            corpus: word(last, "corp:"),
        }
    }
}

/// The whole of a short input, the beginning of a long one.
fn hex(bytes: &[u8]) -> String {
    const MOST: usize = 512;
    let shown: Vec<String> = bytes.iter().take(MOST).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > MOST { format!(" ... {} bytes", bytes.len()) } else { String::new() };
    shown.join(" ") + &more
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.reason)?;
        if let Some(input) = &self.input {
            writeln!(f, "  input    {}", input.display())?;
            if let Ok(bytes) = fs::read(input) {
                writeln!(f, "  in hex   {}", hex(&bytes))?;
            }
        }
        writeln!(f, "  again    {}", self.command)?;
        write!(f, "  printed  {}", self.log.display())
    }
}

/// Prints one row a target.
pub(super) fn print(outcomes: &[Outcome], took: Duration) {
    println!(
        "{:<15}{:>7}{:>13}{:>12}{:>16}{:>11}{:>9}{:>9}",
        "target", "seeds", "executions", "a second", "edges", "features", "inputs", "crashes"
    );
    for Outcome { target, seeds, numbers, crash } in outcomes {
        let edges = format!("{} -> {}", numbers.edges_seeded, numbers.edges);
        println!(
            "{target:<15}{seeds:>7}{:>13}{:>12}{edges:>16}{:>11}{:>9}{:>9}",
            numbers.executions,
            numbers.per_second,
            numbers.features,
            numbers.corpus,
            usize::from(crash.is_some())
        );
    }
    println!(
        "\nedges: of the target and of what it is built of, by what it began with and in the end; {} s",
        took.as_secs()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
INFO: Running with entropic power schedule (0xFF, 100).
#203\tINITED cov: 371 ft: 1290 corp: 150/8437b exec/s: 0 rss: 29Mb
#1048576\tpulse  cov: 380 ft: 1310 corp: 160/8537b lim: 4096 exec/s: 524288 rss: 27Mb
#1432511\tDONE   cov: 402 ft: 1450 corp: 171/9022b lim: 4096 exec/s: 47750 rss: 27Mb
Done 1432511 runs in 30 second(s)
stat::number_of_executed_units: 1432511
stat::average_exec_per_sec:     46210
";

    #[test]
    fn the_account_is_read() {
        let outcome = Outcome::new("udp", 47, Path::new("log"), PRINTED, None, Path::new("udp"));
        let numbers = Numbers {
            executions: 1_432_511,
            per_second: 46_210,
            edges_seeded: 371,
            edges: 402,
            features: 1450,
            corpus: 171,
        };
        assert_eq!(outcome.numbers, numbers);
        assert!(outcome.crash.is_none());
    }

    #[test]
    fn a_crash_says_why_and_what_to_type() {
        let printed = "\
thread '<unnamed>' (77) panicked at fuzz_targets/udp.rs:20:5:
one is not two
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
==77== ERROR: libFuzzer: deadly signal
artifact_prefix='a/'; Test unit written to a/crash-1234
";
        let failed = Some("exit status: 77".to_owned());
        let outcome = Outcome::new("udp", 47, Path::new("log"), printed, failed, Path::new("bin/udp"));
        let shown = outcome.crash.expect("a crash").to_string();
        assert!(shown.starts_with("fuzz_targets/udp.rs:20:5:\n    one is not two\n"), "{shown}");
        assert!(shown.contains("bin/udp a/crash-1234"), "{shown}");
    }

    #[test]
    fn a_target_that_takes_too_long_or_does_not_begin_has_failed_as_well() {
        let new = |printed: &str| {
            let outcome =
                Outcome::new("udp", 1, Path::new("log"), printed, Some("signal: 9".to_owned()), Path::new("udp"));
            outcome.crash.expect("a crash").reason
        };
        assert_eq!(new("==1== ERROR: libFuzzer: timeout after 10 seconds\n"), "timeout after 10 seconds");
        assert_eq!(new(""), "signal: 9");
    }

    #[test]
    fn long_inputs_are_cut_in_hex() {
        assert_eq!(hex(&[5, 255]), "05 ff");
        assert!(hex(&[0; 600]).ends_with("00 ... 600 bytes"));
    }
}

//! The Rust crates through a proxy, near and far, beside others and beside what is written by hand: how long until the
//! first byte, and what goes through one stream.
//!
//! By the package `peers`, a process for each, in turns.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::bed::Bed;
use super::handshake;
use super::proxy::Proxy;
use super::report::{Section, Table, Verdict, number};
use super::worker::Worker;
use crate::progress::Progress;

/// Two written by hand, the first of which blocks; then ours; then others.
pub(super) const SUBJECTS: [&str; 9] = [
    "floor",
    "floor-async-io",
    "socks-blocking",
    "socks-mio",
    "socks-tokio",
    "socks-async-std",
    "tokio-socks",
    "fast-socks5",
    "socks",
];
/// Between the floors and the others; both floors can send all in one flight, as ours can.
const OURS: Range<usize> = 2..6;
const EAGER: usize = OURS.end;

/// What there is to negotiate: how the table calls it, how the program does, and how many of [`SUBJECTS`] can.
const CASES: [(&str, &str, usize); 3] = [
    ("no login", "stepwise", SUBJECTS.len()),
    ("login", "login", SUBJECTS.len()),
    ("one round trip", "one-round-trip", EAGER),
];

/// Round trips to proxies that are far away, with how many rounds of each.
const FAR: [(u64, usize); 3] = [(10, 10), (50, 5), (150, 3)];
/// As many in less than a minute.
const QUICK_FAR: [(u64, usize); 2] = [(10, 2), (50, 1)];

/// What ours may take longer than the floor where it is round trips that take the time.
const FAR_MOST: f64 = 1.05;

/// How many connects a round has on this machine.
const CONNECTS: usize = 10;

/// How much goes through one stream in a round.
const OCTETS: u64 = 256 << 20;
const QUICK_OCTETS: u64 = 32 << 20;

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let (near, streams, octets) = if quick { (10, 2, QUICK_OCTETS) } else { (60, 8, OCTETS) };
    let far = if quick { &QUICK_FAR[..] } else { &FAR };
    let [_, program] = handshake::build()?;
    let mut section = Section::new("crates", "a name through a proxy, by the Rust crates");
    let steps = CASES.len() * (near + far.iter().map(|(_, rounds)| rounds).sum::<usize>()) + 2 * streams;
    let mut bench = Bench { bed, program: &program, progress: Progress::new("bench", "crates", steps) };

    let all = || SUBJECTS.iter().copied();
    let mut here = Table::new("first byte, on this machine", "µs", all());
    let mut here_at_once = Table::new("first byte in one round trip, on this machine", "µs", all().take(EAGER));
    let mut away = Table::new("first byte, the proxy so far away", "ms", all());
    let mut away_at_once = Table::new("first byte in one round trip, the proxy so far away", "ms", all().take(EAGER));
    for (name, case, able) in CASES {
        let is_eager = able == EAGER;
        let samples = bench.first_byte(Duration::ZERO, case, able, near, CONNECTS)?;
        let table = if is_eager { &mut here_at_once } else { &mut here };
        table.row(name, &scaled(samples, |nanos| nanos / 1e3))?;
        for (millis, rounds) in far {
            let samples = bench.first_byte(Duration::from_millis(*millis), case, able, *rounds, 1)?;
            let table = if is_eager { &mut away_at_once } else { &mut away };
            table.row(format!("{millis} ms, {name}"), &scaled(samples, |nanos| nanos / 1e6))?;
            judge(table);
        }
    }
    let mut stream = Table::new("one stream, more is better", "MB/s", all());
    for (name, what) in [("received", "receive"), ("sent", "send")] {
        let samples = bench.stream(what, octets, streams)?;
        // Octets in a nanosecond are GB/s.
        stream.row(name, &scaled(samples, |nanos| octets as f64 / nanos * 1e3))?;
    }
    [here, here_at_once, away, away_at_once, stream].into_iter().for_each(|table| section.push(table));
    section.note(
        "From before the connect to the proxy until a byte has been to the target and back, which is one more round trip.\n\
         floor: written by hand, blocking, with no check and no deadline; floor-async-io: the same, but waiting as async-io\n\
         does, whose reactor may wait in another thread than the future. Ours and others by what their documentation tells\n\
         a user to call, tokio in one thread. The proxy is connected to at once, wherever it is: it is the\n\
         answers that take so long. One stream: what the proxy itself says and takes.",
    );
    Ok(section)
}

/// What is measured by.
struct Bench<'a> {
    bed: &'a Bed,
    program: &'a Path,
    progress: Progress,
}

impl Bench<'_> {
    /// The nanoseconds from the connect to the first byte, for each subject that can.
    fn first_byte(
        &mut self,
        delay: Duration,
        case: &str,
        able: usize,
        rounds: usize,
        connects: usize,
    ) -> Result<Vec<Vec<f64>>> {
        let proxy = Proxy::start(self.bed, delay)?;
        self.in_turns(
            &SUBJECTS[..able],
            case,
            &proxy.address(case == "login"),
            rounds,
            &format!("first-byte {connects}"),
        )
    }

    /// The nanoseconds that so many octets took, for each subject.
    fn stream(&mut self, what: &str, octets: u64, rounds: usize) -> Result<Vec<Vec<f64>>> {
        let proxy = Proxy::start(self.bed, Duration::ZERO)?;
        self.in_turns(&SUBJECTS, "stepwise", &proxy.address(false), rounds, &format!("{what} {octets}"))
    }

    fn in_turns(
        &mut self,
        subjects: &[&str],
        case: &str,
        proxy: &str,
        rounds: usize,
        line: &str,
    ) -> Result<Vec<Vec<f64>>> {
        let start = |subject: &&str| {
            Worker::start(self.bed.command(self.program, None).args(["measure", subject, case, proxy]))
        };
        let mut workers: Vec<Worker> = subjects.iter().map(start).collect::<Result<_>>()?;
        let mut samples = vec![Vec::new(); workers.len()];
        // The first round is for what is done once a process is done.
        for round in 0..=rounds {
            for turn in 0..workers.len() {
                let at = (turn + round) % workers.len();
                let nanos = workers[at].ask(line).with_context(|| format!("{}, {case}", subjects[at]))?;
                if round > 0 {
                    samples[at].push(nanos);
                }
            }
            if round > 0 {
                self.progress.step();
            }
        }
        Ok(samples)
    }
}

fn scaled(samples: Vec<Vec<f64>>, scale: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    samples.into_iter().map(|samples| samples.into_iter().map(&scale).collect()).collect()
}

/// Judges the last row: none of ours needs a round trip more than it has to.
fn judge(table: &mut Table) {
    let Some(row) = table.rows.last_mut() else { return };
    // There is no ratio of the first.
    let ours = row.ratios.iter().skip(OURS.start - 1).take(OURS.len()).flatten();
    let worst = ours.map(|ratio| ratio.median).fold(0.0, f64::max);
    let kept = worst <= FAR_MOST;
    let outcome = if kept { "holds" } else { "MISSES" };
    let text = format!("{outcome}: ours at most ×{} of the floor, ×{} here", number(FAR_MOST), number(worst));
    row.verdict = Some(Verdict { kept, text });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ours_are_judged_far_away() {
        let verdict = |ours: f64| {
            let mut table = Table::new("far", "ms", SUBJECTS);
            let of = |at: usize| {
                vec![if at == 2 {
                    ours
                } else if at < EAGER {
                    30.0
                } else {
                    900.0
                }]
            };
            table.row("10 ms", &(0..SUBJECTS.len()).map(of).collect::<Vec<_>>()).expect("a row");
            judge(&mut table);
            table.rows.pop().and_then(|row| row.verdict).expect("a verdict").kept
        };
        assert!(verdict(31.0));
        assert!(!verdict(40.0));
    }
}

//! What calls, connects and memory are when a process has ten thousand sockets, and not one.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::bed::{self, Bed, target};
use super::proxy::{NEVER, Proxy};
use super::report::{Row, Section, Table, Verdict, grouped, number};
use super::worker::Worker;
use super::wrapper::{DIRECT, OURS};
use super::{calls, memory, ttfb};
use crate::progress::Progress;

/// How many sockets there are.
const COUNTS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// As many in less than a minute.
const QUICK: usize = 1_000;

/// What it is compared with in the end: so many that what is done once no longer counts.
const FEW: usize = 100;
/// How many times that a flat line may be at its end: times of so many sockets are not those of an idle machine.
const FLAT: f64 = 1.5;

/// Calls on descriptors that have nothing to do with the sockets.
const CALLS: [&str; 4] = ["read", "poll", "epoll_wait", "open+close"];
/// How often a call is made in a round.
const CALLS_A_ROUND: usize = 1500;

const MOST_ROUNDS: usize = 200;

/// How much is done for one number.
struct Effort {
    processes: usize,
    rounds: usize,
    /// How many connects all rounds are to have together, and how many rounds there are at least.
    connects: usize,
    least_rounds: usize,
    memory_rounds: usize,
}

const FULL: Effort = Effort { processes: 4, rounds: 40, connects: 20_000, least_rounds: 7, memory_rounds: 3 };
const BRIEF: Effort = Effort { processes: 2, rounds: 8, connects: 1_000, least_rounds: 2, memory_rounds: 1 };

impl Effort {
    /// Few of many connects, and many of few.
    fn rounds_of_connects(&self, count: usize) -> usize {
        (self.connects / count).clamp(self.least_rounds, MOST_ROUNDS)
    }
}

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let mut section = Section::new("growth", "the same with more and more sockets in the process");
    let effort = if quick { BRIEF } else { FULL };
    let mut counts = Vec::new();
    for count in COUNTS.into_iter().filter(|count| !quick || *count <= QUICK) {
        match bed::allow_sockets(count) {
            Ok(()) => counts.push(count),
            Err(error) => section.note(format!("left out: {} sockets: {error}", grouped(count))),
        }
    }
    let progress = Progress::new("bench", "growth", counts.len() * (effort.processes + 3));
    Growth { bed, counts, effort, section, progress }.measure()
}

/// A measurement that goes on.
struct Growth<'a> {
    bed: &'a Bed,
    counts: Vec<usize>,
    effort: Effort,
    section: Section,
    progress: Progress,
}

impl Growth<'_> {
    fn measure(mut self) -> Result<Section> {
        self.calls()?;
        let program = self.bed.compile("connects", ttfb::SOURCE)?;
        for (way, title) in [
            ("epoll", "processor time of a connect, one byte there and back, and close; so many at once by epoll"),
            ("poll", "the same by poll"),
        ] {
            self.connects(&program, way, title)?;
        }
        self.memory()?;
        self.section.note(format!(
            "idle: connected through the proxy, and left alone; pending: the proxy never answers. As many others are\n\
             connected directly. The last row is compared with that of {FEW}, and counts as flat up to ×{FLAT}.\n\
             read: /dev/zero; poll, epoll_wait: one quiet pipe, no timeout; open+close: /dev/null."
        ));
        Ok(self.section)
    }

    /// What is not worth all the rest.
    fn left_out(&mut self, what: &str, count: usize, error: &anyhow::Error) {
        self.section.note(format!("left out: {what} with {} sockets: {error:#}", grouped(count)));
    }

    /// Calls on other descriptors, with idle and with pending sockets in the process.
    fn calls(&mut self) -> Result<()> {
        const SUBJECTS: [&str; 3] = [DIRECT, "idle", "pending"];
        let program = self.bed.compile("calls", calls::SOURCE)?;
        let mut tables = CALLS.map(|call| Table::new(call, "ns", SUBJECTS).over("sockets in the process"));
        for count in self.counts.clone() {
            match self.calls_with(&program, count) {
                Ok(samples) => {
                    for (table, samples) in tables.iter_mut().zip(&samples) {
                        table.row_at(count, samples)?;
                    }
                }
                Err(error) => self.left_out("calls", count, &error),
            }
        }
        for mut table in tables {
            judge(&mut table);
            self.section.push(table);
        }
        Ok(())
    }

    /// The nanoseconds of each call, for each subject.
    fn calls_with(&mut self, program: &Path, count: usize) -> Result<Vec<Vec<Vec<f64>>>> {
        // One each: a process may not have the descriptors for the other ends of all.
        let (direct, prompt) = (Proxy::start(self.bed, Duration::ZERO)?, Proxy::start(self.bed, Duration::ZERO)?);
        let silent = Proxy::start(self.bed, NEVER)?;
        let (prompt, silent) = (prompt.socksrc(self.bed, false)?, silent.socksrc(self.bed, false)?);
        let mut samples = vec![vec![Vec::new(); 3]; CALLS.len()];
        for _ in 0..self.effort.processes {
            let start = |state: &str, socksrc: Option<&Path>, to: [String; 2]| {
                Worker::start(self.bed.command(program, socksrc).args(to).args([state, &count.to_string()]))
            };
            let mut workers = [
                start("connected", None, direct.direct())?,
                start("connected", Some(&prompt), target())?,
                start("pending", Some(&silent), target())?,
            ];
            for round in 0..=self.effort.rounds {
                for (call, samples) in CALLS.iter().zip(&mut samples) {
                    for turn in 0..workers.len() {
                        let subject = (turn + round) % workers.len();
                        let nanos = workers[subject].ask(&format!("{call} {CALLS_A_ROUND}"))?;
                        // The first round is for caches and the dynamic linker.
                        if round > 0 {
                            samples[subject].push(nanos);
                        }
                    }
                }
            }
            self.progress.step();
        }
        Ok(samples)
    }

    /// Connects at once, directly and through the proxy.
    fn connects(&mut self, program: &Path, way: &str, title: &str) -> Result<()> {
        let mut table = Table::new(title, "µs", [DIRECT, OURS]).over("connects at once");
        for count in self.counts.clone() {
            match self.connects_of(program, way, count) {
                Ok(samples) => _ = table.row_at(count, &samples)?,
                Err(error) => self.left_out(way, count, &error),
            }
            self.progress.step();
        }
        judge(&mut table);
        self.section.push(table);
        Ok(())
    }

    /// The microseconds of processor time of one connect, for each subject: it waits for others, and they for the machine.
    fn connects_of(&self, program: &Path, way: &str, count: usize) -> Result<Vec<Vec<f64>>> {
        let (direct, proxy) = (Proxy::start(self.bed, Duration::ZERO)?, Proxy::start(self.bed, Duration::ZERO)?);
        let socksrc = proxy.socksrc(self.bed, false)?;
        let mut workers = [
            Worker::start(self.bed.command(program, None).args(direct.direct()))?,
            Worker::start(self.bed.command(program, Some(&socksrc)).args(target()))?,
        ];
        let mut samples = vec![Vec::new(); workers.len()];
        // The first round is for the configuration, which is read once.
        for round in 0..=self.effort.rounds_of_connects(count) {
            for turn in 0..workers.len() {
                let subject = (turn + round) % workers.len();
                let nanos = workers[subject].ask(&format!("{way} {count} 1 cpu"))?;
                if round > 0 {
                    samples[subject].push(nanos / 1e3 / count as f64);
                }
            }
        }
        Ok(samples)
    }

    /// What each pending connect adds to the memory of the process.
    fn memory(&mut self) -> Result<()> {
        let program = self.bed.compile("memory", memory::SOURCE)?;
        let title = "memory of its own for each connect begun";
        let mut table = Table::new(title, "octets", [DIRECT, OURS]).over("connects at once");
        // Of fewer, the pages and what is allocated once are all that is seen.
        for count in self.counts.clone().into_iter().filter(|count| *count >= FEW) {
            match self.memory_of(&program, count) {
                Ok(samples) => _ = table.row_at(count, &samples)?,
                Err(error) => self.left_out("memory", count, &error),
            }
            self.progress.step();
        }
        judge(&mut table);
        self.section.push(table);
        Ok(())
    }

    fn memory_of(&self, program: &Path, count: usize) -> Result<Vec<Vec<f64>>> {
        let mut samples = vec![Vec::new(); 2];
        for _ in 0..self.effort.memory_rounds {
            // A new one each round: it keeps all that it was ever told.
            let proxy = Proxy::start(self.bed, NEVER)?;
            let socksrc = proxy.socksrc(self.bed, false)?;
            let added = |socksrc: Option<&Path>, to: [String; 2]| -> Result<f64> {
                let mut command = self.bed.command(program, socksrc);
                let mut worker = Worker::start(command.args(to).arg(count.to_string()))?;
                let [_, before] = memory::kilobytes(&mut worker)?;
                let [_, after] = memory::pending(worker, false)?;
                Ok((after - before) * 1024.0 / count as f64)
            };
            samples[0].push(added(None, proxy.direct())?);
            samples[1].push(added(Some(&socksrc), target())?);
        }
        Ok(samples)
    }
}

/// Judges the last row by that of [`FEW`]: how many times it is of that, for those who have to do with a proxy.
fn judge(table: &mut Table) {
    let medians = |row: &Row| -> Vec<f64> {
        row.values.iter().skip(1).map(|value| value.map_or(f64::NAN, |value| value.median)).collect()
    };
    let few = table.rows.iter().find(|row| row.at == Some(FEW)).map(medians);
    let Some((few, last)) = few.zip(table.rows.last_mut().filter(|row| row.at > Some(FEW))) else { return };
    let growth = medians(last).iter().zip(&few).map(|(most, few)| most / few).fold(0.0, f64::max);
    let kept = growth <= FLAT;
    let outcome = if kept { "flat" } else { "NOT FLAT" };
    last.verdict = Some(Verdict { kept, text: format!("{outcome}: ×{} of that of {FEW}", number(growth)) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_verdict(values: &[(usize, f64)]) -> Option<Verdict> {
        let mut table = Table::new("call", "ns", ["plain", "idle"]).over("sockets");
        for (at, value) in values {
            table.row_at(*at, &[vec![10.0], vec![*value]]).expect("a row");
        }
        judge(&mut table);
        table.rows.pop().and_then(|row| row.verdict)
    }

    #[test]
    fn the_last_row_is_compared_with_that_of_a_hundred() {
        // What one costs alone is no measure: what is done once is all in it.
        let flat = last_verdict(&[(1, 500.0), (100, 100.0), (10_000, 149.0)]).expect("a verdict");
        assert!(flat.kept, "{flat:?}");
        let steep = last_verdict(&[(1, 100.0), (100, 100.0), (10_000, 151.0)]).expect("a verdict");
        assert_eq!(steep, Verdict { kept: false, text: "NOT FLAT: ×1.51 of that of 100".to_owned() });
    }

    #[test]
    fn without_more_than_a_hundred_nothing_is_said() {
        assert_eq!(last_verdict(&[(1, 100.0), (10, 900.0), (100, 9000.0)]), None);
        assert_eq!(last_verdict(&[(1, 100.0), (10_000, 900.0)]), None);
    }

    #[test]
    fn rounds_become_fewer_as_connects_become_more() {
        assert_eq!(FULL.rounds_of_connects(1), MOST_ROUNDS);
        assert_eq!(FULL.rounds_of_connects(1_000), 20);
        assert_eq!(FULL.rounds_of_connects(10_000), FULL.least_rounds);
    }
}

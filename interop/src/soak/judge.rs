//! What a program said of itself, and what is wrong with it.

use std::fmt;

/// What may be added to a median for noise: a share of it, and some bytes. How much is in use on the way depends on how
/// many connections are just then at which step.
const SHARE: f64 = 0.05;
const SLACK: u64 = 128 * 1024;

/// The most that malloc may have given out at the end, when nothing is open any more, above what it had at the beginning:
/// the configuration and what several hundred sockets at once needed, whatever the number of connections. In bytes.
const LEFT: u64 = 192 * 1024;

/// What a program says from time to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Connections whose message came back.
    pub echoed: u64,
    /// Connections that were refused, and were to be.
    pub refused: u64,
    /// Connections that were given up on their way, and were to be.
    pub abandoned: u64,
    /// Connections of which something else came.
    pub failed: u64,
    /// Bytes of its memory that are in use by it.
    pub resident: u64,
    /// Bytes that malloc has given out.
    pub heap: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

impl Sample {
    /// From the numbers of `print_sample` in `c/soak_watch.c`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        let [echoed, refused, abandoned, failed, kilobytes, heap, descriptors] = numbers.try_into().ok()?;
        Some(Self { echoed, refused, abandoned, failed, resident: kilobytes * 1024, heap, descriptors })
    }

    fn total(&self) -> u64 {
        self.echoed + self.refused + self.abandoned + self.failed
    }
}

/// A quantity in the second quarter of a run, when everything has been in use once, and in the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The median in the second quarter.
    pub second: u64,
    /// The median in the last quarter.
    pub last: u64,
}

impl Growth {
    fn is_flat(self) -> bool {
        self.last as f64 <= self.second as f64 * (1.0 + SHARE) + SLACK as f64
    }
}

/// In kilobytes.
impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} → {}", self.second / 1024, self.last / 1024))
    }
}

/// All that a program says.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Before the first connection.
    pub begin: Option<Sample>,
    /// On the way.
    pub samples: Vec<Sample>,
    /// After the last connection.
    pub end: Option<Sample>,
}

impl Course {
    /// The memory of the process; `None` with too few samples.
    pub fn resident(&self) -> Option<Growth> {
        self.growth(|sample| sample.resident)
    }

    /// Its heap.
    pub fn heap(&self) -> Option<Growth> {
        self.growth(|sample| sample.heap)
    }

    /// The most descriptors that were seen open.
    pub fn most_descriptors(&self) -> u64 {
        self.samples.iter().map(|sample| sample.descriptors).max().unwrap_or_default()
    }

    fn growth(&self, of: impl Fn(&Sample) -> u64) -> Option<Growth> {
        let count = self.samples.len();
        let second = median(self.samples.get(count / 4..count / 2)?.iter().map(&of))?;
        let last = median(self.samples.get(count * 3 / 4..)?.iter().map(&of))?;
        Some(Growth { second, last })
    }

    /// What is wrong, of so many connections; nothing if all is well.
    pub(super) fn findings(&self, connections: u64) -> Vec<String> {
        let mut findings = Vec::new();
        let (Some(begin), Some(end)) = (self.begin, self.end) else {
            let done = self.samples.last().map_or(0, Sample::total);
            return vec![format!("it did not get to its end: {done} of {connections} connections")];
        };
        if end.failed > 0 {
            findings.push(format!("{} connections failed", end.failed));
        }
        if end.total() != connections {
            findings.push(format!("{} connections in place of {connections}", end.total()));
        }
        if end.descriptors != begin.descriptors {
            findings.push(format!("{} descriptors at the end, {} before", end.descriptors, begin.descriptors));
        }
        if end.heap > begin.heap + LEFT {
            findings.push(format!("{} kB of heap are left at the end", (end.heap - begin.heap) / 1024));
        }
        let grown = [("memory", self.resident()), ("heap", self.heap())];
        for (what, growth) in grown {
            match growth {
                None => findings.push(format!("too few samples of its {what}")),
                Some(growth) if !growth.is_flat() => findings.push(format!("its {what} grows: {growth} kB")),
                Some(_) => {}
            }
        }
        findings
    }
}

fn median(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KB: u64 = 1024;

    /// A run of 1,000 connections; `change` makes it less than perfect.
    fn course(change: impl Fn(u64, &mut Sample)) -> Course {
        let at = |done: u64| {
            let mut sample = Sample::parse(&format!("{done} 0 0 0 4000 100000 5")).expect("seven numbers");
            change(done, &mut sample);
            sample
        };
        Course { begin: Some(at(0)), samples: (1..=50).map(|n| at(n * 20)).collect(), end: Some(at(1000)) }
    }

    fn findings(change: impl Fn(u64, &mut Sample)) -> String {
        course(change).findings(1000).join("; ")
    }

    #[test]
    fn a_flat_run_is_good() {
        assert_eq!(findings(|_, _| {}), "");
        // What is taken once, and noise, are no growth.
        assert_eq!(findings(|done, sample| sample.resident += 300 * KB * u64::from(done > 100)), "");
        assert_eq!(findings(|done, sample| sample.heap += done % 7 * 1000), "");
    }

    #[test]
    fn growth_is_found() {
        assert_eq!(findings(|done, sample| sample.resident += done * KB), "its memory grows: 4380 → 4880 kB");
        assert_eq!(
            findings(|done, sample| sample.heap += done * 400),
            "390 kB of heap are left at the end; its heap grows: 246 → 441 kB"
        );
    }

    #[test]
    fn what_is_left_is_found() {
        let left = |bytes| findings(move |done, sample| sample.heap += if done == 1000 { bytes } else { 0 });
        // The last sample on the way is of the same connection as the one at the end.
        assert_eq!(left(192 * KB), "");
        assert_eq!(left(193 * KB), "193 kB of heap are left at the end");
    }

    #[test]
    fn what_is_left_open_or_failed_is_found() {
        assert_eq!(
            findings(|done, sample| sample.descriptors += u64::from(done == 1000)),
            "6 descriptors at the end, 5 before"
        );
        assert_eq!(
            findings(|done, sample| sample.failed = u64::from(done == 1000)),
            "1 connections failed; 1001 connections in place of 1000"
        );
    }

    #[test]
    fn a_run_without_an_end_is_not_good() {
        let whole = course(|_, _| {});
        let cut = Course { end: None, samples: whole.samples[..25].to_vec(), ..whole };
        assert_eq!(cut.findings(1000), ["it did not get to its end: 500 of 1000 connections"]);
        assert_eq!(Course::default().findings(1).len(), 1);
    }

    #[test]
    fn other_lines_are_no_samples() {
        for line in ["", "1 2 3", "1 2 3 4 5 6 x", "1 2 3 4 5 6 7 8", "1 2 3 4 5 6 -1"] {
            assert_eq!(Sample::parse(line), None, "{line}");
        }
    }
}

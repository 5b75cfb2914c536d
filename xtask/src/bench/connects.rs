//! Connects through a proxy, near and 20 ms away, one and thousands at once, beside direct ones.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::bed::{self, Bed, target};
use super::proxy::Proxy;
use super::report::{Section, Table};
use super::worker::Worker;
use crate::progress::Progress;

pub(super) const SOURCE: &str = include_str!("connects.c");

/// The round trip to the proxy that is far away.
const FAR: Duration = Duration::from_millis(20);

const SUBJECTS: [&str; 2] = ["direct", "wrapped"];

/// One row.
struct Case {
    name: &'static str,
    /// What the program is asked: a way, and how many threads.
    way: &'static str,
    count: usize,
    threads: usize,
    login: bool,
    rounds: usize,
    quick_rounds: usize,
}

impl Case {
    /// The seconds that each round took, directly and through the proxy.
    fn measure(
        &self,
        bed: &Bed,
        program: &Path,
        proxy: &Proxy,
        rounds: usize,
        progress: &mut Progress,
    ) -> Result<[Vec<f64>; 2]> {
        let socksrc = proxy.socksrc(bed, self.login)?;
        let start = |socksrc: Option<&Path>, to: [String; 2]| Worker::start(bed.command(program, socksrc).args(to));
        let mut workers = [start(None, proxy.direct())?, start(Some(&socksrc), target())?];
        let mut seconds = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for turn in 0..workers.len() {
                let subject = (turn + round) % workers.len();
                let nanos = workers[subject].ask(&format!("{} {} {}", self.way, self.count, self.threads))?;
                seconds[subject].push(nanos / 1e9);
            }
            progress.step();
        }
        Ok(seconds)
    }

    /// How many sockets are open at a time.
    fn at_once(&self) -> usize {
        // Each thread has one, and makes the next when that is done.
        if matches!(self.way, "serial" | "threads") { self.threads } else { self.count }
    }

    fn value(&self, unit: &str, seconds: f64) -> f64 {
        if unit == MILLIS { seconds * 1e3 } else { self.count as f64 / seconds }
    }
}

const MILLIS: &str = "ms";

const fn case(name: &'static str, way: &'static str, count: usize, threads: usize, rounds: usize) -> Case {
    Case { name, way, count, threads, login: false, rounds, quick_rounds: rounds.div_ceil(10) }
}

const fn with_login(case: Case) -> Case {
    Case { login: true, ..case }
}

const AWAY: [Case; 5] = [
    case("one, blocking", "serial", 1, 1, 30),
    with_login(case("one, blocking, with a login", "serial", 1, 1, 30)),
    case("200 at once by poll", "poll", 200, 1, 20),
    case("200 at once by epoll", "epoll", 200, 1, 20),
    case("200 at once by 200 threads", "threads", 200, 200, 20),
];

const AT_ONCE: [Case; 3] = [
    case("1,000 by poll", "poll", 1000, 1, 10),
    case("1,000 by epoll", "epoll", 1000, 1, 10),
    case("10,000 by epoll", "epoll", 10_000, 1, 7),
];

const RATES: [Case; 3] = [
    case("1 thread", "serial", 500, 1, 20),
    with_login(case("1 thread, with a login", "serial", 500, 1, 20)),
    case("32 threads", "threads", 3200, 32, 10),
];

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let all = [&AWAY[..], &AT_ONCE, &RATES];
    let rounds = |case: &Case| if quick { case.quick_rounds } else { case.rounds };
    let steps = all.iter().flat_map(|cases| cases.iter()).map(rounds).sum();
    let mut progress = Progress::new("bench", "connects", steps);
    let program = bed.compile("connects", SOURCE)?;
    let (near, far) = (Proxy::start(bed, Duration::ZERO)?, Proxy::start(bed, FAR)?);
    let mut section = Section::new("connects", "connect, one byte there and back; then the same through the proxy");
    let tables = [
        (&AWAY[..], &far, Table::new("the proxy is 20 ms away", MILLIS, SUBJECTS)),
        (&AT_ONCE, &near, Table::new("at once, on this machine", MILLIS, SUBJECTS)),
        (&RATES, &near, Table::new("in a second, more is better", "connects/s", SUBJECTS)),
    ];
    for (cases, proxy, mut table) in tables {
        for case in cases {
            if let Err(error) = bed::allow_sockets(case.at_once()) {
                section.note(format!("left out: {}: {error}", case.name));
                continue;
            }
            match case.measure(bed, &program, proxy, rounds(case), &mut progress) {
                Ok(seconds) => {
                    let in_unit =
                        |seconds: Vec<f64>| seconds.into_iter().map(|one| case.value(table.unit(), one)).collect();
                    table.row(case.name, &seconds.into_iter().map(in_unit).collect::<Vec<_>>())?;
                }
                // The rest is worth knowing all the same.
                Err(error) => section.note(format!("left out: {}: {error:#}", case.name)),
            }
        }
        section.push(table);
    }
    section.note(
        "A round trip each for the greeting, the login and the request; the byte takes one more, as it does directly.",
    );
    Ok(section)
}

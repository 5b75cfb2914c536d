//! Connects through a proxy, one and many, near and 20 ms away, beside direct ones and those of others.

use std::time::Duration;

use anyhow::Result;

use super::bed::{self, Bed};
use super::contest::{Contest, Standing, Task};
use super::proxy::{Handshake, Proxy, Service};
use super::report::{Section, Table};
use super::ttfb::SOURCE;
use super::worker::Outcome;
use super::wrapper::OURS;
use crate::progress::Progress;

/// The round trip to the proxy that is far away.
const FAR: Duration = Duration::from_millis(20);

/// One row.
struct Case {
    name: &'static str,
    /// What the program is asked: a way, and how many threads.
    way: &'static str,
    count: usize,
    threads: usize,
    login: bool,
    rounds: usize,
    /// Whether ours are promised to be no fewer than those of any other.
    promised: bool,
}

impl Case {
    /// How many sockets are open at a time.
    fn at_once(&self) -> usize {
        // Each thread has one, and makes the next when that is done.
        if matches!(self.way, "serial" | "threads") { self.threads } else { self.count }
    }

    fn rounds(&self, quick: bool) -> usize {
        if quick { self.rounds.div_ceil(5) } else { self.rounds }
    }

    fn task(&self, quick: bool) -> Task<'_> {
        Task {
            name: self.name,
            way: self.way,
            trial: Some(format!("{0} {0}", self.at_once().min(8))),
            question: format!("{} {}", self.count, self.threads),
            size: self.at_once(),
            rounds: self.rounds(quick),
            handshake: Handshake { login: self.login, one_round_trip: false },
            service: Service::Echo,
        }
    }
}

const fn case(name: &'static str, way: &'static str, count: usize, threads: usize, rounds: usize) -> Case {
    Case { name, way, count, threads, login: false, rounds, promised: true }
}

const fn one_by_one(name: &'static str, login: bool) -> Case {
    Case { login, promised: false, ..case(name, "serial", 500, 1, 20) }
}

const NEAR: [Case; 7] = [
    one_by_one("1 thread", false),
    one_by_one("1 thread, with a login", true),
    case("64 threads", "threads", 3200, 64, 10),
    case("1,000 at once by poll", "poll", 1000, 1, 10),
    case("1,000 at once by epoll", "epoll", 1000, 1, 10),
    case("10,000 at once by poll", "poll", 10_000, 1, 5),
    case("10,000 at once by epoll", "epoll", 10_000, 1, 5),
];

/// Fewer in a quick run: who makes them one after another takes 40 ms for each.
const AWAY: [Case; 3] = [
    case("200 at once by poll", "poll", 200, 1, 20),
    case("200 at once by epoll", "epoll", 200, 1, 20),
    case("200 at once by 200 threads", "threads", 200, 200, 20),
];
const QUICK_AWAY: [Case; 3] = [
    case("25 at once by poll", "poll", 25, 1, 20),
    case("25 at once by epoll", "epoll", 25, 1, 20),
    case("25 at once by 25 threads", "threads", 25, 25, 20),
];

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let away = if quick { &QUICK_AWAY } else { &AWAY };
    let steps = NEAR.iter().chain(away).map(|case| case.rounds(quick)).sum();
    let mut progress = Progress::new("bench", "connects", steps);
    let program = bed.compile("connects", SOURCE)?;
    let mut contest = Contest::new(bed, &program, quick);
    let names = contest.names();
    let mut section = Section::new("connects", "connect, one byte there and back; as many in a second, more is better");
    let tables = [("on this machine", Duration::ZERO, &NEAR[..]), ("the proxy is 20 ms away", FAR, away)];
    for (title, delay, cases) in tables {
        let proxy = Proxy::start(bed, delay)?;
        let mut table = Table::new(title, "connects/s", names.iter().copied());
        for case in cases {
            if let Err(error) = bed::allow_sockets(case.at_once()) {
                section.note(format!("left out: {}: {error}", case.name));
                continue;
            }
            let nanos = contest.measure(&proxy, &case.task(quick), &mut progress);
            let rate = |nanos: Vec<f64>| nanos.into_iter().map(|one| case.count as f64 * 1e9 / one).collect();
            let outcomes: Vec<Outcome> = nanos.into_iter().map(|outcome| outcome.map(rate)).collect();
            table.row_of(case.name, &outcomes)?;
            if case.promised {
                table.judge(OURS, |_| Standing::of(&names, &outcomes).best());
            }
        }
        section.push(table);
    }
    section.note(
        "floor: a client written by hand in the program's own loop. At once: non-blocking, all begun before the first is\n\
         waited for. A round trip each for the greeting, the login and the request; the byte takes one more, as it does\n\
         directly.",
    );
    contest.explain(&mut section);
    Ok(section)
}

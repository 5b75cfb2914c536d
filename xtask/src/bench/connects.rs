//! Connects through a proxy, near and 20 ms away, one and thousands at once, beside direct ones.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::process::{Resource, getrlimit};

use super::bed::{Bed, Proxy, Worker, target};
use super::progress::Progress;
use super::report::{Section, Table};

const SOURCE: &str = include_str!("connects.c");

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

/// Beside its sockets a program has a few descriptors more, and a wrapped one for each way to wait.
const OTHER_DESCRIPTORS: usize = 100;

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let limit =
        getrlimit(Resource::Nofile).maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let all = [&AWAY[..], &AT_ONCE, &RATES];
    let rounds = |case: &Case| if quick { case.quick_rounds } else { case.rounds };
    let steps = all.iter().flat_map(|cases| cases.iter()).map(rounds).sum();
    let mut progress = Progress::new("connects", steps);
    let program = bed.compile("connects", SOURCE)?;
    let (near, far) = (Proxy::start(bed, Duration::ZERO)?, Proxy::start(bed, FAR)?);
    let mut section = Section::new("connects", "connect, one byte there and back; then the same through the proxy");
    let tables = [
        (&AWAY[..], &far, Table::new("the proxy is 20 ms away", "ms", SUBJECTS)),
        (&AT_ONCE, &near, Table::new("at once, on this machine", "ms", SUBJECTS)),
        (&RATES, &near, Table::new("in a second, more is better", "connects/s", SUBJECTS)),
    ];
    for (cases, proxy, mut table) in tables {
        for case in cases {
            if case.count + OTHER_DESCRIPTORS > limit {
                section.note(format!("left out: {}: a process may have {limit} descriptors here", case.name));
                continue;
            }
            let socksrc = proxy.socksrc(bed, case.login)?;
            let start =
                |socksrc: Option<&Path>, to: [String; 2]| Worker::start(bed.command(&program, socksrc).args(to));
            let mut workers = [start(None, proxy.direct())?, start(Some(&socksrc), target())?];
            let mut samples = vec![Vec::new(); workers.len()];
            for round in 0..rounds(case) {
                for turn in 0..workers.len() {
                    let subject = (turn + round) % workers.len();
                    let nanos = workers[subject].ask(&format!("{} {} {}", case.way, case.count, case.threads))?;
                    samples[subject].push(match table.unit() {
                        "ms" => nanos / 1e6,
                        _ => case.count as f64 * 1e9 / nanos,
                    });
                }
                progress.step();
            }
            table.row(case.name, &samples)?;
        }
        section.push(table);
    }
    section.note(
        "A round trip each for the greeting, the login and the request; the byte takes one more, as it does directly.",
    );
    Ok(section)
}

//! The time to the first byte: from the socket to one byte there and back, near and far.

use std::time::Duration;

use anyhow::Result;

use super::bed::Bed;
use super::contest::{Contest, Standing, Task};
use super::proxy::{Handshake, Proxy, Service};
use super::report::{Section, Table};
use super::worker::Outcome;
use super::wrapper::OURS;
use crate::progress::Progress;

/// Connects one after another, a byte on each.
pub(super) const SOURCE: &str = include_str!("connects.c");

/// How far the proxy is.
struct Distance {
    title: &'static str,
    round_trip: Duration,
    unit: &'static str,
    /// A unit in nanoseconds.
    nanos: f64,
    /// Connects of which the median is one measurement.
    count: usize,
    rounds: usize,
    quick_rounds: usize,
}

const fn far(title: &'static str, millis: u64, rounds: usize, quick_rounds: usize) -> Distance {
    Distance {
        title,
        round_trip: Duration::from_millis(millis),
        unit: "ms",
        nanos: 1e6,
        count: 1,
        rounds,
        quick_rounds,
    }
}

const DISTANCES: [Distance; 4] = [
    Distance {
        title: "on this machine",
        round_trip: Duration::ZERO,
        unit: "µs",
        nanos: 1e3,
        count: 100,
        rounds: 30,
        quick_rounds: 3,
    },
    far("10 ms away", 10, 10, 2),
    far("50 ms away", 50, 7, 1),
    far("150 ms away", 150, 5, 1),
];

pub(super) const HANDSHAKES: [(&str, Handshake); 4] = [
    ("no login", Handshake { login: false, one_round_trip: false }),
    ("login", Handshake::LOGIN),
    ("one round trip", Handshake { login: false, one_round_trip: true }),
    ("one round trip, login", Handshake { login: true, one_round_trip: true }),
];

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let program = bed.compile("connects", SOURCE)?;
    let rounds = |distance: &Distance| if quick { distance.quick_rounds } else { distance.rounds };
    let steps = DISTANCES.iter().map(|distance| rounds(distance) * HANDSHAKES.len()).sum();
    let mut progress = Progress::new("bench", "ttfb", steps);
    let mut contest = Contest::new(bed, &program, quick);
    let names = contest.names();
    let mut section = Section::new("ttfb", "time to the first byte: a blocking connect, one byte there and back");
    for distance in &DISTANCES {
        let proxy = Proxy::start(bed, distance.round_trip)?;
        let mut table = Table::new(distance.title, distance.unit, names.iter().copied());
        for (name, handshake) in HANDSHAKES {
            let task = Task {
                name: &format!("{}: {name}", distance.title),
                way: "byte",
                trial: (distance.round_trip < Duration::from_millis(50)).then(|| "1 1".to_owned()),
                question: format!("{} 1", distance.count),
                size: 1,
                rounds: rounds(distance),
                handshake,
                service: Service::Echo,
            };
            let nanos = contest.measure(&proxy, &task, &mut progress);
            let in_unit =
                |outcome: Outcome| outcome.map(|nanos| nanos.into_iter().map(|one| one / distance.nanos).collect());
            let outcomes: Vec<Outcome> = nanos.into_iter().map(in_unit).collect();
            table.row_of(name, &outcomes)?;
            // Near, a few microseconds would decide.
            if !distance.round_trip.is_zero() {
                table.judge(OURS, |_| Standing::of(&names, &outcomes).near_the_floor());
            }
        }
        section.push(table);
    }
    section.note(
        "The proxy answers so much later on every connection; to be connected with it takes no time, as it would over a\n\
         real distance: add one round trip for that to every number. direct: the same byte without a proxy, as far away.\n\
         floor: a client written by hand, for one target and one login. One round trip: all is said before the first answer.",
    );
    contest.explain(&mut section);
    Ok(section)
}

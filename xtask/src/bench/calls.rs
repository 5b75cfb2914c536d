//! What a call costs that has nothing to do with proxies, in a process that is wrapped.

use std::time::Duration;

use anyhow::Result;

use super::bed::{Bed, target};
use super::proxy::{NEVER, Proxy};
use super::report::{Measured, Section, Table, Verdict, number};
use super::worker::Worker;
use crate::progress::Progress;

pub(super) const SOURCE: &str = include_str!("calls.c");

/// The most that a call may take longer, in nanoseconds.
const MOST: f64 = 5.0;

/// How often a call is made in a round.
const CALLS: usize = 1500;

const UNRELATED: [&str; 10] =
    ["close", "read", "write", "poll", "select", "epoll_wait", "getsockopt", "connect", "fcntl", "dup"];
/// On the connected socket itself.
const OWN: [&str; 3] = ["own-read", "own-write", "own-poll"];

/// `plain again` tells how much two processes differ where nothing differs.
const SUBJECTS: [&str; 3] = ["plain", "plain again", "wrapped"];

/// What the process holds while it makes calls on other descriptors.
struct State {
    name: &'static str,
    title: &'static str,
}

const STATES: [State; 3] = [
    State { name: "nothing", title: "nothing proxied" },
    State { name: "connected", title: "a connected socket" },
    State { name: "pending", title: "a pending socket" },
];

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    // Where a process lies in memory makes a difference of its own: several of each, and not many rounds.
    let (processes, rounds) = if quick { (3, 10) } else { (8, 50) };
    let program = bed.compile("calls", SOURCE)?;
    let (prompt, silent) = (Proxy::start(bed, Duration::ZERO)?, Proxy::start(bed, NEVER)?);
    let mut section = Section::new("calls", "processor time of a call, the process wrapped or not");
    let mut progress = Progress::new("bench", "calls", STATES.len() * processes);
    for state in &STATES {
        let proxy = if state.name == "pending" { &silent } else { &prompt };
        let socksrc = proxy.socksrc(bed, false)?;
        let own = if state.name == "connected" { &OWN[..] } else { &[] };
        let calls: Vec<&str> = UNRELATED.iter().chain(own).copied().collect();
        let mut samples = vec![vec![Vec::new(); SUBJECTS.len()]; calls.len()];
        for _ in 0..processes {
            let start = |wrapped: bool| {
                let mut command = bed.command(&program, wrapped.then_some(socksrc.as_path()));
                command.arg(state.name).args(if wrapped { target() } else { proxy.direct() });
                Worker::start(&mut command)
            };
            let mut workers = [start(false)?, start(false)?, start(true)?];
            for round in 0..=rounds {
                for (call, samples) in calls.iter().zip(&mut samples) {
                    for turn in 0..workers.len() {
                        let subject = (turn + round) % workers.len();
                        let nanos = workers[subject].ask(&format!("{call} {CALLS}"))?;
                        // The first round is for caches and the dynamic linker.
                        if round > 0 {
                            samples[subject].push(nanos);
                        }
                    }
                }
            }
            progress.step();
        }
        let mut table = Table::new(state.title, "ns", SUBJECTS);
        for (call, samples) in calls.iter().zip(&samples) {
            let name =
                call.strip_prefix("own-").map_or_else(|| (*call).to_owned(), |call| format!("{call}, that socket"));
            table.row(name, samples)?;
            // Nothing is promised of the proxied socket itself.
            if UNRELATED.contains(call) {
                table.judge("wrapped", verdict);
            }
        }
        section.push(table);
    }
    section.note(
        "Plain again: as plain, another process; how far it is from 0 is how far the rest can be trusted.\n\
         read: /dev/zero; write: /dev/null; poll, select, epoll_wait: one quiet pipe, no timeout; connect: a Unix\n\
         name that nobody has; fcntl: F_GETFD; dup, close: a pipe. That socket: read would block, write has no bytes.",
    );
    Ok(section)
}

fn verdict(measured: Measured) -> Verdict {
    let kept = measured.added <= MOST;
    let text = if kept { "holds".to_owned() } else { format!("MISSES {MOST} ns by {}", number(measured.added - MOST)) };
    Verdict { kept, text }
}

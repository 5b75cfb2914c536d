//! What a call costs that has nothing to do with proxies, in a process that is wrapped.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::bed::Bed;
use super::contest::TRIAL;
use super::proxy::{Handshake, NEVER, Proxy, Service};
use super::report::{Measured, Section, Table, Verdict, number};
use super::worker::{Failure, Outcome, Rows, Worker};
use super::wrapper::{OURS, Subject};
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

/// `direct again` tells how much two processes differ where nothing differs.
const AGAIN: &str = "direct again";

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
    let mut subjects = Subject::without_floor();
    subjects.insert(1, Subject::direct(AGAIN));
    let names: Vec<_> = subjects.iter().map(|subject| subject.name).collect();
    let mut progress = Progress::new("bench", "calls", STATES.len() * processes);
    for state in &STATES {
        let proxy = if state.name == "pending" { &silent } else { &prompt };
        let own = if state.name == "connected" { &OWN[..] } else { &[] };
        let calls: Vec<&str> = UNRELATED.iter().chain(own).copied().collect();
        let mut measured: Vec<Rows> = subjects.iter().map(|_| Rows::new(calls.len())).collect();
        for _ in 0..processes {
            let start = |subject, rows: &Rows| {
                rows.sound()?;
                start(bed, &program, subject, proxy, state.name)
            };
            let mut workers: Vec<_> =
                subjects.iter().zip(&measured).map(|(subject, rows)| start(subject, rows)).collect();
            take_turns(&calls, rounds, &mut workers, &mut measured);
            for (rows, worker) in measured.iter_mut().zip(workers) {
                if let Err(failure) = worker {
                    rows.fail(failure);
                }
            }
            progress.step();
        }
        let mut table = Table::new(state.title, "ns", names.iter().copied()).telling_added();
        for (place, call) in calls.iter().enumerate() {
            let name =
                call.strip_prefix("own-").map_or_else(|| (*call).to_owned(), |call| format!("{call}, that socket"));
            let outcomes: Vec<Outcome> = measured.iter().map(|rows| rows.outcome(place)).collect();
            table.row_of(name, &outcomes)?;
            // Nothing is promised of the proxied socket itself.
            if UNRELATED.contains(call) {
                table.judge(OURS, verdict);
            }
        }
        section.push(table);
    }
    section.note(
        "direct again: another process like it; how far it is from 0 is how far the rest can be trusted.\n\
         read: /dev/zero; write: /dev/null; poll, select, epoll_wait: one quiet pipe, no timeout; connect: a Unix\n\
         name that nobody has; fcntl: F_GETFD; dup, close: a pipe. That socket: read would block, write has no bytes.\n\
         Who times out with a pending socket waits for the connect, though it is a non-blocking one.",
    );
    Ok(section)
}

/// One that holds what it is to hold.
fn start(bed: &Bed, program: &Path, subject: &Subject, proxy: &Proxy, state: &str) -> Result<Worker, Failure> {
    let failure = |error| Failure::of(&error);
    let mut command = subject.command(bed, program, proxy, Handshake::default(), Service::Echo).map_err(failure)?;
    let mut worker = Worker::start(command.arg(state)).map_err(failure)?.patience(TRIAL);
    worker.ask(&format!("{} {CALLS}", UNRELATED[0])).map_err(failure)?;
    Ok(worker)
}

/// Has every worker make every call in every round, another one first each time. Who fails is left out from then on.
fn take_turns(calls: &[&str], rounds: usize, workers: &mut [Result<Worker, Failure>], measured: &mut [Rows]) {
    for round in 0..=rounds {
        for (place, call) in calls.iter().enumerate() {
            for turn in 0..workers.len() {
                let subject = (turn + round) % workers.len();
                let Ok(worker) = &mut workers[subject] else { continue };
                match worker.ask(&format!("{call} {CALLS}")) {
                    // The first round is for caches and the dynamic linker.
                    Ok(_) if round == 0 => {}
                    Ok(nanos) => measured[subject].push(place, nanos),
                    Err(error) => workers[subject] = Err(Failure::of(&error)),
                }
            }
        }
    }
}

fn verdict(measured: Measured) -> Verdict {
    let kept = measured.added <= MOST;
    let text = if kept { "holds".to_owned() } else { format!("MISSES {MOST} ns by {}", number(measured.added - MOST)) };
    Verdict { kept, text }
}

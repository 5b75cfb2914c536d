//! Connects through a proxy over TCP: by us, by others and by hand. `cargo xtask bench` runs it and makes the tables.
//!
//! * `socks-peers-tcp count SUBJECT CASE COUNT PROXY` connects so often, for callgrind to count its instructions, and prints
//!   the allocations of one.
//! * `socks-peers-tcp measure SUBJECT CASE PROXY` answers each line of its input, `first-byte COUNT`, `receive OCTETS` or
//!   `send OCTETS`, with the nanoseconds that it took. Behind the proxy are echo, discard and chargen at their ports.
//!
//! Apart from the one in memory, as it makes a difference to the instructions of a function who else calls it.

mod network;
mod work;

use std::env;
use std::io::{self, BufRead, Write};
use std::process::{ExitCode, exit};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use socks_conformance::allocations::{Counting, allocations};
use socks_peers::case::Case;

use self::network::{Perform, SUBJECTS};
use self::work::Work;

/// More than any work takes that is not at a standstill.
const PATIENCE: Duration = Duration::from_secs(120);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["count", subject, case, count, proxy] => started(subject, case, proxy)
            .zip(count.parse().ok())
            .map(|(perform, count)| perform.and_then(|perform| count_allocations(perform, count))),
        ["measure", subject, case, proxy] => started(subject, case, proxy).map(|perform| perform.and_then(measure)),
        _ => None,
    };
    match outcome {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("socks-peers-tcp: {}: {error:#}", words.join(" "));
            ExitCode::FAILURE
        }
        None => {
            eprintln!("usage: socks-peers-tcp count SUBJECT CASE COUNT PROXY, or measure SUBJECT CASE PROXY");
            for subject in SUBJECTS {
                eprintln!(
                    "  {}: {}",
                    subject.name,
                    subject.cases.iter().map(Case::name).collect::<Vec<_>>().join(", ")
                );
            }
            ExitCode::from(64)
        }
    }
}

fn started(subject: &str, case: &str, proxy: &str) -> Option<Result<Perform>> {
    let subject = SUBJECTS.iter().find(|known| known.name == subject)?;
    let case = *subject.cases.iter().find(|known| known.name() == case)?;
    Some((subject.start)(case, proxy.parse().ok()?))
}

fn count_allocations(mut perform: Perform, count: u32) -> Result<()> {
    let busy = watch();
    busy.send(true)?;
    perform(Work::Connect)?;
    let (allocations, outcome) = allocations(|| perform(Work::Connect));
    outcome?;
    for _ in 0..count {
        perform(Work::Connect)?;
    }
    println!("{allocations}");
    Ok(())
}

fn measure(mut perform: Perform) -> Result<()> {
    let busy = watch();
    for line in io::stdin().lock().lines() {
        let (work, count) = Work::parse(&line?)?;
        busy.send(true)?;
        let mut nanos = 0.0;
        for _ in 0..count {
            nanos += perform(work)?.as_nanos() as f64;
        }
        busy.send(false)?;
        println!("{:.0}", nanos / count.max(1) as f64);
        io::stdout().flush()?;
    }
    Ok(())
}

/// Ends this process when it is busy for longer than [`PATIENCE`] with one thing.
fn watch() -> Sender<bool> {
    let (sender, busy) = channel();
    thread::spawn(move || {
        let mut is_busy = false;
        loop {
            is_busy = match if is_busy { busy.recv_timeout(PATIENCE) } else { busy.recv().map_err(Into::into) } {
                Ok(now) => now,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    eprintln!("socks-peers-tcp: nothing came of it in {} s", PATIENCE.as_secs());
                    exit(1);
                }
            }
        }
    });
    sender
}

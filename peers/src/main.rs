//! What a handshake takes: by us, by others and by hand. `cargo xtask bench` runs it and makes the tables.
//!
//! * `socks-peers SUBJECT CASE COUNT` makes a handshake in memory COUNT times, for callgrind to count its instructions, and
//!   prints what one of them takes: allocations, reads, writes, and the size of the future where there is one. The proxy is
//!   a script and gives all that it has to say at once; the target is a name of eleven octets, and the reply an IPv4 address.
//! * `socks-peers count SUBJECT CASE COUNT PROXY` connects through a proxy so often, and prints the allocations of one.
//! * `socks-peers measure SUBJECT CASE PROXY` answers each line of its input, `first-byte COUNT`, `receive OCTETS` or
//!   `send OCTETS`, with the nanoseconds that it took. Behind the proxy are echo, discard and chargen at their ports.

mod case;
mod floor;
mod network;
mod proxy;
mod subjects;
mod work;

use std::env;
use std::io::{self, BufRead, Write};
use std::process::{ExitCode, exit};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use socks_conformance::allocations::{Counting, allocations};

use self::case::Case;
use self::network::Perform;
use self::proxy::Proxy;
use self::work::Work;

/// More than any work takes that is not at a standstill.
const PATIENCE: Duration = Duration::from_secs(120);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["count", subject, case, count, proxy] => match (network(subject, case, proxy), count.parse()) {
            (Some(perform), Ok(count)) => perform.and_then(|perform| count_allocations(perform, count)),
            _ => return usage(),
        },
        ["measure", subject, case, proxy] => match network(subject, case, proxy) {
            Some(perform) => perform.and_then(measure),
            None => return usage(),
        },
        [subject, case, count] => match in_memory(subject, case, count) {
            Some((run, case, count)) => {
                make(run, case, count);
                Ok(())
            }
            None => return usage(),
        },
        _ => return usage(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("socks-peers: {}: {error:#}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: socks-peers [count|measure] SUBJECT CASE [COUNT] [PROXY]");
    let cases = |cases: &[Case]| cases.iter().map(Case::name).collect::<Vec<_>>().join(", ");
    for subject in subjects::SUBJECTS {
        eprintln!("  in memory, {}: {}", subject.name, cases(subject.cases));
    }
    for subject in network::SUBJECTS {
        eprintln!("  through a proxy, {}: {}", subject.name, cases(subject.cases));
    }
    ExitCode::from(64)
}

fn in_memory(subject: &str, case: &str, count: &str) -> Option<(subjects::Run, Case, u32)> {
    let subject = subjects::SUBJECTS.iter().find(|known| known.name == subject)?;
    let case = *subject.cases.iter().find(|known| known.name() == case)?;
    Some((subject.run, case, count.parse().ok()?))
}

fn network(subject: &str, case: &str, proxy: &str) -> Option<Result<Perform>> {
    let subject = network::SUBJECTS.iter().find(|known| known.name == subject)?;
    let case = *subject.cases.iter().find(|known| known.name() == case)?;
    Some((subject.start)(case, proxy.parse().ok()?))
}

fn make(run: subjects::Run, case: Case, count: u32) {
    // Whatever is done once a process is done before anything is counted.
    run(&mut Proxy::new(case), case);
    let mut proxy = Proxy::new(case);
    let (allocations, future) = allocations(|| run(&mut proxy, case));
    proxy.finished();
    for _ in 0..count {
        run(&mut Proxy::new(case), case);
    }
    println!("{allocations} {} {} {future}", proxy.reads, proxy.writes);
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
                    eprintln!("socks-peers: nothing came of it in {} s", PATIENCE.as_secs());
                    exit(1);
                }
            }
        }
    });
    sender
}

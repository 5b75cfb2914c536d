//! `socks-peers SUBJECT CASE COUNT` makes a handshake in memory COUNT times, for callgrind to count its instructions, and
//! prints what one of them takes: allocations, reads, writes, and the size of the future where there is one.
//!
//! `cargo xtask bench handshake` runs it and makes the table; `socks-peers-tcp` does the same over TCP. The proxy is a script and gives all that it has to say at
//! once; the target is a name of eleven octets, and the reply an IPv4 address.

mod proxy;
mod subjects;

use std::env;
use std::process::ExitCode;

use socks_conformance::allocations::{Counting, allocations};
use socks_peers::case::Case;

use self::proxy::Proxy;
use self::subjects::SUBJECTS;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [subject, case, count] => parse(subject, case, count),
        _ => None,
    };
    let Some((run, case, count)) = parsed else {
        eprintln!("usage: socks-peers SUBJECT CASE COUNT");
        for subject in SUBJECTS {
            eprintln!("  {}: {}", subject.name, subject.cases.iter().map(Case::name).collect::<Vec<_>>().join(", "));
        }
        return ExitCode::from(64);
    };

    // Whatever is done once a process is done before anything is counted.
    run(&mut Proxy::new(case), case);
    let mut proxy = Proxy::new(case);
    let (allocations, future) = allocations(|| run(&mut proxy, case));
    proxy.finished();
    for _ in 0..count {
        run(&mut Proxy::new(case), case);
    }
    println!("{allocations} {} {} {future}", proxy.reads, proxy.writes);
    ExitCode::SUCCESS
}

fn parse(subject: &str, case: &str, count: &str) -> Option<(subjects::Run, Case, u32)> {
    let subject = SUBJECTS.iter().find(|known| known.name == subject)?;
    let case = *subject.cases.iter().find(|known| known.name() == case)?;
    Some((subject.run, case, count.parse().ok()?))
}

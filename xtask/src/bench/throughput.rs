//! What one stream carries once it is connected.

use std::time::Duration;

use anyhow::Result;

use super::bed::Bed;
use super::contest::{Contest, Task};
use super::proxy::{Handshake, Proxy, Service};
use super::report::{Section, Table};
use super::worker::Outcome;
use crate::progress::Progress;

pub(super) const SOURCE: &str = include_str!("stream.c");

/// In each round.
const BYTES: u64 = 1 << 30;
const QUICK_BYTES: u64 = 1 << 26;

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let (bytes, rounds) = if quick { (QUICK_BYTES, 5) } else { (BYTES, 5) };
    let program = bed.compile("stream", SOURCE)?;
    let proxy = Proxy::start(bed, Duration::ZERO)?;
    let directions = [("received", "receive", Service::Source), ("sent", "send", Service::Sink)];
    let mut progress = Progress::new("bench", "throughput", directions.len() * rounds);
    let mut contest = Contest::new(bed, &program, quick);
    let mut section = Section::new("throughput", "one stream through the proxy, in pieces of 64 KiB");
    let mut table = Table::new("more is better", "MB/s", contest.names());
    for (name, way, service) in directions {
        let task = Task {
            name,
            way,
            trial: Some("65536".to_owned()),
            question: bytes.to_string(),
            size: 1,
            rounds,
            handshake: Handshake::default(),
            service,
        };
        let nanos = contest.measure(&proxy, &task, &mut progress);
        let rate =
            |outcome: Outcome| outcome.map(|nanos| nanos.into_iter().map(|one| bytes as f64 * 1e3 / one).collect());
        table.row_of(name, &nanos.into_iter().map(rate).collect::<Vec<_>>())?;
    }
    section.push(table);
    section.note(format!(
        "{} MiB a round. What stands behind the proxy is in the same process: nothing is copied from one connection to another.",
        bytes >> 20
    ));
    contest.explain(&mut section);
    Ok(section)
}

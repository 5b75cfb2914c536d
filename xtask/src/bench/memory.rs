//! The memory of a process that is wrapped, and of the connects that are on their way in it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::bed::{self, Bed};
use super::contest::TRIAL;
use super::proxy::{Handshake, NEVER, Proxy, Service};
use super::report::{Section, Table};
use super::worker::{Failure, Outcome, Worker};
use super::wrapper::Subject;
use crate::progress::Progress;

pub(super) const SOURCE: &str = include_str!("memory.c");

const CONNECTS: usize = 10_000;

/// How long it may take to begin them.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let rounds = if quick { 2 } else { 5 };
    let mut section = Section::new("memory", "memory of the process; what the kernel has for it is not counted");
    if let Err(error) = bed::allow_sockets(CONNECTS) {
        section.note(format!("left out: {error}"));
        return Ok(section);
    }
    let program = bed.compile("memory", SOURCE)?;
    let mut progress = Progress::new("bench", "memory", rounds);
    let subjects = Subject::without_floor();
    // For each subject what it has at its start, and more then, until it fails.
    let none = || Ok([Vec::new(), Vec::new()]);
    let mut starts: Vec<Result<[Vec<f64>; 2], Failure>> = subjects.iter().map(|_| none()).collect();
    let mut more: Vec<Result<[Vec<f64>; 2], Failure>> = subjects.iter().map(|_| none()).collect();
    for _ in 0..rounds {
        for (place, subject) in subjects.iter().enumerate() {
            let Ok(start) = &mut starts[place] else { continue };
            // A new one each time: it keeps all that it was ever told.
            let proxy = Proxy::start(bed, NEVER)?;
            let worker = subject
                .command(bed, &program, &proxy, Handshake::default(), Service::Echo)
                .and_then(|mut command| Worker::start(command.arg(CONNECTS.to_string())))
                .and_then(|worker| {
                    let mut worker = worker.patience(TRIAL);
                    Ok((kilobytes(&mut worker)?, worker))
                });
            let (before, worker) = match worker {
                Ok(started) => started,
                Err(error) => {
                    starts[place] = Err(Failure::of(&error));
                    more[place] = Err(Failure::of(&error));
                    continue;
                }
            };
            start.iter_mut().zip(before).for_each(|(samples, kilobytes)| samples.push(kilobytes));
            let Ok(samples) = &mut more[place] else { continue };
            match connected(worker) {
                Ok(after) => (0..2).for_each(|kind| samples[kind].push(after[kind] - before[kind])),
                Err(error) => more[place] = Err(Failure::of(&error)),
            }
        }
        progress.step();
    }
    let mut table = Table::new("memory", "kB", subjects.iter().map(|subject| subject.name)).telling_added();
    for (rows, when) in [(&starts, "at its start"), (&more, "more with 10,000 connects begun")] {
        for (kind, which) in ["resident", "its own"].into_iter().enumerate() {
            let of = |rows: &Result<[Vec<f64>; 2], Failure>| {
                rows.as_ref().map(|rows| rows[kind].clone()).map_err(Clone::clone)
            };
            table.row_of(format!("{when}, {which}"), &rows.iter().map(of).collect::<Vec<Outcome>>())?;
        }
    }
    section.push(table);
    section.note("Its own: pages that belong to no file, or were written to since they were read from one.");
    section.note(
        "direct: the connects are done at once; else the proxy never answers, and they stay pending.\n\
         Who times out waits for the first of them, though it is a non-blocking one.",
    );
    Ok(section)
}

/// What it says next: resident, and its own.
pub(super) fn kilobytes(worker: &mut Worker) -> Result<[f64; 2]> {
    let text = worker.line()?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(text.clone())?;
    numbers.try_into().map_err(|_| anyhow::anyhow!("memory prints {text:?}"))
}

/// The same, when all connects are on their way. The first one shows whether any can be.
pub(super) fn connected(mut worker: Worker) -> Result<[f64; 2]> {
    let begun = worker.line()?;
    ensure!(begun.trim() == "begun", "memory prints {begun:?}");
    kilobytes(&mut worker.patience(PATIENCE))
}

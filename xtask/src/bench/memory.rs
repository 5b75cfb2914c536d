//! The memory of a process that is wrapped, and of the connects that are on their way in it.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};

use super::bed::{self, Bed};
use super::contest::{TRIAL, patience};
use super::proxy::{Handshake, NEVER, Proxy, Service};
use super::report::{Section, Table};
use super::worker::{Failure, Outcome, Rows, Worker};
use super::wrapper::Subject;
use crate::progress::Progress;

pub(super) const SOURCE: &str = include_str!("memory.c");

const CONNECTS: usize = 10_000;

const KINDS: [&str; 2] = ["resident", "its own"];

/// One of each kind.
pub(super) type Kilobytes = [f64; KINDS.len()];

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
    // What a process has at its start, and how much more then.
    let mut starts: Vec<Rows> = subjects.iter().map(|_| Rows::new(KINDS.len())).collect();
    let mut more: Vec<Rows> = subjects.iter().map(|_| Rows::new(KINDS.len())).collect();
    for _ in 0..rounds {
        for ((subject, start), more) in subjects.iter().zip(&mut starts).zip(&mut more) {
            // A new one each time: it keeps all that it was ever told.
            let proxy = Proxy::start(bed, NEVER)?;
            match begin(bed, &program, subject, &proxy) {
                Ok((before, worker)) => {
                    start.push_all(before);
                    match more.sound().map_err(Into::into).and_then(|()| pending(worker, quick)) {
                        Ok(then) => more.push_all([0, 1].map(|kind| then[kind] - before[kind])),
                        Err(error) => more.fail(Failure::of(&error)),
                    }
                }
                Err(error) => {
                    start.fail(Failure::of(&error));
                    more.fail(Failure::of(&error));
                }
            }
        }
        progress.step();
    }
    let mut table = Table::new("memory", "kB", subjects.iter().map(|subject| subject.name)).telling_added();
    for (rows, when) in [(&starts, "at its start"), (&more, "more with 10,000 connects begun")] {
        for (kind, name) in KINDS.into_iter().enumerate() {
            let outcomes: Vec<Outcome> = rows.iter().map(|rows| rows.outcome(kind)).collect();
            table.row_of(format!("{when}, {name}"), &outcomes)?;
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

/// A process, and what it has at its start.
fn begin(bed: &Bed, program: &Path, subject: &Subject, proxy: &Proxy) -> Result<(Kilobytes, Worker)> {
    let mut command = subject.command(bed, program, proxy, Handshake::default(), Service::Echo)?;
    let mut worker = Worker::start(command.arg(CONNECTS.to_string()))?.patience(TRIAL);
    Ok((kilobytes(&mut worker)?, worker))
}

/// What it has when all connects are on their way. The first one shows whether any can be.
pub(super) fn pending(mut worker: Worker, quick: bool) -> Result<Kilobytes> {
    let begun = worker.line()?;
    ensure!(begun.trim() == "begun", "memory prints {begun:?}");
    kilobytes(&mut worker.patience(patience(quick)))
}

pub(super) fn kilobytes(worker: &mut Worker) -> Result<Kilobytes> {
    let text = worker.line()?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(text.clone())?;
    numbers.try_into().map_err(|_| anyhow!("memory prints {text:?}"))
}

//! The memory of a process that is wrapped, and of the connects that are on their way in it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

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

const ROWS: [&str; 4] = [
    "at its start, resident",
    "at its start, its own",
    "more with 10,000 connects begun, resident",
    "more with 10,000 connects begun, its own",
];

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
    // For each subject its rows, until it fails.
    let mut measured: Vec<Result<[Vec<f64>; ROWS.len()], Failure>> = vec![Ok(Default::default()); subjects.len()];
    for _ in 0..rounds {
        for (subject, rows) in subjects.iter().zip(&mut measured) {
            let Ok(samples) = rows else { continue };
            // A new one each time: it keeps all that it was ever told.
            let proxy = Proxy::start(bed, NEVER)?;
            let kilobytes = subject
                .command(bed, &program, &proxy, Handshake::default(), Service::Echo)
                .and_then(|mut command| kilobytes(command.arg(CONNECTS.to_string())));
            match kilobytes {
                Ok(kilobytes) => samples.iter_mut().zip(kilobytes).for_each(|(row, kilobytes)| row.push(kilobytes)),
                Err(error) => *rows = Err(Failure::of(&error)),
            }
        }
        progress.step();
    }
    let mut table = Table::new("memory", "kB", subjects.iter().map(|subject| subject.name)).telling_added();
    for (place, name) in ROWS.into_iter().enumerate() {
        let outcomes: Vec<Outcome> =
            measured.iter().map(|rows| rows.as_ref().map(|rows| rows[place].clone()).map_err(Clone::clone)).collect();
        table.row_of(name, &outcomes)?;
    }
    section.push(table);
    section.note("Its own: pages that belong to no file, or were written to since they were read from one.");
    section.note(
        "direct: the connects are done at once; else the proxy never answers, and they stay pending.\n\
         Who times out waits for the first of them, though it is a non-blocking one.",
    );
    Subject::absent().map(|absent| section.note(absent));
    Ok(section)
}

/// Of a process at its start, resident and its own, and then how much more of both.
pub(super) fn kilobytes(command: &mut Command) -> Result<[f64; ROWS.len()]> {
    let mut worker = Worker::start(command)?.patience(TRIAL);
    let begun = worker.line()?;
    ensure!(begun.trim() == "begun", "memory prints {begun:?}");
    let text = worker.patience(PATIENCE).line()?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(text.clone())?;
    let [resident, own, resident_then, own_then] = numbers[..] else { bail!("memory prints {text:?}") };
    Ok([resident, own, resident_then - resident, own_then - own])
}

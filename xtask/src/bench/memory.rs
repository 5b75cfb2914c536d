//! The memory of a process that is wrapped, and of the connects that are on their way in it.

use std::path::Path;

use anyhow::{Context, Result};

use super::bed::{self, Bed, target};
use super::proxy::{NEVER, Proxy};
use super::report::{Section, Table};
use crate::progress::Progress;
use crate::run;

pub(super) const SOURCE: &str = include_str!("memory.c");

const CONNECTS: usize = 10_000;

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let rounds = if quick { 2 } else { 5 };
    let mut section = Section::new("memory", "memory of the process; what the kernel has for it is not counted");
    if let Err(error) = bed::allow_sockets(CONNECTS) {
        section.note(format!("left out: {error}"));
        return Ok(section);
    }
    let program = bed.compile("memory", SOURCE)?;
    let mut progress = Progress::new("bench", "memory", rounds);
    let mut rows = vec![vec![Vec::new(); 2]; 4];
    for _ in 0..rounds {
        // A new one each round: it keeps all that it was ever told.
        let proxy = Proxy::start(bed, NEVER)?;
        let socksrc = proxy.socksrc(bed, false)?;
        let measure = |socksrc: Option<&Path>, to: [String; 2]| -> Result<Vec<f64>> {
            let [resident, own, later_resident, later_own] = kilobytes(bed, &program, socksrc, to, CONNECTS)?;
            Ok(vec![resident, own, later_resident - resident, later_own - own])
        };
        for (subject, kilobytes) in
            [measure(None, proxy.direct())?, measure(Some(&socksrc), target())?].into_iter().enumerate()
        {
            for (row, kilobytes) in rows.iter_mut().zip(kilobytes) {
                row[subject].push(kilobytes);
            }
        }
        progress.step();
    }
    let mut table = Table::new("memory", "kB", ["plain", "wrapped"]);
    let names = [
        "at its start, resident",
        "at its start, its own",
        "more with 10,000 connects begun, resident",
        "more with 10,000 connects begun, its own",
    ];
    for (name, samples) in names.into_iter().zip(&rows) {
        table.row(name, samples)?;
    }
    section.push(table);
    section.note("Its own: pages that belong to no file, or were written to since they were read from one.");
    section.note("Plain, the connects go directly and are done at once; wrapped, the proxy never answers, and they stay pending.");
    Ok(section)
}

/// Of the process at its start, resident and its own, and with so many connects begun.
pub(super) fn kilobytes(
    bed: &Bed,
    program: &Path,
    socksrc: Option<&Path>,
    to: [String; 2],
    connects: usize,
) -> Result<[f64; 4]> {
    let text = run::output(bed.command(program, socksrc).args(to).arg(connects.to_string()))?;
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>();
    let numbers = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    numbers.with_context(|| format!("memory prints {text:?}"))
}

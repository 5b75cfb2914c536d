//! What wrapping adds to the start of a program.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::bed::Bed;
use super::proxy::Proxy;
use super::report::{Measured, Section, Table, Verdict, number};
use super::worker::{Failure, Outcome, Worker};
use super::wrapper::Subject;
use crate::progress::Progress;

const SOURCE: &str = include_str!("start.c");
/// The floor: a command of a few lines that does what none can do without.
const EXEC: &str = include_str!("exec.c");

/// What is started. It does nothing.
const PROGRAM: &str = "/bin/true";

/// 1 ms where the program alone takes 0.55.
const MOST: f64 = 1.0 / 0.55;

/// How many starts of each a process makes.
const PIECE: usize = 25;

/// How long that may take for one of them; much more than it does on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How one of them is started: in which environment, and by which words.
struct Variant {
    name: &'static str,
    words: Vec<String>,
}

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let pieces = if quick { 4 } else { 24 };
    let program = bed.compile("start", SOURCE)?;
    let exec = bed.compile("exec", EXEC)?.display().to_string();
    let proxy = Proxy::start(bed, Duration::ZERO)?;
    let socksrc = proxy.socksrc(bed, false)?;

    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let configured = [bed.variables(None), vec![format!("SOCKSRC={}", socksrc.display())]].concat();
    let socksify = bed.socksify().display().to_string();
    let others = Subject::without_floor();
    let others = others.iter().filter_map(|other| {
        let typed = other.words(bed, &proxy, false).transpose()?;
        Some(typed.map(|typed| Variant { name: other.name, words: [typed, words(&[PROGRAM])].concat() }))
    });
    let own = [
        ("plain", [bed.variables(None), words(&[PROGRAM])].concat()),
        ("preload", [bed.variables(Some(&socksrc)), words(&[PROGRAM])].concat()),
        ("exec", [&configured[..], &[exec, bed.preload(), PROGRAM.to_owned()]].concat()),
        ("socksify", [&configured[..], &[socksify, PROGRAM.to_owned()]].concat()),
    ];
    let variants: Vec<Variant> =
        own.into_iter().map(|(name, words)| Ok(Variant { name, words })).chain(others).collect::<Result<_>>()?;

    let start = |pieces: usize, variants: &[&Variant]| -> Result<Worker> {
        let mut command = bed.command(&program, None);
        command.arg(pieces.to_string());
        for variant in variants {
            command.arg("::").args(&variant.words);
        }
        Ok(Worker::start(&mut command)?.patience(PATIENCE))
    };
    // Who cannot start even one takes no turns.
    let mut outcomes: Vec<Outcome> = variants
        .iter()
        .map(|variant| match start(1, &[variant]).and_then(|mut worker| worker.rest()) {
            Ok(_) => Ok(Vec::new()),
            Err(error) => Err(Failure::of(&error)),
        })
        .collect();
    let sound: Vec<&Variant> =
        variants.iter().zip(&outcomes).filter_map(|(variant, outcome)| outcome.is_ok().then_some(variant)).collect();
    let mut progress = Progress::new("bench", "start", pieces);
    for _ in 0..pieces {
        for line in start(PIECE, &sound)?.rest()?.lines() {
            let nanos: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().context(line.to_owned())?;
            ensure!(nanos.len() == sound.len(), "start prints {line:?}");
            for (samples, nanos) in outcomes.iter_mut().flatten().zip(nanos) {
                samples.push(nanos / 1e6);
            }
        }
        progress.step();
    }

    let mut section = Section::new("start", "from posix_spawn to the end of a program that does nothing");
    let mut table = Table::new("start", "ms", variants.iter().map(|variant| variant.name)).telling_added();
    table.row_of(PROGRAM, &outcomes)?.judge("socksify", verdict);
    section.push(table);
    section.note("preload: with LD_PRELOAD set already; exec: by a few lines of C that set it and do nothing else.");
    for (variant, outcome) in variants.iter().zip(&outcomes) {
        if let Err(failure) = outcome {
            section.note(format!("{} {failure}: {}", variant.name, failure.detail().unwrap_or_default()));
        }
    }
    Ok(section)
}

fn verdict(measured: Measured) -> Verdict {
    let kept = measured.ratio <= MOST;
    let outcome = if kept { "holds" } else { "MISSES" };
    Verdict { kept, text: format!("{outcome}: at most ×{} ({} ms here)", number(MOST), number(measured.value)) }
}

//! What wrapping adds to the start of a program.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::bed::Bed;
use super::proxy::Proxy;
use super::report::{Measured, Section, Table, Verdict, number};
use crate::progress::Progress;
use crate::run::{self, find_program};

const SOURCE: &str = include_str!("start.c");
/// The floor: a command of a few lines that does what none can do without.
const EXEC: &str = include_str!("exec.c");

/// What is started. It does nothing.
const PROGRAM: &str = "/bin/true";

/// 1 ms where the program alone takes 0.55.
const MOST: f64 = 1.0 / 0.55;

/// How many starts of each a process makes.
const PIECE: usize = 25;

/// Other wrappers, each as it is typed before the program.
const PEERS: [(&str, &[&str]); 4] = [
    ("torsocks", &["torsocks"]),
    ("proxychains4", &["proxychains4", "-q"]),
    ("tsocks", &["tsocks"]),
    ("dante", &["socksify"]),
];

pub(super) fn measure(bed: &Bed, quick: bool) -> Result<Section> {
    let pieces = if quick { 4 } else { 24 };
    let program = bed.compile("start", SOURCE)?;
    let exec = bed.compile("exec", EXEC)?.display().to_string();
    let proxy = Proxy::start(bed, Duration::ZERO)?;
    let socksrc = proxy.socksrc(bed, false)?;

    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let configured = [bed.variables(None), vec![format!("SOCKSRC={}", socksrc.display())]].concat();
    let socksify = bed.socksify().display().to_string();
    let mut variants = vec![
        ("plain", [bed.variables(None), words(&[PROGRAM])].concat()),
        ("preload", [bed.variables(Some(&socksrc)), words(&[PROGRAM])].concat()),
        ("exec", [&configured[..], &[exec, bed.preload(), PROGRAM.to_owned()]].concat()),
        ("socksify", [&configured[..], &[socksify, PROGRAM.to_owned()]].concat()),
    ];
    let mut absent = Vec::new();
    for (name, typed) in PEERS {
        match peer(name, typed[0]) {
            Some(path) => {
                let path = path.display().to_string();
                variants
                    .push((name, [bed.variables(None), vec![path], words(&typed[1..]), words(&[PROGRAM])].concat()));
            }
            None => absent.push(name),
        }
    }

    let mut samples = vec![Vec::new(); variants.len()];
    let mut progress = Progress::new("bench", "start", pieces);
    for _ in 0..pieces {
        let mut command = bed.command(&program, None);
        command.arg(PIECE.to_string());
        for (_, words) in &variants {
            command.arg("::").args(words);
        }
        for line in run::output(&mut command)?.lines() {
            let nanos: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().context(line.to_owned())?;
            ensure!(nanos.len() == samples.len(), "start prints {line:?}");
            for (samples, nanos) in samples.iter_mut().zip(nanos) {
                samples.push(nanos / 1e6);
            }
        }
        progress.step();
    }

    let mut section = Section::new("start", "from posix_spawn to the end of a program that does nothing");
    let mut table = Table::new("start", "ms", variants.iter().map(|(name, _)| *name));
    table.row(PROGRAM, &samples)?.judge("socksify", verdict);
    section.push(table);
    section.note("preload: with LD_PRELOAD set already; exec: by a few lines of C that set it and do nothing else.");
    if !absent.is_empty() {
        section.note(format!("not installed, and so without a column: {}", absent.join(", ")));
    }
    Ok(section)
}

/// A wrapper of others. Their socksify has the name of ours, and is told from it by the library that ours names.
fn peer(name: &str, program: &str) -> Option<PathBuf> {
    let path = find_program(program)?;
    let ours = || fs::read(&path).is_ok_and(|bytes| bytes.windows(15).any(|window| window == b"libsockswrap.so"));
    (name != "dante" || !ours()).then_some(path)
}

fn verdict(measured: Measured) -> Verdict {
    let kept = measured.ratio <= MOST;
    let outcome = if kept { "holds" } else { "MISSES" };
    Verdict { kept, text: format!("{outcome}: at most ×{} ({} ms here)", number(MOST), number(measured.value)) }
}

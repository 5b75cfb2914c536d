//! What a handshake in memory costs, counted: instructions, allocations, reads and writes, and the size of a future.
//!
//! By a program of its own, the package `peers`, which has those in it that we are compared with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::bed::Bed;
use super::crates;
use super::proxy::Proxy;
use super::report::{Measured, Section, Table, Verdict, number};
use crate::progress::Progress;
use crate::run::{self, find_program};
use crate::stage::{self, Profile};

/// Ours and others', the first of them written by hand for what is measured and nothing else.
const SUBJECTS: [&str; 8] = [
    "floor",
    "socks-proto",
    "socks-blocking",
    "socks-tokio",
    "socks-async-std",
    "socks-mio",
    "tokio-socks",
    "fast-socks5",
];
/// Those that can send all in one flight.
const EAGER: [&str; 6] = ["floor", "socks-proto", "socks-blocking", "socks-tokio", "socks-async-std", "socks-mio"];

/// How many handshakes are counted, over those of a run that makes none more than its first ones.
const COUNT: u32 = 100;

/// What is promised of the bare core, in terms of the floor.
const CORE: f64 = 1.5;
/// What is promised of socks-tokio, in instructions.
const TOKIO: f64 = 1000.0;

/// What one handshake takes.
struct Cost {
    instructions: f64,
    allocations: f64,
    reads: f64,
    writes: f64,
    future: f64,
}

pub(super) fn measure(bed: &Bed) -> Result<Section> {
    let mut section = Section::new("handshake", "one handshake in memory, to a name of 11 octets, IPv4 in the reply");
    let Some(valgrind) = find_program("valgrind") else {
        section.note("left out: there is no valgrind here (cargo xtask setup)");
        return Ok(section);
    };
    let [program, by_tcp_program] = build()?;
    let mut progress =
        Progress::new("bench", "handshake", 2 * SUBJECTS.len() + EAGER.len() + 2 * crates::SUBJECTS.len());
    let mut costs = |case: &str, subjects: &[&str]| -> Result<Vec<Cost>> {
        let cost = |subject: &&str| {
            progress.step();
            cost(bed, &valgrind, &program, subject, case).with_context(|| format!("{subject}, {case}"))
        };
        subjects.iter().map(cost).collect()
    };
    for (title, case, subjects, most_writes) in [
        ("message by message", "stepwise", SUBJECTS.as_slice(), 2.0),
        ("with a login, made of two strings", "login", &SUBJECTS, 3.0),
        ("one round trip", "one-round-trip", &EAGER, 1.0),
    ] {
        let costs = costs(case, subjects)?;
        let mut table = Table::new(title, "count", subjects.iter().copied());
        let samples = |of: fn(&Cost) -> f64| costs.iter().map(|cost| vec![of(cost)]).collect::<Vec<_>>();
        table.row("instructions", &samples(|cost| cost.instructions))?;
        if case == "stepwise" {
            table.judge("socks-proto", |core| instructions(core, costs[3].instructions));
        }
        table.row("allocations", &samples(|cost| cost.allocations))?;
        // A login is made before the handshake, and is in memory that is wiped.
        if case != "login" {
            table.judge("socks-tokio", |tokio| Verdict { kept: tokio.value == 0.0, text: "none at all".to_owned() });
        }
        table.row("reads", &samples(|cost| cost.reads))?;
        if case == "stepwise" {
            table.judge("socks-tokio", |tokio| Verdict { kept: tokio.value <= 3.0, text: "3 at most".to_owned() });
        }
        table.row("writes", &samples(|cost| cost.writes))?;
        table.judge("socks-tokio", |tokio| Verdict {
            kept: tokio.value <= most_writes,
            text: format!("{most_writes} at most"),
        });
        table.row("octets of the future", &samples(|cost| cost.future))?;
        section.push(table);
    }
    section.push(by_tcp(bed, &valgrind, &by_tcp_program, &mut progress)?);
    section.note(
        "socks has no handshake without a connect of its own. Over TCP it is what one thread allocates, and what all of the\n\
         process computes outside of the kernel: with a reactor of another thread (socks-async-std), not the same each time.",
    );
    Ok(section)
}

fn instructions(core: Measured, tokio: f64) -> Verdict {
    Verdict {
        kept: core.ratio <= CORE && tokio <= TOKIO,
        text: format!("the core at most {} × is promised, and socks-tokio at most {}", number(CORE), number(TOKIO)),
    }
}

/// Builds the programs for release: where the one in memory is, and the one over TCP.
pub(super) fn build() -> Result<[PathBuf; 2]> {
    run::output(&mut run::cargo(["build", "--release", "--quiet", "--package=socks-peers"]))?;
    let folder = stage::dir(Profile::Release)?;
    Ok(["socks-peers", "socks-peers-tcp"].map(|name| folder.join(name)))
}

fn cost(bed: &Bed, valgrind: &Path, program: &Path, subject: &str, case: &str) -> Result<Cost> {
    let (instructions, printed) = counted(bed, valgrind, program, &[subject, case], &[])?;
    let numbers: Vec<f64> = printed.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [allocations, reads, writes, future] = numbers[..] else { anyhow::bail!("it prints {printed:?}") };
    Ok(Cost { instructions, allocations, reads, writes, future })
}

/// Whole connects over TCP, with all that the runtimes do for them.
fn by_tcp(bed: &Bed, valgrind: &Path, program: &Path, progress: &mut Progress) -> Result<Table> {
    let proxy = Proxy::start(bed, Duration::ZERO)?;
    let mut table = Table::new("connect and handshake over TCP", "count", crates::SUBJECTS);
    for (name, case) in [("no login", "stepwise"), ("login", "login")] {
        let (mut instructions, mut allocations) = (Vec::new(), Vec::new());
        for subject in crates::SUBJECTS {
            let (spent, printed) =
                counted(bed, valgrind, program, &["count", subject, case], &[&proxy.address(case == "login")])
                    .with_context(|| format!("{subject}, {case}, over TCP"))?;
            instructions.push(vec![spent]);
            allocations.push(vec![printed.trim().parse().with_context(|| format!("it prints {printed:?}"))?]);
            progress.step();
        }
        table.row(format!("instructions, {name}"), &instructions)?;
        table.row(format!("allocations, {name}"), &allocations)?;
    }
    Ok(table)
}

/// The instructions of one of [`COUNT`], and what is printed; the count stands between the two lists of arguments.
fn counted(bed: &Bed, valgrind: &Path, program: &Path, before: &[&str], after: &[&str]) -> Result<(f64, String)> {
    let file = bed.path("callgrind");
    let total = |count: u32| -> Result<(f64, String)> {
        let mut command = Command::new(valgrind);
        command.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", file.display()));
        command.arg(program).args(before).arg(count.to_string()).args(after);
        let printed = run::output(&mut command)?;
        let counts = fs::read_to_string(&file)?;
        let total =
            counts.lines().find_map(|line| line.strip_prefix("totals: ")).context("callgrind gives no total")?;
        Ok((total.trim().parse()?, printed))
    };
    let (few, _) = total(0)?;
    let (many, printed) = total(COUNT)?;
    Ok(((many - few) / f64::from(COUNT), printed))
}

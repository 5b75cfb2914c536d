//! `cargo xtask fuzz`: the targets of `fuzz/`, each for a while, seeded with the vectors.

mod build;
mod corpus;
mod outcome;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;

use crate::progress::Progress;
use crate::run;
use crate::tally::Tally;
use outcome::Outcome;

/// The programs of `fuzz/fuzz_targets`.
const TARGETS: [&str; 6] = ["reply", "handshake_ops", "udp", "server", "config", "url"];

/// Runs the fuzz targets, as many at once as there are processors, and prints what each of them came to.
///
/// Needs no cargo-fuzz and no nightly toolchain. What a run finds it keeps below target/ and begins the next one with; the
/// inputs of fuzz/regressions come first. A crash is printed with what it takes to see it again.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these targets.
    #[arg(value_parser = PossibleValuesParser::new(TARGETS))]
    targets: Vec<String>,
    /// For how many seconds to run each of them.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    time: u64,
}

/// An input that takes ten seconds hangs; one that takes a quarter of a gigabyte is a way to fill a machine's memory.
const LIMITS: [&str; 5] =
    ["-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=256", "-max_len=4096", "-print_final_stats=1"];

/// What a target needs to run.
struct Job {
    target: String,
    program: PathBuf,
    /// What it found in earlier runs, and adds to.
    found: PathBuf,
    seeds: PathBuf,
    seed_count: usize,
    /// Where it leaves an input that breaks it.
    artifacts: PathBuf,
    log: PathBuf,
}

/// Builds the targets, runs them and prints the table.
///
/// # Errors
/// They cannot be built or run. What they find is no error of this.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let targets: Vec<&str> = TARGETS
        .into_iter()
        .filter(|target| arguments.targets.is_empty() || arguments.targets.iter().any(|asked| asked == target))
        .collect();
    let folder = build::targets(&targets)?;
    let mut jobs = VecDeque::new();
    for target in targets {
        jobs.push_back(Job::new(target, &folder)?);
    }
    let began = Instant::now();
    let outcomes = run_all(jobs, arguments.time)?;
    outcome::print(&outcomes, began.elapsed());
    let mut tally = Tally::default();
    for outcome in &outcomes {
        match &outcome.crash {
            None => tally.passed += 1,
            Some(crash) => {
                tally.failed += 1;
                println!("\n{}: {crash}", outcome.target);
            }
        }
    }
    println!("\n{tally}");
    Ok(tally.exit_code())
}

/// Runs the jobs, as many at once as there are processors, and gives what came of them in the order of the jobs.
fn run_all(jobs: VecDeque<Job>, seconds: u64) -> Result<Vec<Outcome>> {
    let at_once = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let order: Vec<String> = jobs.iter().map(|job| job.target.clone()).collect();
    let rounds = jobs.len().div_ceil(at_once.max(1));
    let mut progress = Progress::new("fuzz", "fuzzing", rounds * usize::try_from(seconds)?);
    let jobs = Mutex::new(jobs);
    let (done, outcomes) = mpsc::channel();
    let mut came = Vec::new();
    thread::scope(|scope| {
        for _ in 0..at_once {
            let (jobs, done) = (&jobs, done.clone());
            scope.spawn(move || {
                // A worker that panicked has taken its job with it, and no other.
                let next = || jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop_front();
                while let Some(job) = next() {
                    // Nobody to tell: this is over already.
                    let _ = done.send(job.run(seconds));
                }
            });
        }
        drop(done);
        let began = Instant::now();
        let mut shown = 0;
        loop {
            match outcomes.recv_timeout(Duration::from_secs(1)) {
                Ok(outcome) => came.push(outcome),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            while shown < began.elapsed().as_secs().min(rounds as u64 * seconds) {
                progress.step();
                shown += 1;
            }
        }
    });
    let mut came = came.into_iter().collect::<Result<Vec<Outcome>>>()?;
    came.sort_by_key(|outcome| order.iter().position(|target| *target == outcome.target));
    Ok(came)
}

impl Job {
    fn new(target: &str, folder: &Path) -> Result<Self> {
        let own = |kind: &str| -> Result<PathBuf> {
            let path = build::folder().join(kind).join(target);
            fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
            Ok(path)
        };
        let (seeds, found, artifacts) = (own("seeds")?, own("corpus")?, own("artifacts")?);
        let seed_count = corpus::write(target, &seeds)?;
        let log = build::folder().join(format!("{target}.log"));
        let target = target.to_owned();
        Ok(Self { program: folder.join(&target), target, found, seeds, seed_count, artifacts, log })
    }

    /// Runs what broke it once, then for the time given what the fuzzer comes up with.
    fn run(&self, seconds: u64) -> Result<Outcome> {
        let regressions = corpus::files(&run::root().join("fuzz/regressions").join(&self.target))?;
        if !regressions.is_empty() {
            let mut fuzzer = self.fuzzer();
            fuzzer.args(&regressions);
            let outcome = self.outcome(&mut fuzzer)?;
            if outcome.crash.is_some() {
                return Ok(outcome);
            }
        }
        let mut fuzzer = self.fuzzer();
        fuzzer.arg(format!("-max_total_time={seconds}"));
        // Texts have words; the bytes of a server have none that the fuzzer does not find by itself.
        let dictionary = run::root().join("fuzz/dictionaries").join(format!("{}.dict", self.target));
        if dictionary.is_file() {
            fuzzer.arg(format!("-dict={}", dictionary.display()));
        }
        self.outcome(fuzzer.args([&self.found, &self.seeds]))
    }

    /// What every run of it has in common.
    fn fuzzer(&self) -> Command {
        let mut fuzzer = Command::new(&self.program);
        fuzzer.args(LIMITS).arg(format!("-artifact_prefix={}/", self.artifacts.display()));
        fuzzer
    }

    /// Runs it to its end.
    fn outcome(&self, fuzzer: &mut Command) -> Result<Outcome> {
        let log = File::create(&self.log).with_context(|| format!("creating {}", self.log.display()))?;
        let status = fuzzer
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .status()
            .with_context(|| format!("cannot run {}", self.target))?;
        let printed = fs::read(&self.log).with_context(|| format!("reading {}", self.log.display()))?;
        let printed = String::from_utf8_lossy(&printed);
        let failed = (!status.success()).then(|| status.to_string());
        Ok(Outcome::new(&self.target, self.seed_count, &self.log, &printed, failed, &self.program))
    }
}

//! Subjects that take turns at one task, in many short rounds, and who of them fails at it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::bed::Bed;
use super::proxy::{Handshake, Proxy, Service};
use super::report::{Measured, Section, Verdict, number};
use super::stats::Summary;
use super::worker::{Failure, Outcome, Worker};
use super::wrapper::{DIRECT, FLOOR, OURS, Subject};
use crate::progress::Progress;

/// Everybody's rows of one section.
pub(super) struct Contest<'a> {
    bed: &'a Bed,
    program: &'a Path,
    subjects: Vec<Subject>,
    limits: Limits,
    /// Who failed at which row, and how.
    failures: Vec<String>,
    /// Who hung in which way of waiting: it is not waited for again.
    hung: Vec<(&'static str, &'static str, Failure)>,
}

/// How long anything may take.
struct Limits {
    /// A subject that has spent so much on a row is not asked again: one that is slow delays nobody for long.
    budget: Duration,
    /// One that takes longer for an answer hangs.
    patience: Duration,
}

/// So long may take what takes milliseconds: a few connects of each kind, before they are counted.
pub(super) const TRIAL: Duration = Duration::from_secs(3);

/// What is asked in each round of a row.
pub(super) struct Task<'a> {
    pub(super) name: &'a str,
    /// The first word of the question.
    pub(super) way: &'static str,
    /// The rest of it, as it is tried out and as it is measured.
    pub(super) trial: String,
    pub(super) question: String,
    pub(super) rounds: usize,
    pub(super) handshake: Handshake,
    pub(super) service: Service,
}

impl<'a> Contest<'a> {
    /// Of everybody who is here, with this program.
    pub(super) fn new(bed: &'a Bed, program: &'a Path, quick: bool) -> Self {
        let limits = if quick {
            Limits { budget: Duration::from_millis(700), patience: Duration::from_secs(10) }
        } else {
            Limits { budget: Duration::from_secs(3), patience: Duration::from_secs(30) }
        };
        Self { bed, program, subjects: Subject::all(), limits, failures: Vec::new(), hung: Vec::new() }
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.subjects.iter().map(|subject| subject.name).collect()
    }

    /// What each subject answers, in nanoseconds and in the order of [`Contest::names`].
    pub(super) fn measure(&mut self, proxy: &Proxy, task: &Task<'_>, progress: &mut Progress) -> Vec<Outcome> {
        let mut workers: Vec<Result<Worker, Failure>> = self
            .subjects
            .iter()
            .map(|subject| {
                let hung = self.hung.iter().find(|(name, way, _)| (*name, *way) == (subject.name, task.way));
                hung.map_or(Ok(()), |(_, _, failure)| Err(failure.clone()))?;
                let worker = subject.start(self.bed, self.program, proxy, task.handshake, task.service)?;
                let mut worker = worker.patience(TRIAL);
                worker.ask(&format!("{} {}", task.way, task.trial)).map_err(|error| Failure::of(&error))?;
                Ok(worker.patience(self.limits.patience))
            })
            .collect();
        let samples = take_turns(&mut workers, task, self.limits.budget, progress);
        let outcomes: Vec<Outcome> = workers.into_iter().zip(samples).map(|(worker, samples)| worker.map(|_| samples)).collect();
        for (subject, outcome) in self.subjects.iter().zip(&outcomes) {
            let Err(failure) = outcome else { continue };
            if let Some(detail) = failure.detail() {
                self.failures.push(format!("{}: {}: {failure}: {detail}", task.name, subject.name));
            }
            if matches!(failure, Failure::TimesOut(_)) {
                self.hung.push((subject.name, task.way, failure.clone()));
            }
        }
        outcomes
    }

    /// Says in the section who failed, and who is not here.
    pub(super) fn explain(self, section: &mut Section) {
        if !self.failures.is_empty() {
            section.note(format!("who failed, and how:\n  {}", self.failures.join("\n  ")));
        }
        if let Some(absent) = Subject::absent() {
            section.note(absent);
        }
    }
}

/// Rounds in which another one begins each time. Who fails is replaced by the failure.
fn take_turns(
    workers: &mut [Result<Worker, Failure>],
    task: &Task<'_>,
    budget: Duration,
    progress: &mut Progress,
) -> Vec<Vec<f64>> {
    let mut samples = vec![Vec::new(); workers.len()];
    let mut spent = vec![Duration::ZERO; workers.len()];
    for round in 0..task.rounds {
        for turn in 0..workers.len() {
            let subject = (turn + round) % workers.len();
            let Ok(worker) = &mut workers[subject] else { continue };
            if spent[subject] >= budget {
                continue;
            }
            let begun = Instant::now();
            match worker.ask(&format!("{} {}", task.way, task.question)) {
                Ok(nanos) => samples[subject].push(nanos),
                Err(error) => workers[subject] = Err(Failure::of(&error)),
            }
            spent[subject] += begun.elapsed();
        }
        progress.step();
    }
    samples
}

/// The medians of a row, by which one subject is judged beside another.
pub(super) struct Medians(Vec<(&'static str, f64)>);

impl Medians {
    pub(super) fn of(names: &[&'static str], outcomes: &[Outcome]) -> Self {
        let median = |outcome: &Outcome| Some(Summary::of(outcome.as_deref().ok()?)?.median);
        Self(names.iter().zip(outcomes).filter_map(|(name, outcome)| Some((*name, median(outcome)?))).collect())
    }

    pub(super) fn floor(&self) -> Option<f64> {
        self.0.iter().find(|(name, _)| *name == FLOOR).map(|(_, median)| *median)
    }

    /// The best of the wrappers of others, where the more is the better.
    pub(super) fn most_of_others(&self) -> Option<(&'static str, f64)> {
        let others = self.0.iter().filter(|(name, _)| ![DIRECT, FLOOR, OURS].contains(name));
        others.copied().max_by(|(_, one), (_, other)| one.total_cmp(other))
    }
}

/// So much may a median miss by: on most machines no two runs are nearer.
const NOISE: f64 = 0.05;

/// No less than the best of the others, where the more is the better.
pub(super) fn best(medians: &Medians) -> impl Fn(Measured) -> Verdict {
    let most = medians.most_of_others();
    move |measured| {
        let Some((name, most)) = most else { return Verdict { kept: true, text: "alone".to_owned() } };
        let kept = measured.value >= most * (1.0 - NOISE);
        let outcome = if kept { "holds" } else { "MISSES" };
        Verdict { kept, text: format!("{outcome}: no fewer than the best other; {} × {name}", number(measured.value / most)) }
    }
}

/// As near to the floor as can be measured, where the less is the better.
pub(super) fn near_the_floor(medians: &Medians) -> impl Fn(Measured) -> Verdict {
    let floor = medians.floor().unwrap_or(0.0);
    move |measured| {
        let kept = measured.value <= floor * (1.0 + NOISE);
        let outcome = if kept { "holds" } else { "MISSES" };
        Verdict { kept, text: format!("{outcome}: as the floor; {} × it", number(measured.value / floor)) }
    }
}

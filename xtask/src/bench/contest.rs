//! Subjects that take turns at one task, in many short rounds, and who of them fails at it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::bed::Bed;
use super::proxy::{Handshake, Proxy, Service};
use super::report::{Section, Verdict, number};
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
    hung: Vec<Hung>,
}

/// Who hung with so many sockets, and is not tried with more.
struct Hung {
    subject: &'static str,
    way: &'static str,
    size: usize,
    failure: Failure,
}

/// How long anything may take.
struct Limits {
    /// A subject that has spent so much on a row is not asked again: one that is slow delays nobody for long.
    budget: Duration,
    /// One that takes longer for an answer hangs.
    patience: Duration,
}

/// How long anything may take that is measured.
pub(super) const fn patience(quick: bool) -> Duration {
    Duration::from_secs(if quick { 5 } else { 15 })
}

/// So long may take what takes milliseconds: a few connects of each kind, before they are counted.
pub(super) const TRIAL: Duration = Duration::from_secs(3);

/// What is asked in each round of a row.
pub(super) struct Task<'a> {
    pub(super) name: &'a str,
    /// The first word of the question.
    pub(super) way: &'static str,
    /// The rest of it, as it is tried out, if that takes no time to speak of, and as it is measured.
    pub(super) trial: Option<String>,
    pub(super) question: String,
    /// How many sockets that takes at a time.
    pub(super) size: usize,
    pub(super) rounds: usize,
    pub(super) handshake: Handshake,
    pub(super) service: Service,
}

impl<'a> Contest<'a> {
    /// Of everybody who is here, with this program.
    pub(super) fn new(bed: &'a Bed, program: &'a Path, quick: bool) -> Self {
        Self::of(bed, program, Subject::all(), quick)
    }

    fn of(bed: &'a Bed, program: &'a Path, subjects: Vec<Subject>, quick: bool) -> Self {
        let budget = if quick { Duration::from_millis(700) } else { Duration::from_secs(3) };
        let limits = Limits { budget, patience: patience(quick) };
        Self { bed, program, subjects, limits, failures: Vec::new(), hung: Vec::new() }
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.subjects.iter().map(|subject| subject.name).collect()
    }

    /// What each subject answers, in nanoseconds and in the order of [`Contest::names`].
    pub(super) fn measure(&mut self, proxy: &Proxy, task: &Task<'_>, progress: &mut Progress) -> Vec<Outcome> {
        let mut turns: Vec<Turn> =
            self.subjects.iter().map(|subject| Turn::new(self.enter(subject, proxy, task))).collect();
        for round in 0..task.rounds {
            // Another one begins each time.
            let count = turns.len();
            for place in (0..count).map(|place| (place + round) % count) {
                let (subject, turn) = (&self.subjects[place], &mut turns[place]);
                turn.take(&format!("{} {}", task.way, task.question), self.limits.budget);
                if turn.may_try_again(subject) {
                    turn.enter(self.enter(subject, proxy, task));
                }
            }
            progress.step();
        }
        let subjects: Vec<_> = self.names();
        turns.into_iter().zip(subjects).map(|(turn, subject)| self.outcome(turn, subject, task)).collect()
    }

    /// Starts a subject, and has it do a little of what is asked, without measuring.
    fn enter(&self, subject: &Subject, proxy: &Proxy, task: &Task<'_>) -> Result<Worker, Failure> {
        let hung = |hung: &&Hung| (hung.subject, hung.way) == (subject.name, task.way) && hung.size <= task.size;
        if let Some(hung) = self.hung.iter().find(hung) {
            return Err(hung.failure.clone());
        }
        let mut worker = subject.start(self.bed, self.program, proxy, task.handshake, task.service)?;
        if let Some(trial) = &task.trial {
            worker = worker.patience(TRIAL);
            worker.ask(&format!("{} {trial}", task.way)).map_err(|error| Failure::of(&error))?;
        }
        Ok(worker.patience(self.limits.patience))
    }

    fn outcome(&mut self, turn: Turn, subject: &'static str, task: &Task<'_>) -> Outcome {
        let rounds = turn.samples.len() + turn.failed;
        let failure = match (turn.worker, turn.last) {
            (Err(failure), _) => failure,
            (Ok(_), None) => return Ok(turn.samples),
            (Ok(_), Some(failure)) if turn.samples.len() > turn.failed => {
                let detail = failure.detail().unwrap_or_default();
                let count = turn.failed;
                self.failures
                    .push(format!("{}: {subject}: {failure} in {count} of {rounds} rounds: {detail}", task.name));
                return Ok(turn.samples);
            }
            (Ok(_), Some(failure)) => failure,
        };
        if let Some(detail) = failure.detail() {
            self.failures.push(format!("{}: {subject}: {failure}: {detail}", task.name));
        }
        if matches!(failure, Failure::TimesOut(_)) {
            // Whoever did so at the trial does with any number.
            let size = if failure == Failure::TimesOut(TRIAL) { 1 } else { task.size };
            self.hung.push(Hung { subject, way: task.way, size, failure: failure.clone() });
        }
        Err(failure)
    }

    /// Says in the section who failed.
    pub(super) fn explain(self, section: &mut Section) {
        if !self.failures.is_empty() {
            section.note(format!("who failed, and how:\n  {}", self.failures.join("\n  ")));
        }
    }
}

/// One subject in one row.
struct Turn {
    worker: Result<Worker, Failure>,
    samples: Vec<f64>,
    spent: Duration,
    /// In how many rounds it failed, and how it did the last time.
    failed: usize,
    last: Option<Failure>,
}

/// How often one of others may fail in a row before it is no longer asked.
const ATTEMPTS: usize = 3;

impl Turn {
    fn new(worker: Result<Worker, Failure>) -> Self {
        let mut turn =
            Self { worker: Err(Failure::Cannot), samples: Vec::new(), spent: Duration::ZERO, failed: 0, last: None };
        turn.enter(worker);
        turn
    }

    fn enter(&mut self, worker: Result<Worker, Failure>) {
        if let Err(failure) = &worker {
            self.failed += 1;
            self.last = Some(failure.clone());
        }
        self.worker = worker;
    }

    fn take(&mut self, question: &str, budget: Duration) {
        let Ok(worker) = &mut self.worker else { return };
        if self.spent >= budget {
            return;
        }
        let begun = Instant::now();
        match worker.ask(question) {
            Ok(nanos) => self.samples.push(nanos),
            Err(error) => self.enter(Err(Failure::of(&error))),
        }
        self.spent += begun.elapsed();
    }

    /// Whether it failed in a round, and may do better in the next. What fails now and then is not left out for that,
    /// unless it is of this workspace.
    fn may_try_again(&self, subject: &Subject) -> bool {
        let now_and_then = matches!(self.worker, Err(Failure::Crashes(_) | Failure::Fails(_)));
        now_and_then && self.failed < ATTEMPTS && subject.is_of_others()
    }
}

/// A row, by which ours is judged beside the floor and the others.
pub(super) struct Standing<'a> {
    names: &'a [&'static str],
    outcomes: &'a [Outcome],
}

impl<'a> Standing<'a> {
    pub(super) fn of(names: &'a [&'static str], outcomes: &'a [Outcome]) -> Self {
        Self { names, outcomes }
    }

    fn samples(&self, name: &str) -> Option<&[f64]> {
        let place = self.names.iter().position(|other| *other == name)?;
        self.outcomes.get(place)?.as_deref().ok()
    }

    /// How many times ours is what this one is, in the median of the rounds that both took.
    fn times(&self, name: &str) -> Option<f64> {
        let times = Summary::paired(self.samples(OURS)?, self.samples(name)?, |ours, other| ours / other)?;
        Some(times.median)
    }

    /// No less than the best of the others, where the more is the better.
    pub(super) fn best(&self) -> Verdict {
        let others = self.names.iter().filter(|name| ![DIRECT, FLOOR, OURS].contains(name));
        let least = others
            .filter_map(|name| Some((*name, self.times(name)?)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other));
        match least {
            Some((name, times)) => {
                judged(times >= 1.0 - NOISE, &format!("no fewer than any other; {} × {name}", number(times)))
            }
            None => Verdict { kept: true, text: "there is no other".to_owned() },
        }
    }

    /// As near to the floor as can be measured, where the less is the better.
    pub(super) fn near_the_floor(&self) -> Verdict {
        match self.times(FLOOR) {
            Some(times) => judged(times <= 1.0 + NOISE, &format!("as the floor; {} × it", number(times))),
            None => Verdict { kept: true, text: "there is no floor".to_owned() },
        }
    }
}

/// So much may a median miss by: on most machines no two runs are nearer.
const NOISE: f64 = 0.1;

fn judged(kept: bool, what: &str) -> Verdict {
    let outcome = if kept { "holds" } else { "MISSES" };
    Verdict { kept, text: format!("{outcome}: {what}") }
}

#[cfg(test)]
mod tests {
    use super::super::ttfb::HANDSHAKES;
    use super::*;

    fn measure(
        contest: &mut Contest<'_>,
        proxy: &Proxy,
        way: &'static str,
        size: usize,
        service: Service,
    ) -> Vec<Outcome> {
        shaking(contest, proxy, way, &format!("{size} 1"), size, service, Handshake::default())
    }

    fn shaking(
        contest: &mut Contest<'_>,
        proxy: &Proxy,
        way: &'static str,
        rest: &str,
        size: usize,
        service: Service,
        handshake: Handshake,
    ) -> Vec<Outcome> {
        let (trial, question) = (Some(rest.to_owned()), rest.to_owned());
        let task = Task { name: "test", way, trial, question, size, rounds: 2, handshake, service };
        contest.measure(proxy, &task, &mut Progress::new("bench", "test", 2))
    }

    #[test]
    fn the_direct_way_and_the_floor_get_there_however_hands_are_shaken() {
        let bed = Bed::bare().expect("a compiler");
        let proxy = Proxy::start(&bed, Duration::ZERO).expect("a proxy");
        let connects = bed.compile("connects", super::super::ttfb::SOURCE).expect("compiled");
        let stream = bed.compile("stream", super::super::throughput::SOURCE).expect("compiled");
        let tasks = [
            (&connects, "byte", "3 1", Service::Echo),
            (&connects, "serial", "3 1", Service::Echo),
            (&connects, "threads", "8 4", Service::Echo),
            (&connects, "poll", "8 1", Service::Echo),
            (&connects, "epoll", "8 1", Service::Echo),
            (&stream, "receive", "1000000", Service::Source),
            (&stream, "send", "1000000", Service::Sink),
        ];
        for (program, way, rest, service) in tasks {
            let mut contest = Contest::of(&bed, program, vec![Subject::direct(DIRECT), Subject::floor()], true);
            for (_, handshake) in HANDSHAKES {
                let outcomes = shaking(&mut contest, &proxy, way, rest, 8, service, handshake);
                let rounds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().map(Vec::len)).collect();
                assert_eq!(rounds, [Ok(2), Ok(2)], "{way}");
            }
        }
    }

    #[test]
    fn who_hangs_at_the_trial_is_not_waited_for_again() {
        let bed = Bed::bare().expect("a compiler");
        let silent = Proxy::start(&bed, super::super::proxy::NEVER).expect("a proxy");
        let prompt = Proxy::start(&bed, Duration::ZERO).expect("a proxy");
        let connects = bed.compile("connects", super::super::ttfb::SOURCE).expect("compiled");
        let mut contest = Contest::of(&bed, &connects, vec![Subject::floor()], true);
        let hangs = vec![Err(Failure::TimesOut(TRIAL))];
        assert_eq!(measure(&mut contest, &silent, "epoll", 8, Service::Echo), hangs);
        // It would not hang any more.
        assert_eq!(measure(&mut contest, &prompt, "epoll", 7, Service::Echo), hangs);
        assert!(measure(&mut contest, &prompt, "poll", 9, Service::Echo)[0].is_ok());
        let mut section = Section::new("connects", "test");
        contest.explain(&mut section);
        assert!(section.text().contains("test: floor: times out: no answer within 3 s"), "{}", section.text());
    }

    #[test]
    fn ours_is_judged_by_the_rounds_that_both_took() {
        let names = [DIRECT, FLOOR, OURS, "one", "two", "three"];
        let failed = || Err(Failure::Crashes(6));
        // Half-way the machine becomes ten times slower; one is no longer asked by then.
        let rate = |rate: f64| Ok(vec![rate, rate, rate / 10.0, rate / 10.0]);
        let row = |ours: Outcome| [rate(90.0), rate(80.0), ours, Ok(vec![50.0]), rate(60.0), failed()];
        let best = |ours: Outcome| Standing::of(&names, &row(ours)).best();
        assert_eq!(best(rate(61.0)).text, "holds: no fewer than any other; 1.02 × two");
        assert!(best(rate(55.0)).kept);
        assert!(!best(rate(50.0)).kept);
        assert!(best(failed()).kept, "the table says that it failed");
        let near = |ours: f64| Standing::of(&names, &row(rate(ours))).near_the_floor();
        assert!(near(81.0).kept);
        assert_eq!(near(100.0).text, "MISSES: as the floor; 1.25 × it");
        assert_eq!(Standing::of(&names[2..3], &[rate(1.0)]).best().text, "there is no other");
    }
}

//! A program that measures when it is asked to, so that several can take turns, and what comes of one that does not.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::iter;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::run;

/// How long an answer may take unless a section says otherwise: whoever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(150);

/// How long a program may take to end that has closed its output.
const GRACE: Duration = Duration::from_secs(2);

/// The measurements of one subject, or why there are none.
pub(super) type Outcome = Result<Vec<f64>, Failure>;

/// How a subject fails; shown in its place in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It has no way to do what is asked.
    Cannot,
    TimesOut(Duration),
    /// By this signal.
    Crashes(i32),
    /// It says why, or not.
    Fails(String),
}

/// The measurements of one subject for each of several rows, until it fails: then it has none for any of them.
pub(super) struct Rows(Result<Vec<Vec<f64>>, Failure>);

/// A program that answers each line with one. It and what it starts have a process group, which ends with this.
pub(super) struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<String>,
    complaints: Receiver<String>,
    patience: Duration,
    name: String,
    /// Whether it was waited for, after which its number may be another's.
    ended: bool,
}

impl Failure {
    /// What an error says of its subject.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        error.downcast_ref().cloned().unwrap_or_else(|| Self::Fails(format!("{error:#}")))
    }

    /// What the table has no room for.
    pub(super) fn detail(&self) -> Option<String> {
        match self {
            Self::Cannot => None,
            Self::TimesOut(limit) => Some(format!("no answer within {} s", limit.as_secs_f64())),
            Self::Crashes(signal) => Some(format!("ended by signal {signal}")),
            Self::Fails(why) => Some(why.clone()),
        }
    }

    fn of_status(status: ExitStatus, complaint: String) -> Self {
        match status.signal() {
            // Its own alarm, whatever is left of our patience.
            Some(signal) if signal == Signal::ALARM.as_raw() => Self::TimesOut(PATIENCE),
            Some(signal) => Self::Crashes(signal),
            None if complaint.is_empty() => Self::Fails(format!("ends with {status}")),
            None => Self::Fails(complaint),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cannot => "cannot",
            Self::TimesOut(_) => "times out",
            Self::Crashes(_) => "crashes",
            Self::Fails(_) => "fails",
        })
    }
}

impl std::error::Error for Failure {}

impl Rows {
    pub(super) fn new(count: usize) -> Self {
        Self(Ok(vec![Vec::new(); count]))
    }

    /// # Errors
    /// How it failed.
    pub(super) fn sound(&self) -> Result<(), Failure> {
        self.0.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    pub(super) fn push(&mut self, row: usize, measured: f64) {
        if let Ok(rows) = &mut self.0 {
            rows[row].push(measured);
        }
    }

    /// One for each row.
    pub(super) fn push_all<const COUNT: usize>(&mut self, measured: [f64; COUNT]) {
        measured.into_iter().enumerate().for_each(|(row, measured)| self.push(row, measured));
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.0 = Err(failure);
    }

    pub(super) fn outcome(&self, row: usize) -> Outcome {
        self.0.as_ref().map(|rows| rows[row].clone()).map_err(Clone::clone)
    }
}

impl Worker {
    /// # Errors
    /// It cannot be run.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = run::show(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        let stdin = child.stdin.take();
        let answers = lines(child.stdout.take().context("a pipe was asked for")?);
        let complaints = lines(child.stderr.take().context("a pipe was asked for")?);
        Ok(Self { child, stdin, answers, complaints, patience: PATIENCE, name, ended: false })
    }

    /// With another limit for each answer.
    pub(super) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// # Errors
    /// It ended, does not answer in time, or does not answer a number. The first two are a [`Failure`].
    pub(super) fn ask(&mut self, line: &str) -> Result<f64> {
        if let Some(stdin) = &mut self.stdin {
            // Why it cannot be written, the answer says.
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
        let answer = self.line().with_context(|| format!("asked \"{line}\""))?;
        answer.trim().parse().with_context(|| format!("{} answers {answer:?}", self.name))
    }

    /// What it says next.
    ///
    /// # Errors
    /// It ended, or says nothing in time: a [`Failure`] either way.
    pub(super) fn line(&mut self) -> Result<String> {
        let failure = match self.answers.recv_timeout(self.patience) {
            Ok(line) => return Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                Failure::TimesOut(self.patience)
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.how_it_ended()?.unwrap_or_else(|| Failure::Fails("ends before it is done".to_owned()))
            }
        };
        Err(anyhow::Error::new(failure).context(format!("{} has no answer", self.name)))
    }

    /// All that it says, to its end.
    ///
    /// # Errors
    /// It does not end in time, or not well: a [`Failure`].
    pub(super) fn rest(&mut self) -> Result<String> {
        self.stdin = None;
        let begun = Instant::now();
        let mut said = String::new();
        loop {
            match self.answers.recv_timeout(self.patience.saturating_sub(begun.elapsed())) {
                Ok(line) => said += &line,
                Err(RecvTimeoutError::Timeout) => {
                    self.kill();
                    return Err(Failure::TimesOut(self.patience).into());
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        match self.how_it_ended()? {
            None => Ok(said),
            Some(failure) => Err(anyhow::Error::new(failure).context(format!("{} fails", self.name))),
        }
    }

    /// Of one that has closed its output: what went wrong, if anything did.
    fn how_it_ended(&mut self) -> Result<Option<Failure>> {
        let begun = Instant::now();
        // It is not waited for before its group has ended: until then its number is nobody else's.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(self.pid()), look)?.is_none() {
            if begun.elapsed() > GRACE {
                self.kill();
                return Ok(Some(Failure::TimesOut(GRACE)));
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.kill();
        let status = self.child.wait()?;
        self.ended = true;
        if status.success() {
            return Ok(None);
        }
        // All of them, unless one that left its group goes on and on.
        let complaints = iter::from_fn(|| self.complaints.recv_timeout(GRACE).ok()).take(1000);
        let last = complaints.filter(|line| !line.trim().is_empty()).last().unwrap_or_default();
        Ok(Some(Failure::of_status(status, last.trim().to_owned())))
    }

    fn kill(&self) {
        if !self.ended {
            // It may have gone, and all of its group with it.
            let _ = kill_process_group(self.pid(), Signal::KILL);
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stdin = None;
        // It would end by itself, but perhaps not before its work is done.
        self.kill();
        // At once: it was killed.
        let _ = self.child.wait();
    }
}

/// What comes through a pipe, line by line, until it is closed or nobody listens any more.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Worker {
        Worker::start(Command::new("sh").args(["-c", script])).expect("a shell")
    }

    #[test]
    fn who_answers_is_heard_and_whoever_does_not_has_a_failure() {
        assert_eq!(shell("read line; echo 4.5").ask("go").expect("an answer"), 4.5);
        let failure = |worker: &mut Worker| Failure::of(&worker.ask("go").expect_err("no answer"));
        assert_eq!(failure(&mut shell("read line; echo 'no way' >&2; exit 3")), Failure::Fails("no way".to_owned()));
        assert_eq!(failure(&mut shell("read line; kill -SEGV $$")), Failure::Crashes(11));
        assert_eq!(failure(&mut shell("read line; kill -ALRM $$")), Failure::TimesOut(PATIENCE));
        assert!(matches!(failure(&mut shell("echo word")), Failure::Fails(_)));
    }

    #[test]
    fn who_hangs_is_ended_with_what_it_started() {
        let limit = Duration::from_millis(200);
        let mut worker = shell("sleep 1000 & echo $!; wait");
        let started = worker.line().expect("the number of a process");
        let mut worker = worker.patience(limit);
        assert_eq!(Failure::of(&worker.ask("go").expect_err("no answer")), Failure::TimesOut(limit));
        drop(worker);
        // Ended, though perhaps not yet waited for by whoever inherits it.
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", started.trim())).unwrap_or_default();
        let begun = Instant::now();
        while !(stat().is_empty() || stat().contains(") Z ")) {
            assert!(begun.elapsed() < Duration::from_secs(20), "it still runs: {}", stat());
            thread::yield_now();
        }
    }
}

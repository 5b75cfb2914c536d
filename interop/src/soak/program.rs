//! One of the programs, while it runs.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::judge::{Course, Sample};
use crate::process::{kill_group, reap};

/// How many samples a program takes on its way; as in `c/soak.c`.
pub const SAMPLES: usize = 50;

/// The programs have a watchdog, which says where they stand. This is for when that does not bark.
const SILENCE: Duration = Duration::from_secs(300);

/// What came of a program.
#[derive(Debug)]
pub struct Ended {
    /// What it said of itself.
    pub course: Course,
    /// Unless it ended by itself and well.
    pub complaint: Option<String>,
    /// Its standard error.
    pub said: String,
}

/// Killed, with all that it started, when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        kill_group(self.0.id());
        reap(&mut self.0);
    }
}

/// Runs it to its end, with its standard error in a file. Calls `step` for each of the [`SAMPLES`].
pub(super) fn run(mut command: Command, errors: &Path, mut step: impl FnMut()) -> Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(errors)?);
    let mut child = Running(command.spawn().context("starting the program")?);
    let lines = lines(child.0.stdout.take().context("a pipe was asked for")?);
    let mut course = Course::default();
    let mut complaint = None;
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => match line.split_once(' ').and_then(|(what, rest)| Some((what, Sample::parse(rest)?))) {
                Some(("begin", sample)) => course.begin = Some(sample),
                Some(("sample", sample)) => {
                    course.samples.push(sample);
                    step();
                }
                Some(("end", sample)) => course.end = Some(sample),
                _ => complaint = Some(format!("it prints {line:?}")),
            },
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                complaint = Some(format!("it said nothing for {SILENCE:?}, and was killed"));
                kill_group(child.0.id());
                break;
            }
        }
    }
    let status = child.0.wait()?;
    if !status.success() && complaint.is_none() {
        complaint = Some(format!("it ended with {status}"));
    }
    Ok(Ended { course, complaint, said: String::from_utf8_lossy(&fs::read(errors)?).into_owned() })
}

fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

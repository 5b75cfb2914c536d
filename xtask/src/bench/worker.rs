//! A program that measures when it is asked to, so that several can take turns.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run;

/// A program that answers each line with one.
pub(super) struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    name: String,
}

impl Worker {
    /// # Errors
    /// It cannot be run.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = run::show(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        Ok(Self { child, stdin, stdout: BufReader::new(stdout), name })
    }

    /// # Errors
    /// It ended, or does not answer a number.
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
    /// It ended.
    pub(super) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).with_context(|| format!("reading from {}", self.name))?;
        ensure!(read > 0, "{} has ended", self.name);
        Ok(line)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stdin = None;
        // It would end by itself, but perhaps not before its work is done.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Finding programs, running them with a deadline, keeping servers for as long as a value lives.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a killed program may take to be gone.
const DYING: Duration = Duration::from_secs(10);
/// Lines of each end of an output that go into a failure.
const EXCERPT: usize = 40;
/// Lines of a log that go into a failure.
const TAIL: usize = 15;

/// The path of a program, from PATH and the folders of system programs; or of any file, if `name` is its whole path.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.is_absolute() {
        return path.is_file().then(|| path.to_owned());
    }
    env::split_paths(&search_path()).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// PATH as the user has it, and after it the folders of servers.
fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin");
    // Debian has a folder for each version of PostgreSQL, and links none of the server's programs elsewhere.
    for version in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        path.push(":");
        path.push(version.path().join("bin"));
    }
    path
}

/// A command in its own process group, with nothing of the user's environment that could send a program another
/// way: no proxy variables, no preloads, no configuration in the home folder.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", search_path()).env("LC_ALL", "C").env("TERM", "dumb").process_group(0);
    // To look at a failing cell.
    if let Some(debug) = env::var_os("SOCKS_DEBUG") {
        command.env("SOCKS_DEBUG", debug);
    }
    command
}

/// What came of a program.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended; `None` if it was killed at the deadline.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// Whether it ended by itself and with code 0.
    pub fn success(&self) -> bool {
        self.status.is_some_and(|s| s.success())
    }

    /// Its exit code, unless it was killed.
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|s| s.code())
    }

    /// Everything about it, for the report of a failure.
    pub fn describe(&self) -> String {
        let end = self.status.map_or_else(|| "hung, killed at the deadline".to_owned(), |s| s.to_string());
        format!("{end}\nstdout:\n{}stderr:\n{}", excerpt(&self.stdout), excerpt(&self.stderr))
    }
}

/// What a program reads.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// This, and then the end.
    Text(&'static str),
    /// This, and no end: for programs that leave at the end of their input without waiting for an answer.
    Held(&'static str),
}

impl Default for Input {
    fn default() -> Self {
        Self::Text("")
    }
}

/// Runs `command` with this input, and kills its process group at the deadline.
pub fn run(mut command: Command, stdin: Input, deadline: Duration) -> io::Result<Outcome> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let group = child.id();
    let mut input = child.stdin.take().expect("stdin is piped");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // A program that ends without reading its input is judged by what it says, not by EPIPE.
        let _held = match stdin {
            Input::Text(text) => {
                let _ = input.write_all(text.as_bytes());
                drop(input);
                None
            }
            Input::Held(text) => {
                let _ = input.write_all(text.as_bytes());
                Some(input)
            }
        };
        let _ = sender.send(child.wait_with_output());
    });
    let output = match receiver.recv_timeout(deadline) {
        Ok(output) => return output.map(|o| outcome(o, true)),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            kill_group(group);
            receiver.recv_timeout(DYING)
        }
    };
    match output {
        Ok(output) => output.map(|o| outcome(o, false)),
        // Something outside of the group holds its output open; the end of the network will end it.
        Err(_) => Ok(Outcome { status: None, stdout: String::new(), stderr: "(output still open)\n".into() }),
    }
}

fn outcome(output: Output, in_time: bool) -> Outcome {
    Outcome {
        status: in_time.then_some(output.status),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a tool of the test's own preparations, which has to succeed.
pub fn run_tool(command: Command) -> Result<String> {
    let name = format!("{command:?}");
    let outcome = run(command, Input::default(), Duration::from_secs(60)).with_context(|| name.clone())?;
    if !outcome.success() {
        bail!("{name}: {}", outcome.describe());
    }
    Ok(outcome.stdout)
}

/// A server of the test: its output goes to a log, and it is killed and reaped on drop.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it. It is not ready yet: see [`wait_until`](Self::wait_until).
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Asks again and again until the answer is yes; an error with the log if that takes too long or it ends.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !ready()? {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready: {status}\n{}", self.name, self.log_tail());
            }
            if Instant::now() > deadline {
                bail!("{} was not ready in time\n{}", self.name, self.log_tail());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The whole log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The end of the log with its name above, for the report of a failure.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        format!("log of {}:\n{}", self.name, indent(&tail))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        kill_group(self.child.id());
        reap(&mut self.child);
    }
}

/// Waits for a process that is about to end; kills it if it does not.
pub fn reap(child: &mut Child) {
    let deadline = Instant::now() + DYING;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            kill_group(child.id());
            return;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Kills a process group. Its leader is not reaped yet when this is called, so the number is still its own.
pub fn kill_group(leader: u32) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The first lines and the last ones: an outcome may be long.
fn excerpt(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match lines.len() - lines.len().min(2 * EXCERPT) {
        0 => indent(text),
        left_out => {
            let (head, tail) = (&lines[..EXCERPT], &lines[lines.len() - EXCERPT..]);
            indent(&format!("{}\n({left_out} lines)\n{}", head.join("\n"), tail.join("\n")))
        }
    }
}

fn indent(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "    " + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = command("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_code_are_kept() {
        let outcome = run(sh("cat; echo no >&2; exit 3"), Input::Text("yes\n"), Duration::from_secs(30)).unwrap();
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("yes\n", "no\n"));
        assert_eq!(outcome.code(), Some(3));
    }

    #[test]
    fn a_hang_is_killed_with_its_children() {
        let begun = Instant::now();
        let outcome = run(sh("echo begun; sleep 100 & wait"), Input::default(), Duration::from_millis(300)).unwrap();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (None, "begun\n"));
        assert!(begun.elapsed() < Duration::from_secs(50));
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut daemon = Daemon::start("short", sh("echo sorry; exit 1"), &log).unwrap();
        let error = daemon.wait_until(|| Ok(false)).unwrap_err().to_string();
        assert!(error.contains("ended before it was ready") && error.contains("sorry"), "{error}");
    }
}

//! Every fault of a hostile proxy, at every byte, against C programs that socksify runs: blocking in many threads, and
//! with one epoll, level- and edge-triggered. All are tests/c/faults.c, and each runs all cases twice in one process,
//! which may hold no more after the second time than it held before.
//!
//! BIND is for those that block: bind(2) waits for the proxy's first reply, so that one thread could have one such case
//! at a time.

// What the C programs of the other test need, of which this one is a single one.
#[allow(dead_code, reason = "shared with c_programs, which uses all of it")]
#[path = "c_programs/compile.rs"]
mod compile;
#[path = "c_programs/errno.rs"]
mod errno;
#[path = "c_programs/report.rs"]
mod report;
#[allow(dead_code, reason = "shared with c_programs, which uses all of it")]
#[path = "c_programs/tool.rs"]
mod tool;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use socks_conformance::faults::census::Census;
use socks_conformance::faults::conversation::{Conversation, login};
use socks_conformance::faults::lanes::{Kind, Lanes, cases, conversations};
use socks_conformance::faults::report::Report;
use socks_conformance::faults::{Client, Digest, Failure, Heard, Request};
use socks_proto::{self as proto, TargetAddr};
use tempfile::TempDir;

use crate::compile::{Missing, Toolchain, Way};
use crate::report::{Report as Verdicts, Verdict};
use crate::tool::{Mode, Tool};

/// What the program is called with, and what the rows are called.
const WAYS: [(&str, &str); 3] =
    [("blocking", "wrapped_blocking"), ("level", "wrapped_epoll"), ("edge", "wrapped_epoll_edge")];

/// A program that does not answer for so long hangs.
const PATIENCE: Duration = Duration::from_secs(80);

/// A program that runs under socksify, and is given orders.
struct Program {
    child: Child,
    orders: Mutex<ChildStdin>,
    /// What it answers, by the lane that asked; the last is for what is about the whole.
    answers: Vec<Mutex<Receiver<String>>>,
    reader: JoinHandle<()>,
    blocks: bool,
    _folder: TempDir,
}

/// What it answered that is no success.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// `errno NAME`.
    Errno(String),
    /// Anything else, for the report.
    Other(String),
}

impl Program {
    fn start(tools: &Toolchain, way: &str, lanes: &Lanes) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("faults-").tempdir()?;
        let socksrc = folder.path().join("socksrc");
        fs::write(&socksrc, rules(lanes, folder.path())?)?;
        let program = tools.program("faults", Mode { way: Way::Wrapped, tool: Tool::None })?;
        let mut command = Command::new(tools.socksify());
        command.arg(program).arg(way).stdin(Stdio::piped()).stdout(Stdio::piped());
        let blocks = way == "blocking";
        if blocks {
            command.arg(lanes.addrs().len().to_string());
        }
        command.env_clear().env("SOCKSRC", socksrc);
        // What malloc knows to be in use is so: in one arena, and with nothing set aside for a thread.
        command.env("MALLOC_ARENA_MAX", "1").env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
        let mut child = command.spawn().context("cannot run socksify")?;
        let orders = Mutex::new(child.stdin.take().context("a pipe")?);
        let stdout = BufReader::new(child.stdout.take().context("a pipe")?);
        let (tell, answers): (Vec<_>, Vec<_>) = (0..=lanes.addrs().len()).map(|_| mpsc::channel()).unzip();
        let reader = thread::spawn(move || pass_on(stdout, &tell));
        let answers = answers.into_iter().map(Mutex::new).collect();
        Ok(Self { child, orders, answers, reader, blocks, _folder: folder })
    }

    fn ask(&self, lane: usize, order: &str) -> Result<String> {
        writeln!(self.orders.lock().unwrap_or_else(PoisonError::into_inner), "{order}")?;
        let answers = self.answers[lane].lock().unwrap_or_else(PoisonError::into_inner);
        answers.recv_timeout(PATIENCE).context("the program does not answer")
    }

    /// What it holds.
    fn census(&self) -> Result<Census> {
        let answer = self.ask(self.answers.len() - 1, "count")?;
        let mut words = answer.split(' ').map(str::parse);
        let (Some(Ok(descriptors)), Some(Ok(bytes))) = (words.next(), words.next()) else { bail!("{answer}") };
        Ok(Census { descriptors, bytes })
    }

    /// Waits for its end.
    fn finish(self) -> Result<()> {
        let Self { mut child, orders, reader, .. } = self;
        drop(orders);
        let status = child.wait()?;
        ensure!(reader.join().is_ok() && status.success(), "the program ended with {status}");
        Ok(())
    }
}

/// Gives each answer to whom it is for, until there are no more.
fn pass_on(stdout: BufReader<ChildStdout>, tell: &[Sender<String>]) {
    for line in stdout.lines().map_while(Result::ok) {
        let (id, answer) = line.split_once(' ').unwrap_or(("", &line));
        let lane = id.parse().ok().and_then(|lane: usize| tell.get(lane)).or_else(|| tell.last());
        if let Some(lane) = lane {
            // Nobody listens any more only where a test has failed.
            let _ = lane.send(answer.to_owned());
        }
    }
}

impl Client for Program {
    type Error = Told;

    // The shortest that a socksrc can say, and so many at once that few of them are a long time.
    const SHORT: Duration = Duration::from_secs(1);
    const LANES: usize = 160;

    // A pool of the library's grows by pages, with as many sockets as are ever there at once. Less than the smallest piece
    // of malloc's for a case.
    const SLACK: i64 = 64 << 10;

    fn takes(&self, conversation: &Conversation) -> bool {
        self.blocks || !conversation.binds
    }

    /// BIND is for anybody.
    fn command(&self, conversation: &Conversation, target: TargetAddr) -> proto::Command {
        conversation.command(if conversation.binds { TargetAddr::UNSPECIFIED } else { target })
    }

    fn run(&self, request: &Request) -> Result<Heard, Told> {
        let Request { lane, target, .. } = request;
        let answer = match request.command {
            // The address is none of this machine, so that it can only be the proxy's.
            proto::Command::Bind(_) => self.ask(*lane, &format!("{lane} bind {target} {}", request.timeout.as_secs())),
            _ => self.ask(*lane, &format!("{lane} connect {target}")),
        };
        let answer = answer.map_err(|error| Told::Other(format!("{error:#}")))?;
        match answer.split(' ').collect::<Vec<_>>()[..] {
            ["errno", name] => Err(Told::Errno(name.to_owned())),
            ["heard", len, hash, end] => {
                let other = || Told::Other(answer.clone());
                let len = len.parse().map_err(|_| other())?;
                let hash = hash.parse().map_err(|_| other())?;
                let broken = match end {
                    "0" => None,
                    // What a write says of a connection that a read would call reset.
                    "ECONNRESET" | "EPIPE" => Some(ErrorKind::ConnectionReset),
                    _ => return Err(other()),
                };
                Ok(Heard { bytes: Digest { len, hash }, broken })
            }
            _ => Err(Told::Other(answer)),
        }
    }

    fn is(error: &Told, failure: &Failure) -> bool {
        let name = match failure {
            Failure::Handshake(error) => errno::errno(error),
            Failure::TimedOut => "ETIMEDOUT",
            Failure::Reset => "ECONNRESET",
        };
        *error == Told::Errno(name.to_owned())
    }
}

/// A line for each lane and each kind of request.
fn rules(lanes: &Lanes, folder: &Path) -> Result<String> {
    let path = folder.join("login");
    fs::write(&path, [login().username(), b"\n", login().password(), b"\n"].concat())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let mut rules = "timeout 60\nretry 0\n".to_owned();
    for (lane, addr) in lanes.addrs().iter().enumerate() {
        for kind in Kind::all() {
            let pipeline = if kind.one_round_trip { "/pipeline" } else { "" };
            let timeout = if kind.is_short { "/timeout=1" } else { "" };
            let login = if kind.login { format!(" @{}", path.display()) } else { String::new() };
            writeln!(rules, "proxy {}/32 {addr}{pipeline}{timeout}{login}", kind.target(lane).ip())?;
        }
    }
    Ok(rules)
}

/// Runs all cases twice: whatever is kept for later is there after the first time.
fn run_twice(program: &Program, lanes: &Lanes) -> Result<Report> {
    let conversations = conversations(program);
    let cases = cases(&conversations);
    // By its answer it has begun, which is not to count for its first requests.
    program.census()?;
    let first = lanes.run(program, &cases);
    let before = program.census()?;
    let mut report = lanes.run(program, &cases);
    report.left = program.census()?.since(before);
    report.failures.extend(first.failures.into_iter().map(|what| format!("the first time: {what}")));
    Ok(report)
}

fn run(tools: &Toolchain, way: &str) -> Result<Report> {
    let lanes = Lanes::open(Program::LANES)?;
    let mut program = Program::start(tools, way, &lanes)?;
    let report = run_twice(&program, &lanes);
    if report.is_err() {
        // It may be one that does not end by itself.
        program.child.kill()?;
    }
    let end = program.finish();
    report.and_then(|report| end.map(|()| report))
}

fn main() -> ExitCode {
    // The whole is one test; what cargo says to its usual harness says nothing to this one, but for a filter.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if env::args().any(|word| word == "--list") || words.iter().any(|word| !"faults".contains(word.as_str())) {
        return ExitCode::SUCCESS;
    }
    let tools = Toolchain::find();
    let mut verdicts = Verdicts::new();
    for (way, name) in WAYS {
        let (report, verdict) = match &tools {
            Ok(tools) => {
                let report = run(tools, way).unwrap_or_else(|error| Report::of_failure(format!("{error:#}")));
                let verdict = report.verdict(Program::SLACK).map_or_else(Verdict::Failed, |()| Verdict::Passed);
                (report, verdict)
            }
            Err(Missing::Library(error)) => {
                let why = format!("the libraries: {error:#}");
                (Report::of_failure(why.clone()), Verdict::Failed(why))
            }
            Err(Missing::Compiler(why)) => (Report::default(), Verdict::Skipped(why.clone())),
        };
        report.publish("socks-ffi", name);
        verdicts.add(name.replace('_', " "), verdict);
    }
    verdicts.finish()
}

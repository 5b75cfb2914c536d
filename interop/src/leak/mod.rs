//! The leak network: nothing keeps a program from going direct, and whatever does is seen.
//!
//! The client has a default route to the proxy's node, which drops what it gets for others, and a name server that can be
//! sent to and never answers. The [`recorder`] sees every packet that leaves the client but for those of connections to a
//! proxy. A case is something that is tried there with `dns remote` and `strict`; it passes if it ends as it has to and
//! not one packet was seen.
//!
//! - [`controls`] shows that what is not wrapped is seen;
//! - [`proxies`] has proxies and configurations that are no good, and programs that meet them, [`programs`] the programs
//!   that try everything;
//! - [`limits`] has what is known to go out, of which it is told what was seen.

pub mod controls;
pub mod limits;
pub mod programs;
pub mod proxies;
pub mod recorder;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cell::{Cell, Verdict};
use crate::helper::BODY;
use crate::netns::{TARGET, TARGET_NAME};
use crate::process::{self, Outcome};
use crate::program::{Call, Host, Invocation, Program, c};
use crate::report::Mark;
use crate::setup::Setup;
use crate::target::HTTP_PORT;

/// A program that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a case has in its socksrc besides its proxies.
const STRICT: &str = "strict\ndns remote\nnoproxy 127.0.0.0/8\nnoproxy ::1\n";

/// How a case is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// Not at all.
    None,
    /// By `socksify`.
    Socksify,
    /// By `socksify --force`.
    Forced,
    /// By LD_PRELOAD alone: `socksify` looks at the configuration, and would not start.
    Preload,
}

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// A program, to fetch what it does.
    Program(&'static Program, Host),
    /// One of the trials of `c/SOURCE.c`.
    Trial(&'static str, &'static str),
    /// The same, linked statically.
    StaticTrial(&'static str, &'static str),
    /// A script for bash: `$1` is the target's name, `$2` its address, `$3` the port of its web server, `$4` the case's own
    /// folder.
    Script(&'static str),
}

/// How it has to end.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// It got what it wanted.
    Reached,
    /// It did not, and did not hang.
    NotReached,
    /// The same, and its exit code says so.
    Fails,
    /// With exit code 0, all of this being in its output.
    Says(&'static [&'static str]),
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its row.
    pub name: String,
    /// Its column.
    pub column: String,
    /// How it is wrapped.
    pub wrapping: Wrapping,
    /// Its socksrc; `None`: there is no such file.
    pub socksrc: Option<String>,
    /// What is tried.
    pub what: What,
    /// How it has to end.
    pub end: End,
}

/// A place of the table: how many packets were seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Whether it went as it should.
    pub mark: Mark,
    /// The packets that were seen.
    pub packets: usize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.mark, self.packets) {
            (Mark::Passed, packets) => packets.to_string(),
            (Mark::Skipped, _) => "skip".to_owned(),
            (Mark::Failed, 0) => "FAIL".to_owned(),
            (Mark::Failed, packets) => format!("{packets} FAIL"),
        };
        f.pad(&text)
    }
}

/// The socksrc of a case whose connections go to these servers, which may take so many seconds.
pub fn socksrc(servers: &str, timeout: u32) -> Option<String> {
    Some(format!("{STRICT}timeout {timeout}\nproxy 0.0.0.0/0 {servers}\n"))
}

impl Case {
    /// What a filter is compared with.
    pub fn full_name(&self) -> String {
        format!("{} | {}", self.name, self.column)
    }

    /// What is not installed of what it needs.
    fn missing(&self) -> Option<&'static str> {
        let needs: &[&'static str] = match self.what {
            What::Program(program, _) => program.needs,
            What::Trial(..) | What::StaticTrial(..) => &["cc"],
            What::Script(_) => &["bash", "unshare", "getent", "curl", "python3"],
        };
        needs.iter().copied().find(|name| process::find(name).is_none())
    }

    /// Tries it. `number` is its own among all cases. Whether there were packets is not asked here.
    pub fn try_it(&self, setup: &Setup, number: usize) -> Verdict {
        if let Some(name) = self.missing() {
            return Verdict::Skipped(format!("{name} is not installed"));
        }
        match self.run(setup, number) {
            Err(error) => Verdict::Failed(format!("{error:#}")),
            Ok(outcome) => match self.judge(&outcome) {
                Ok(()) => Verdict::Passed,
                Err(why) => Verdict::Failed(format!("{why}\n{}", outcome.describe())),
            },
        }
    }

    /// Runs it, whatever comes of it.
    pub fn run(&self, setup: &Setup, number: usize) -> Result<Outcome> {
        let Invocation { program, arguments, stdin, environment, .. } = self.invocation(setup, number)?;
        let socksrc = setup.site.folder().join(format!("leak-socksrc-{number}"));
        if let Some(text) = &self.socksrc {
            fs::write(&socksrc, text)?;
        }
        let mut words: Vec<OsString> = vec![program.into()];
        words.extend(arguments.into_iter().map(OsString::from));
        let mut command = self.wrapped(setup, words)?;
        command.env("SOCKSRC", socksrc).envs(environment);
        Ok(process::run(command, stdin, DEADLINE)?)
    }

    fn wrapped(&self, setup: &Setup, words: Vec<OsString>) -> Result<Command> {
        let socksify = setup.socksify().context("there is no socksify")?;
        let mut all: Vec<OsString> = match self.wrapping {
            Wrapping::None => Vec::new(),
            Wrapping::Socksify => vec![socksify.into()],
            Wrapping::Forced => vec![socksify.into(), "--force".into()],
            Wrapping::Preload => {
                let mut preload = OsString::from("LD_PRELOAD=");
                preload.push(socksify.with_file_name("libsockswrap.so.0"));
                vec!["env".into(), preload]
            }
        };
        all.extend(words);
        let mut command = setup.client(&PathBuf::from(&all[0]), None, false)?;
        // For a script that starts it once more.
        command.args(&all[1..]).env("SOCKSIFY", socksify);
        Ok(command)
    }

    fn invocation(&self, setup: &Setup, number: usize) -> Result<Invocation> {
        let site = &setup.site;
        let port = HTTP_PORT.to_string();
        let ip = TARGET[0].to_string();
        let trial = |program: PathBuf, trial: &str| Invocation::new(program, &[trial, TARGET_NAME, &ip, &port]);
        match self.what {
            What::Program(program, host) => {
                let call = Call {
                    site,
                    target: &setup.target,
                    host,
                    mapped: false,
                    open: true,
                    proxy: None,
                    number: FIRST_NUMBER + number,
                };
                (program.invocation)(&call)
            }
            What::Trial(source, name) => Ok(trial(c::compile(site, source, &[source, "leak"], GNU)?, name)),
            What::StaticTrial(source, name) => {
                let options = [GNU, &["-static", "-DSTATIC"]].concat();
                Ok(trial(c::compile(site, &format!("{source}-static"), &[source, "leak"], &options)?, name))
            }
            What::Script(text) => {
                let own = site.new_folder(&format!("leak-{number}"))?.display().to_string();
                Ok(Invocation::new("bash", &["-euc", text, "bash", TARGET_NAME, &ip, &port, &own]))
            }
        }
    }

    fn judge(&self, outcome: &Outcome) -> Result<(), String> {
        if outcome.status.is_none() {
            return Err("it hangs".into());
        }
        let came = outcome.stdout.contains(BODY);
        match self.end {
            End::Reached if outcome.success() && came => Ok(()),
            End::Reached => Err("it did not get what it wanted".into()),
            End::NotReached | End::Fails if came => Err("it got through, and must not".into()),
            End::Fails if outcome.success() => Err("it says success".into()),
            End::NotReached | End::Fails => Ok(()),
            End::Says(words) => match words.iter().find(|word| !outcome.stdout.contains(**word)) {
                _ if !outcome.success() => Err("it failed".into()),
                Some(word) => Err(format!("it does not say `{word}`")),
                None => Ok(()),
            },
        }
    }
}

/// What the C programs here are: full of what POSIX does not know.
const GNU: &[&str] = &["-std=gnu11", "-D_GNU_SOURCE", "-Wno-unused-result"];
/// Apart from the numbers of cells, by which files are named as well.
const FIRST_NUMBER: usize = 10_000;

/// Adds to a verdict what the recorder saw, of which there has to be nothing.
pub fn with_packets(verdict: Verdict, packets: &[String]) -> Verdict {
    if packets.is_empty() {
        return verdict;
    }
    let mut why = format!("{} packets were seen:\n{}", packets.len(), packets.join("\n"));
    if let Verdict::Failed(more) = verdict {
        why = format!("{why}\n{more}");
    }
    Verdict::Failed(why)
}

/// Every program that takes a name, as cells of the matrix.
pub fn cells() -> impl Iterator<Item = Cell> {
    let section = &crate::sections::BY_NAME;
    section.rows.iter().map(move |row| Cell { section, way: &section.ways[0], row })
}

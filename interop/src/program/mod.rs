//! The programs. A new one: a file with a `Program`, its name here and in the rows of the plan.

pub mod ab;
pub mod c;
pub mod chromium;
pub mod curl;
pub mod databases;
pub mod ftp;
pub mod git;
pub mod java;
pub mod native;
pub mod nc;
pub mod nginx;
pub mod node;
pub mod openssl;
pub mod python;
pub mod rsync;
pub mod scripts;
pub mod shell;
pub mod socksconnect;
pub mod ssh;
pub mod telnet;
pub mod wget;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::helper::BODY;
use crate::process::{Input, Outcome};
use crate::service::Service;
use crate::setup::Site;
use crate::target::{self, Target};

/// A program and how it is judged.
pub struct Program {
    /// Its name in the matrix.
    pub name: &'static str,
    /// The programs that must be installed.
    pub needs: &'static [&'static str],
    /// What it wants of the target beyond the services that always run.
    pub services: &'static [&'static Service],
    /// What to run.
    pub invocation: fn(&Call<'_>) -> Result<Invocation>,
    /// Whether it got what it wanted, with `seen` being the address that the target saw; else what is wrong.
    pub reached: fn(&Outcome, seen: IpAddr) -> Result<(), String>,
    /// Whether it reports this errno; else what is wrong. That it did not get through is asked before.
    pub reports: fn(&Outcome, errno: &str) -> Result<(), String>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a program is asked to do.
#[derive(Debug)]
pub struct Call<'a> {
    /// Where it will run.
    pub site: &'a Site,
    /// What it is to reach.
    pub target: &'a Target,
    /// By which address or name.
    pub host: Host,
    /// By an IPv6 socket although the address is of IPv4.
    pub mapped: bool,
    /// At the port of a service, or at one where there is none.
    pub open: bool,
    /// The proxy, for the programs that know SOCKS themselves.
    pub proxy: Option<Proxy>,
    /// A number of this call alone, for names of files.
    pub number: usize,
}

/// A host as a program is told of it.
#[derive(Clone, Copy, Debug)]
pub enum Host {
    /// By its address.
    Ip(IpAddr),
    /// By a name.
    Name(&'static str),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// A port of a host; it is written as in a URL.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Whose.
    pub host: Host,
    /// Which.
    pub port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Ip(ip) => SocketAddr::new(ip, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// The proxy as a program of its own SOCKS has to be told.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// User and password.
    pub login: Option<(&'static str, &'static str)>,
}

impl Call<'_> {
    /// Where the service of this port is.
    pub fn at(&self, port: u16) -> Place {
        Place { host: self.host, port: if self.open { port } else { target::CLOSED_PORT } }
    }

    /// The web server's page that says whom it sees.
    pub fn url(&self) -> String {
        format!("http://{}/who", self.at(target::HTTP_PORT))
    }
}

/// A command line, its input and additions to its environment.
#[derive(Debug, Default)]
pub struct Invocation {
    /// The program, to be found in PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its standard input.
    pub stdin: Input,
    /// A file that it writes; what is in it is judged as if it came by the standard output.
    pub writes: Option<PathBuf>,
    /// As a user without any rights, even if the test runs as root.
    pub unprivileged: bool,
    /// What it needs in its environment beyond PATH and HOME.
    pub environment: Vec<(&'static str, String)>,
}

impl Invocation {
    /// With these arguments, no input, no additions.
    pub fn new(program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// One of the scripts in this crate's folders, for this interpreter.
    pub fn script(interpreter: &str, script: &str, arguments: &[&str]) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let path = path.to_str().context("the path is not text")?;
        let mut all = vec![path];
        all.extend(arguments);
        Ok(Self::new(interpreter, &all))
    }
}

/// Success as most programs show it: exit code 0, and the target's word with the expected peer in the output.
fn seen_in_output(outcome: &Outcome, seen: IpAddr) -> Result<(), String> {
    seen_times(outcome, seen, 1)
}

/// As [`seen_in_output`], with that word at least so many times.
fn seen_times(outcome: &Outcome, seen: IpAddr, times: usize) -> Result<(), String> {
    if !outcome.success() {
        return Err("it failed".into());
    }
    let expected = format!("{BODY} peer={seen}.");
    match outcome.stdout.matches(&expected).count() {
        count if count >= times => Ok(()),
        count => Err(format!("its output has `{expected}` {count} times, not {times}")),
    }
}

/// Success of a program whose peer nothing in its output shows: the file `hello` of the target, whole.
fn hello_in_output(outcome: &Outcome, _: IpAddr) -> Result<(), String> {
    if !outcome.success() {
        return Err("it failed".into());
    }
    let expected = format!("{BODY}\n");
    if outcome.stdout == expected { Ok(()) } else { Err(format!("it wrote something else than `{BODY}`")) }
}

/// Failure with the errno's own name in the standard error.
fn error_name(outcome: &Outcome, errno: &str) -> Result<(), String> {
    match (outcome.success(), outcome.stderr.contains(errno)) {
        (true, _) => Err("it says success".into()),
        (false, true) => Ok(()),
        (false, false) => Err(format!("its error is not {errno}")),
    }
}

/// Failure as most programs show it: an exit code that is not 0, and strerror(3) in the standard error.
fn error_text(outcome: &Outcome, errno: &str) -> Result<(), String> {
    if outcome.success() { Err("it says success".into()) } else { says_error(&outcome.stderr, errno) }
}

/// strerror(3) somewhere in what it says.
fn says_error(said: &str, errno: &str) -> Result<(), String> {
    let text = match errno {
        "EACCES" => "Permission denied",
        "ECONNRESET" => "Connection reset by peer",
        "ECONNREFUSED" => "Connection refused",
        "ENETUNREACH" => "Network is unreachable",
        "ETIMEDOUT" => "timed out",
        _ => return Err(format!("{errno} is missing in says_error")),
    };
    if said.contains(text) { Ok(()) } else { Err(format!("its error is not {errno}")) }
}

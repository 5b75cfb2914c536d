//! The soak: very many connections by one wrapped process, through a proxy, to a target that sends back what it is sent.
//!
//! Nothing may fail, and the process may not grow. The programs are `c/soak_threads.c` and `c/soak_epoll.c`; what they do on
//! a connection follows from its number: blocking or not, by address or name, with a login or without, through a second
//! server where the first one is down, messages of one segment and of many, four ways to end, duplicates of the
//! descriptor; some are refused by the target, some given up on their way.
//!
//! - [`program`] runs one of them and reads what it says of itself;
//! - [`judge`] says what is wrong with that.
//!
//! As in the matrix no route leads from the client to the target: what arrives came through the proxy, and the target
//! counts it. Each run has a network of its own, so that none is short of ports because of the one before.

pub mod judge;
pub mod program;

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use self::judge::Course;
use crate::accounts::{PASSWORD, USER};
use crate::cell::Verdict;
use crate::netns::{Beyond, Node, PROXY_NEAR, TARGET, TARGET_NAME};
use crate::process::{Daemon, find};
use crate::program::c;
use crate::server::{Running, Server, danted, embedded};
use crate::setup::{Setup, Site, find_socksify};
use crate::target::visitors;

/// The ports of the target; each goes its own way, see [`socksrc`].
const PORT: u16 = 7100;
const PORTS: u16 = 16;
/// Nobody listens here.
const CLOSED_PORT: u16 = 7199;
/// Nobody listens here either, in the proxy's node.
const DOWN_PORT: u16 = 1199;

/// How long a line of a proxy's log may be behind.
const LOG_PATIENCE: Duration = Duration::from_secs(10);

/// One program through one kind of proxy.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Its name in the table.
    pub name: &'static str,
    /// Without a login and with one.
    servers: [&'static Server; 2],
    /// Its source in `c`.
    source: &'static str,
    /// Whether the proxy logs a line for each request.
    counts: bool,
}

/// All of them.
pub const RUNS: [Run; 4] = [
    run("embedded proxy, 32 threads", [&embedded::NONE, &embedded::LOGIN], "soak_threads", true),
    run("embedded proxy, epoll", [&embedded::NONE, &embedded::LOGIN], "soak_epoll", true),
    run("danted, 32 threads", [&danted::NONE, &danted::LOGIN], "soak_threads", false),
    run("danted, epoll", [&danted::NONE, &danted::LOGIN], "soak_epoll", false),
];

const fn run(name: &'static str, servers: [&'static Server; 2], source: &'static str, counts: bool) -> Run {
    Run { name, servers, source, counts }
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What the program said of itself; `None` if it did not begin.
    pub course: Option<Course>,
    /// How long it took.
    pub took: Duration,
    /// Whether it is good.
    pub verdict: Verdict,
}

impl Run {
    /// The first program that it needs and is not installed.
    pub fn missing(&self) -> Option<&'static str> {
        self.servers.iter().flat_map(|server| server.needs).chain(&["cc"]).copied().find(|name| find(name).is_none())
    }

    /// Tries it. `step` is called [`program::SAMPLES`] times, if all goes well.
    pub fn try_it(&self, helper: &Path, connections: u64, step: impl FnMut()) -> Outcome {
        let nothing = |verdict| Outcome { course: None, took: Duration::ZERO, verdict };
        if let Some(name) = self.missing() {
            return nothing(Verdict::Skipped(format!("{name} is not installed")));
        }
        match Site::new(helper, Beyond::Unreachable) {
            Err(why) => nothing(Verdict::Skipped(why.0)),
            Ok(site) => {
                self.run(site, connections, step).unwrap_or_else(|error| nothing(Verdict::Failed(format!("{error:#}"))))
            }
        }
    }

    fn run(&self, site: Site, connections: u64, step: impl FnMut()) -> Result<Outcome> {
        let setup = Setup::new(site, Some(find_socksify()?))?;
        let site = &setup.site;
        let echo = start_echo(site)?;
        let servers = self.servers.iter().map(|server| server.start(site)).collect::<Result<Vec<_>>>()?;
        let program = c::compile(site, self.source, &[self.source, "soak", "soak_watch"], &OPTIONS)?;
        let mut command = setup.client(&program, Some(&self.socksrc(site)?), false)?;
        command.arg(connections.to_string());
        command.args([PORT, PORTS, CLOSED_PORT].map(|number| number.to_string()));
        command.arg(TARGET_NAME).args(TARGET.map(|ip| ip.to_string()));

        let begun = Instant::now();
        let ended = program::run(command, &site.folder().join("said"), step)?;
        let took = begun.elapsed();
        let mut findings = ended.course.findings(connections);
        findings.extend(ended.complaint);
        findings.extend(self.count(&ended.course, &echo, &servers));
        let verdict = if findings.is_empty() {
            Verdict::Passed
        } else {
            // The servers know more only of what was not said by the program.
            findings.push(format!("{}it says:\n{}", tails(&servers), ended.said));
            Verdict::Failed(findings.join("\n"))
        };
        Ok(Outcome { course: Some(ended.course), took, verdict })
    }

    /// Whether the proxy and the target saw what the program says it did.
    fn count(&self, course: &Course, echo: &Daemon, servers: &[Running]) -> Vec<String> {
        let mut findings = Vec::new();
        let Some(end) = course.end.as_ref() else { return findings };
        let (seen, strangers) = visitors(&echo.log());
        let (echoed, through) = (end.echoed, end.echoed + end.refused);
        // What was given up may have got there all the same, and what failed as well.
        let most = echoed + end.abandoned + end.failed;
        if !(echoed..=most).contains(&(seen as u64)) {
            findings.push(format!("the target saw {seen} connections from the proxy, not {echoed} to {most}"));
        }
        if let Some(first) = strangers.first() {
            findings.push(format!("the target saw {} connections from elsewhere: {first}", strangers.len()));
        }
        if self.counts {
            let deadline = Instant::now() + LOG_PATIENCE;
            let mut logged = requests(servers);
            while logged < through && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
                logged = requests(servers);
            }
            if logged < through {
                findings.push(format!("the proxy logged {logged} requests, not {through} at least"));
            }
        }
        findings
    }

    /// A way for each port of the target. Without `retry 0` a server that is down would be tried first only once a minute.
    fn socksrc(&self, site: &Site) -> Result<PathBuf> {
        let [plain, login] = self.servers;
        let [v4, v6] = PROXY_NEAR;
        let account = format!("{USER} {PASSWORD}");
        let mut text = String::from("strict\ndns remote\ntimeout 30\nretry 0\nnoproxy 127.0.0.0/8\nnoproxy ::1\n");
        writeln!(text, "proxy 0.0.0.0/0 {}", plain.at(v4))?;
        for port in PORT..PORT + PORTS {
            match port % 8 {
                0 | 1 => writeln!(text, "proxy 0.0.0.0/0:{port} {}", plain.at(v6))?,
                2 => {
                    let down = SocketAddr::new(v4, DOWN_PORT);
                    writeln!(text, "proxy 0.0.0.0/0:{port} {down},{}", plain.at(v6))?;
                }
                3 => writeln!(text, "proxy 0.0.0.0/0:{port} {} {account}", login.at(v4))?,
                4 => writeln!(text, "proxy 0.0.0.0/0:{port} {} {account}", login.at(v6))?,
                _ => {}
            }
        }
        let path = site.folder().join("socksrc");
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

const OPTIONS: [&str; 3] = ["-std=c11", "-D_GNU_SOURCE", "-pthread"];

fn start_echo(site: &Site) -> Result<Daemon> {
    let last = PORT + PORTS - 1;
    let command = site.helper(Node::Target, &["echo", &PORT.to_string(), &last.to_string()]);
    let mut echo = Daemon::start("echo", command, &site.folder().join("echo.log"))?;
    // It begins with the first.
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), last);
    echo.wait_until(|| site.listens(Node::Target, address))?;
    Ok(echo)
}

/// How many requests of the client are in the logs of the embedded proxies.
fn requests(servers: &[Running]) -> u64 {
    let of = |server: &Running| server.log().lines().filter(|line| line.contains(" command=connect ")).count() as u64;
    servers.iter().map(of).sum()
}

fn tails(servers: &[Running]) -> String {
    servers.iter().map(Running::log_tail).collect()
}

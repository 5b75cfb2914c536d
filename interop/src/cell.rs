//! One cell of the matrix: a program, a way, a verdict.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::accounts::{PASSWORD, USER};
use crate::helper::BODY;
use crate::netns::{PROXY_FAR, TARGET, TARGET_NAME, TARGET_NAME_V6};
use crate::plan::{By, Expect, Family, Row, Section, Told, Way};
use crate::process::{self, Outcome};
use crate::program::{Call, Host, Invocation, Program, Proxy};
use crate::sections::{FULL, SECTIONS};
use crate::setup::Setup;

/// A program that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// What came of a cell.
#[derive(Debug)]
pub enum Verdict {
    /// What had to come.
    Passed,
    /// Something else, with everything that may explain it.
    Failed(String),
    /// It could not be tried.
    Skipped(String),
}

/// One cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Its table.
    pub section: &'static Section,
    /// Its column.
    pub way: &'static Way,
    /// Its row.
    pub row: &'static Row,
}

impl Cell {
    /// All of them, in the order in which they run; also those that are too heavy for every run, if `full`.
    pub fn all(full: bool) -> impl Iterator<Item = Self> {
        let more = if full { FULL } else { &[] };
        SECTIONS.iter().chain(more).flat_map(|section| {
            section.ways.iter().flat_map(move |way| section.rows.iter().map(move |row| Self { section, way, row }))
        })
    }

    /// What a filter is compared with.
    pub fn name(&self) -> String {
        format!("{} | {} | {}", self.section.name, self.way.name, self.row.name())
    }

    /// What is not installed of what it needs.
    pub fn missing(&self) -> Option<&'static str> {
        let server = self.way.server().map_or(&[] as &[&str], |s| s.needs);
        let services = self.row.program.services.iter().flat_map(|s| s.needs);
        let all = server.iter().chain(self.row.program.needs).chain(services);
        all.copied().find(|name| process::find(name).is_none())
    }

    /// Tries it. `number` is its own among all cells.
    pub fn try_it(&self, setup: &Setup, number: usize) -> Verdict {
        if let Some(name) = self.missing() {
            return Verdict::Skipped(format!("{name} is not installed"));
        }
        if let Some(server) = self.way.server()
            && let Err(why) = setup.start(server)
        {
            return Verdict::Failed(why);
        }
        for service in self.row.program.services {
            if let Err(why) = setup.start_service(service) {
                return Verdict::Failed(why);
            }
        }
        match self.run(setup, number) {
            Err(error) => Verdict::Failed(format!("{error:#}")),
            Ok((outcome, shown)) => match self.judge(&outcome) {
                Ok(()) => Verdict::Passed,
                Err(why) => {
                    let mut log = self.way.server().map(|s| setup.log_tail(s)).unwrap_or_default();
                    log.extend(self.row.program.services.iter().map(|s| setup.service_log_tail(s)));
                    Verdict::Failed(format!("{why}\n{shown}\n{}{log}", outcome.describe()))
                }
            },
        }
    }

    fn run(&self, setup: &Setup, number: usize) -> Result<(Outcome, String)> {
        let call = Call {
            site: &setup.site,
            target: &setup.target,
            host: self.host(),
            mapped: self.row.by == Told::Mapped,
            open: !matches!(self.section.expect, Expect::TargetRefuses),
            proxy: self.way.proxy().map(|address| Proxy { address, login: self.login() }),
            number,
        };
        let Invocation { program, arguments, stdin, environment, writes, unprivileged } =
            (self.row.program.invocation)(&call)?;
        let socksrc = self.section.wrapped.then(|| self.write_socksrc(setup.site.folder(), number)).transpose()?;
        let mut command = setup.client(&program, socksrc.as_deref(), unprivileged)?;
        let prefix = if self.section.wrapped { "socksify " } else { "" };
        let shown = format!("command: {prefix}{} {}", program.display(), arguments.join(" "));
        command.args(arguments).envs(environment);
        let mut outcome = process::run(command, stdin, DEADLINE)?;
        if let Some(text) = writes.and_then(|path| fs::read_to_string(path).ok()) {
            outcome.stdout += &text;
        }
        Ok((outcome, shown))
    }

    fn host(&self) -> Host {
        match (self.row.by, self.row.family) {
            (Told::Name, Family::V4) => Host::Name(TARGET_NAME),
            (Told::Name, Family::V6) => Host::Name(TARGET_NAME_V6),
            (Told::Address | Told::Mapped, _) => Host::Ip(self.destination()),
        }
    }

    fn destination(&self) -> IpAddr {
        match (self.section.expect, self.row.family) {
            (Expect::ReachedLocally, Family::V4) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            (Expect::ReachedLocally, Family::V6) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            (_, family) => TARGET[family as usize],
        }
    }

    fn login(&self) -> Option<(&'static str, &'static str)> {
        match self.way.by {
            By::Server { server, right_password, .. } if server.login => {
                Some((USER, if right_password { PASSWORD } else { "wrong" }))
            }
            _ => None,
        }
    }

    fn write_socksrc(&self, folder: &Path, number: usize) -> Result<PathBuf> {
        let mut text = String::from("noproxy 127.0.0.0/8\nnoproxy ::1\n");
        if self.row.by == Told::Name {
            text += "strict\ndns remote\n";
        }
        if let Some(address) = self.way.proxy() {
            let login = self.login().map(|(user, password)| format!(" {user} {password}")).unwrap_or_default();
            text += &format!("proxy 0.0.0.0/0 {address}{login}\n");
        }
        let path = folder.join(format!("socksrc-{number}"));
        fs::write(&path, text)?;
        Ok(path)
    }

    fn judge(&self, outcome: &Outcome) -> Result<(), String> {
        if outcome.status.is_none() {
            return Err("it hangs".into());
        }
        let Program { reached, reports, .. } = self.row.program;
        let seen = match self.section.expect {
            Expect::ReachedLocally => self.destination(),
            _ => PROXY_FAR[self.row.family as usize],
        };
        let errno = match self.section.expect {
            Expect::Reached | Expect::ReachedLocally => return reached(outcome, seen),
            Expect::TargetRefuses => self.way.target_refuses(),
            Expect::Fails(errno) => errno,
            Expect::NotFound => "",
        };
        if outcome.stdout.contains(BODY) || reached(outcome, seen).is_ok() {
            return Err("it got through, and must not".into());
        }
        if matches!(self.section.expect, Expect::NotFound) {
            return Ok(());
        }
        reports(outcome, errno)
    }
}

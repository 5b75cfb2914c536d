//! The table: which program, among which servers, with which configuration, and what the proxy must have seen.

mod connecting;
mod living;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socks_conformance::script::Script;

use crate::compile::Way;
use crate::scripts;
use crate::tool::{Mode, Tool};

/// The proxy of a case.
pub(crate) enum Server {
    Plain,
    /// What it says gets through when the program opens the gate.
    Gated,
    /// What it says to each connection gets through a while later than what it says to the one before.
    Staggered,
    /// It answers when so many have come, and has no target.
    Swarm(usize),
    /// It asks for a login.
    Login,
    /// It does not say where it connects from.
    Unspecified,
    /// It listens on `::1`.
    V6,
    /// It listens on a Unix socket.
    Unix,
}

/// The configuration of a case.
#[derive(Clone, Copy)]
pub(crate) enum Rules {
    /// The file's text.
    Sound(&'static str),
    /// The file's text, with which `socksify` would not run the program at all.
    Bad(&'static str),
    /// A file that is not there.
    Missing,
    /// No file is named: the one of this machine counts, if there is one.
    Unnamed,
}

/// One program among its surroundings. Words in braces are those of `Scene`.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The source in `tests/c`.
    pub(crate) program: &'static str,
    pub(crate) args: &'static [&'static str],
    /// What it prints, in `tests/c`: the same in every way.
    pub(crate) transcript: &'static str,
    pub(crate) target: SocketAddr,
    pub(crate) server: Server,
    pub(crate) scripts: Option<fn() -> Vec<Script>>,
    pub(crate) rules: Rules,
    /// What the proxy was asked.
    pub(crate) requests: &'static [&'static str],
    /// Whether libc alone, and the library without a proxy, print the same.
    pub(crate) as_libc: bool,
}

impl Case {
    /// How it is run.
    pub(crate) fn modes(&self) -> impl Iterator<Item = Mode> + use<> {
        let (as_libc, program) = (self.as_libc, self.program);
        Mode::all().filter(move |mode| (mode.way.is_proxied() || as_libc) && mode.tool.takes(program))
    }

    /// Of these, the one whose words are what is right.
    pub(crate) fn standard(&self) -> Mode {
        Mode { way: if self.as_libc { Way::Libc } else { Way::Fortified }, tool: Tool::None }
    }
}

const V4: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const V6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

/// One connection to the target, through a proxy that does everything right.
const fn case(name: &'static str, program: &'static str) -> Case {
    Case {
        name,
        program,
        args: &["{target}"],
        transcript: program,
        target: V4,
        server: Server::Plain,
        scripts: None,
        rules: Rules::Sound("proxy 0.0.0.0/0 {proxy}\n"),
        requests: &["connect {target}: succeeded"],
        as_libc: true,
    }
}

/// One connection to the target, while the program holds back what the proxy says.
const fn gated(name: &'static str, program: &'static str) -> Case {
    Case { args: &["{target}", "{lever}"], server: Server::Gated, as_libc: false, ..case(name, program) }
}

/// One connection, begun before a fork.
const fn forked(name: &'static str, args: &'static [&'static str], transcript: &'static str) -> Case {
    Case { args, transcript, ..gated(name, "fork_both") }
}

/// A proxy that takes the connection and never answers.
const fn silent(name: &'static str, program: &'static str) -> Case {
    let rules = Rules::Sound("proxy 0.0.0.0/0 {silent}\n");
    Case { rules, requests: &[], as_libc: false, ..case(name, program) }
}

/// So many connects at once, without a target.
const fn swarm(name: &'static str, args: &'static [&'static str], count: usize) -> Case {
    Case { args, server: Server::Swarm(count), requests: &[], as_libc: false, ..case(name, "swarm") }
}

/// The target, and a local address to bind to.
const INCOMING: &[&str] = &["{target}", "127.0.0.1:0"];
const BOTH: &[&str] = &["connect {target}: succeeded", "bind 0.0.0.0:0: succeeded"];
const ONE_SCRIPT: Rules = Rules::Sound("proxy 0.0.0.0/0 {script0}\n");

/// A target, and a port where nobody listens.
const FIRST: &[&str] = &["{target}", "{nobody}"];
const FIRST_BOTH: &[&str] = &["connect {nobody}: connection refused", "connect {target}: succeeded"];

/// A target for each scripted proxy.
const fn scripted(name: &'static str, program: &'static str, scripts: fn() -> Vec<Script>) -> Case {
    Case {
        args: &["wait", "{targets}"],
        scripts: Some(scripts),
        rules: Rules::Sound("{scripts}"),
        requests: &[],
        as_libc: false,
        ..case(name, program)
    }
}

/// What connect says to the target and to another host, where the proxy is not asked.
const fn configured(name: &'static str) -> Case {
    Case {
        args: &["wait", "{target}", "192.0.2.1:80"],
        transcript: "configured",
        requests: &[],
        as_libc: false,
        ..case(name, "refusals")
    }
}

/// The whole table.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    connecting::CASES.iter().chain(living::CASES)
}

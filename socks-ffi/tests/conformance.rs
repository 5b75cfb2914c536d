//! The vectors of `vectors/` through the C library: CONNECT by `Rconnect`, blocking and with poll, and BIND by `Rbind`,
//! `Rlisten` and `Raccept`, in the program tests/c/conformance.c.
//!
//! libsocks says some things in one way only, and such a vector is run as it says it: BIND is for anybody, and a login is
//! offered with no login as second choice. UDP ASSOCIATE, RESOLVE, GSSAPI, and offers that no socksrc makes are out of
//! its scope, and counted so.

// What the C programs of the other test need, of which this one is a single one.
#[allow(dead_code, reason = "shared with c_programs, which uses all of it")]
#[path = "c_programs/compile.rs"]
mod compile;
#[path = "c_programs/errno.rs"]
mod errno;
#[allow(dead_code, reason = "shared with c_programs, which uses all of it")]
#[path = "c_programs/tool.rs"]
mod tool;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use socks_conformance::driver::{Dial, Driver, Negotiated, Report, run_all};
use socks_conformance::vector::{Exchange, Line, MethodSpec, Milestone, OfferSpec};
use socks_proto::{self as proto, DomainName, Error, Login, MethodId, Offer, TargetAddr, WireAddr, udp};
use tempfile::TempDir;

use crate::compile::{Missing, Toolchain};
use crate::errno::errno;
use crate::tool::{Mode, Tool};

/// How the program waits, and what the rows are called.
const WAYS: [(&str, &str); 2] = [("blocking", "blocking"), ("poll", "non-blocking_with_poll")];

/// What the program answered that is no success.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// `errno NAME`.
    Errno(String),
    /// Anything else, for the report.
    Other(String),
}

/// The program, and the vector it is at.
struct Library {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    how: &'static str,
    folder: TempDir,
    /// What follows the proxy's address in the socksrc of the vector.
    server: String,
    /// BND.ADDR and the peer of the vector.
    addresses: [Option<WireAddr>; 2],
}

impl Library {
    fn start(program: &Path, how: &'static str) -> Result<Self> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        for name in ["SOCKS_PROXY", "SOCKS_DEBUG", "SOCKS_LOG"] {
            command.env_remove(name);
        }
        let mut child = command.spawn().with_context(|| format!("cannot run {}", program.display()))?;
        let orders = child.stdin.take().context("a pipe")?;
        let answers = BufReader::new(child.stdout.take().context("a pipe")?);
        let folder = tempfile::Builder::new().prefix("conformance-").tempdir()?;
        Ok(Self { child, orders, answers, how, folder, server: String::new(), addresses: [None, None] })
    }

    /// Waits for its end.
    fn finish(self) -> Result<bool> {
        let Self { mut child, orders, .. } = self;
        drop(orders);
        Ok(child.wait()?.success())
    }

    fn ask(&mut self, proxy: SocketAddr, command: &proto::Command) -> Result<String> {
        let socksrc = self.folder.path().join("socksrc");
        fs::write(&socksrc, format!("dns remote\ntimeout 15\nretry 0\nproxy 0.0.0.0/0 {proxy}{}\n", self.server))?;
        let (how, socksrc) = (self.how, socksrc.display());
        match command {
            proto::Command::Connect(target) => {
                let host = match target {
                    TargetAddr::Ip(ip) => ip.ip().to_string().into_bytes(),
                    TargetAddr::Name(name, _) => name.as_bytes().to_vec(),
                };
                let host: String = host.iter().map(|octet| format!("{octet:02x}")).collect();
                writeln!(self.orders, "connect {how} {socksrc} {host} {}", target.port())?;
            }
            _ => writeln!(self.orders, "bind {how} {socksrc}")?,
        }
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }

    /// The rest of a socksrc's line for this offer. A login is in a file of its own, where it may have any octets but the
    /// ends of lines.
    fn server(&self, offer: &OfferSpec) -> Result<String> {
        let option = if offer.one_round_trip { "/pipeline" } else { "" };
        let Some(login) = offer.user_pass() else { return Ok(option.to_owned()) };
        let path = self.folder.path().join("login");
        fs::write(&path, [login.username(), b"\n", login.password(), b"\n"].concat())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(format!("{option} @{}", path.display()))
    }
}

impl Driver for Library {
    type Transport = Dial;
    type Error = Told;

    fn scope(&mut self, exchange: Exchange) -> Option<Exchange> {
        let exchange = as_libsocks_says_it(exchange)?;
        self.server = self.server(&exchange.offer).expect("a folder for the login");
        self.addresses = [exchange.bound(), exchange.peer()];
        Some(exchange)
    }

    fn negotiate(&mut self, over: Dial, command: proto::Command, _: Offer) -> Result<Negotiated, Told> {
        let answer = self.ask(over.0, &command).map_err(|error| Told::Other(format!("{error:#}")))?;
        let words: Vec<&str> = answer.split(' ').collect();
        match words[..] {
            ["ok", local, peer, bytes] => {
                let is_bind = matches!(command, proto::Command::Bind(_));
                let other = || Told::Other(answer.clone());
                let [bound, from] = &self.addresses;
                let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
                Ok(Negotiated {
                    bound: bound
                        .as_ref()
                        .and_then(|came| as_it_came(local, came, bound_without_address(came, is_bind))),
                    peer: from.as_ref().and_then(|came| as_it_came(peer, came, Some(nowhere))),
                    unread: octets(bytes).ok_or_else(other)?,
                    ..Negotiated::default()
                })
            }
            ["errno", name] => Err(Told::Errno(name.to_owned())),
            _ => Err(Told::Other(answer)),
        }
    }

    fn is(error: &Told, expected: &Error) -> bool {
        *error == Told::Errno(errno(expected).to_owned())
    }
}

/// The vector in the words of libsocks, or `None` where it never says anything of the kind.
fn as_libsocks_says_it(mut exchange: Exchange) -> Option<Exchange> {
    let Exchange { command, offer, script, .. } = &mut exchange;
    let method = script.iter().find_map(|line| match line {
        Line::Event(Milestone::Method(method)) => Some(*method),
        _ => None,
    });
    let mut greeting = None;
    match &offer.methods[..] {
        [MethodSpec::Login(Login::None)] => {}
        [MethodSpec::Login(Login::UserPass(_)), MethodSpec::Login(Login::None)] => {}
        [MethodSpec::Login(Login::UserPass(_))] if offer.one_round_trip => {}
        // The same conversation but for the greeting, as long as the proxy does want the login.
        [MethodSpec::Login(Login::UserPass(_))] if method == Some(MethodId::USER_PASS) => {
            offer.methods.push(MethodSpec::Login(Login::None));
            greeting = Some(([5, 1, 2], [5, 2, 2, 0]));
        }
        _ => return None,
    }
    let said = match command {
        // C's names end at a NUL.
        proto::Command::Connect(TargetAddr::Name(name, _)) if name.as_bytes().contains(&0) => return None,
        // Names that mean the same share an address, and so a spelling.
        proto::Command::Connect(TargetAddr::Name(name, port)) => {
            let same = name.as_bytes().strip_suffix(b".").unwrap_or(name.as_bytes()).to_ascii_lowercase();
            TargetAddr::Name(DomainName::new(same).ok()?, *port)
        }
        proto::Command::Connect(target) => *target,
        proto::Command::Bind(_) => TargetAddr::UNSPECIFIED,
        _ => return None,
    };
    let target = match command {
        proto::Command::Connect(target) | proto::Command::Bind(target) => std::mem::replace(target, said),
        _ => return None,
    };
    for line in script {
        let Line::Send(bytes) = line else { continue };
        match greeting {
            Some((from, to)) if *bytes == from => *bytes = to.to_vec(),
            _ => *bytes = with_target(bytes, &target, &said),
        }
    }
    Some(exchange)
}

/// What is said with another target, where the one is in it.
fn with_target(bytes: &[u8], target: &TargetAddr, said: &TargetAddr) -> Vec<u8> {
    match bytes.strip_suffix(&address(target)[..]) {
        Some(head) if head.starts_with(&[5]) => [head, &address(said)].concat(),
        _ => bytes.to_vec(),
    }
}

/// ATYP, DST.ADDR and DST.PORT: as in the header of a datagram, behind RSV and FRAG.
fn address(target: &TargetAddr) -> Vec<u8> {
    let mut header = Vec::new();
    udp::encode_header(target, &mut header);
    header.split_off(3)
}

/// What libsocks makes of BND.ADDR where it is no address of a host.
fn bound_without_address(came: &WireAddr, is_bind: bool) -> Option<SocketAddr> {
    // After BIND the proxy's own is meant; after CONNECT the socket's own is shown, of which nobody here knows more.
    is_bind.then(|| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), came.port()))
}

/// The address in a reply that the program's sockaddr stands for: as it came in the reply, where the program sees what
/// libsocks makes of that. An IPv4-mapped address becomes an IPv4 one; what has no address of a host is `other`, and not
/// compared where there is no other.
fn as_it_came(seen: &str, came: &WireAddr, other: Option<SocketAddr>) -> Option<WireAddr> {
    let made = match came {
        WireAddr::Ip(addr) if !addr.ip().is_unspecified() => SocketAddr::new(addr.ip().to_canonical(), addr.port()),
        _ => other?,
    };
    match seen.parse() {
        Ok(seen) if seen == made => Some(*came),
        Ok(seen) => Some(WireAddr::Ip(seen)),
        // What no reply has, so that it is a difference.
        Err(_) => Some(WireAddr::Nameless(0)),
    }
}

fn octets(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix('.')?;
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn run(tools: &Toolchain) -> Result<Vec<(&'static str, Report)>> {
    let program = tools.program("conformance", Mode { way: compile::Way::Explicit, tool: Tool::None })?;
    let run = |(how, name)| {
        let mut library = Library::start(&program, how)?;
        let mut report = run_all(&mut library);
        if !library.finish()? {
            report.failures.push("the program did not end well".to_owned());
        }
        Ok((name, report))
    };
    WAYS.into_iter().map(run).collect()
}

fn main() -> ExitCode {
    // The whole is one test; what cargo says to its usual harness says nothing to this one, but for a filter.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if env::args().any(|word| word == "--list") || words.iter().any(|word| !"conformance".contains(word.as_str())) {
        return ExitCode::SUCCESS;
    }
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    match Toolchain::find() {
        Ok(tools) => match run(&tools) {
            Ok(reports) => {
                for (name, report) in &reports {
                    report.publish("socks-ffi", name);
                    report.failures.iter().take(20).for_each(|what| println!("FAILED  {name}: {what}"));
                    let good = report.failures.is_empty() && report.cases > 0;
                    *if good { &mut passed } else { &mut failed } += 1;
                }
            }
            Err(error) => {
                println!("FAILED  {error:#}");
                failed += 1;
            }
        },
        Err(Missing::Library(error)) => {
            println!("FAILED  the libraries: {error:#}");
            failed += 1;
        }
        Err(Missing::Compiler(why)) => {
            println!("skipped {why}");
            for (_, name) in WAYS {
                Report::default().publish("socks-ffi", name);
                skipped += 1;
            }
        }
    }
    println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    let strict = env::var_os("CI").is_some_and(|value| value == "true");
    let good = failed == 0 && (skipped == 0 || !strict);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

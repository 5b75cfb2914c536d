//! One try of a route, step by step.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use socks_adapter::plan::{Place, Plan, Step, Turn};
use socks_adapter::{BUF_LEN, Deadline, Error, Negotiation, Next};
use socks_blocking::Socket;
use socks_config::Route;
use socks_proto::{Command, Phase, TargetAddr};

use crate::connect::said;
use crate::ways::Lookup;

/// Something that was done, how long it took, and what came of it.
pub(super) struct Done {
    /// The server as it is configured, or the target.
    pub(super) server: String,
    pub(super) what: &'static str,
    pub(super) time: Duration,
    pub(super) outcome: Result<String, String>,
}

/// Goes the way of a request up to the proxy's answer, with the servers in turn as every adapter has them, and tells each
/// step. The connection is closed again.
pub(super) fn probe(
    route: Route<'_>,
    target: &TargetAddr,
    timeout: Duration,
    tell: &mut dyn FnMut(Done),
) -> Result<(), Error> {
    let mut plan = Plan::new(route, Command::Connect(*target), Deadline::after(Instant::now(), timeout))?;
    loop {
        match plan.step(Instant::now()) {
            Step::Resolve { host, port, .. } => {
                let Lookup { time, addrs } = Lookup::new(host, port);
                let server = format!("{host}:{port}");
                let outcome = addrs.as_deref().map(listed).map_err(ToString::to_string);
                tell(Done { server, what: "resolve", time, outcome });
                plan.resolved(addrs);
            }
            Step::Connect(turn) => {
                let mut clock = Clock::new(server_of(&turn, target), tell);
                let opened = open(&turn);
                clock.done("connect", opened.as_ref().map(|_| place(turn.place)).map_err(ToString::to_string));
                match opened {
                    Ok(mut socket) => {
                        let Some(mut negotiation) = turn.negotiation() else { return Ok(()) };
                        let untils = [turn.until_reached, turn.until_done];
                        match negotiate(&mut socket, &mut negotiation, untils, &mut clock) {
                            Ok(()) => return Ok(()),
                            Err(error) => plan.failed(error)?,
                        }
                    }
                    Err(error) => plan.unreachable(error),
                }
            }
            Step::Failed(error) => return Err(error),
        }
    }
}

fn server_of(turn: &Turn<'_>, target: &TargetAddr) -> String {
    turn.server().map_or_else(|| target.to_string(), |server| server.endpoint.to_string())
}

fn place(place: Place<'_>) -> String {
    match place {
        Place::Tcp(addr) => addr.to_string(),
        Place::Unix(path) => path.display().to_string(),
    }
}

/// Addresses in one line.
pub(super) fn listed(addrs: &[std::net::SocketAddr]) -> String {
    let ips: Vec<_> = addrs.iter().map(|addr| addr.ip().to_string()).collect();
    ips.join(", ")
}

fn open(turn: &Turn<'_>) -> io::Result<Socket> {
    match turn.place {
        Place::Tcp(addr) => {
            let left = turn.until_reached.left(Instant::now())?;
            left.map_or_else(|| TcpStream::connect(addr), |left| TcpStream::connect_timeout(&addr, left))
                .map(Socket::Tcp)
        }
        Place::Unix(path) => UnixStream::connect(path).map(Socket::Unix),
    }
}

/// Takes the time of each step.
struct Clock<'t> {
    server: String,
    since: Instant,
    tell: &'t mut dyn FnMut(Done),
}

impl<'t> Clock<'t> {
    fn new(server: String, tell: &'t mut dyn FnMut(Done)) -> Self {
        Self { server, since: Instant::now(), tell }
    }

    fn done(&mut self, what: &'static str, outcome: Result<String, String>) {
        let now = Instant::now();
        (self.tell)(Done { server: self.server.clone(), what, time: now - self.since, outcome });
        self.since = now;
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Method => "method",
        Phase::Authentication => "login",
        _ => "reply",
    }
}

fn negotiate(
    socket: &mut Socket,
    negotiation: &mut Negotiation,
    untils: [Deadline; 2],
    clock: &mut Clock<'_>,
) -> Result<(), Error> {
    let mut phase = negotiation.phase();
    loop {
        let moved = advance(socket, negotiation, untils);
        if let Err(error) = &moved {
            clock.done(name(phase), Err(said(error)));
        }
        let is_over = moved?;
        let next = negotiation.phase();
        if next != phase {
            let outcome = match (phase, next) {
                (Phase::Method, Phase::Authentication) => "username and password",
                (Phase::Method, _) => "no login",
                _ => "accepted",
            };
            clock.done(name(phase), Ok(outcome.to_owned()));
            phase = next;
        }
        if is_over {
            clock.done(name(phase), Ok(format!("granted, from {}", negotiation.bound())));
            return Ok(());
        }
    }
}

/// One write or one read; whether it was the last.
fn advance(socket: &mut Socket, negotiation: &mut Negotiation, [reached, done]: [Deadline; 2]) -> Result<bool, Error> {
    let until = if negotiation.answered() { done } else { reached };
    let mut buf = [0; BUF_LEN];
    match negotiation.next()? {
        Next::Write(bytes) => {
            let left = done.left(Instant::now()).and_then(|left| socket.set_write_timeout(left));
            let written = left.and_then(|()| socket.write(bytes));
            negotiation.wrote(written)?;
        }
        Next::Read { at_most } => {
            let left = until.left(Instant::now()).and_then(|left| socket.set_read_timeout(left));
            let read = left.and_then(|()| socket.read(&mut buf[..at_most]));
            negotiation.read(read.map(|n| &buf[..n]))?;
        }
        Next::Bound | Next::Done => return Ok(true),
    }
    Ok(false)
}

//! The work behind a pending socket: proxies in turn, each at every address, then the handshake.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::vec::IntoIter;

use rustix::io::Errno;
use socks_config::{Endpoint, ProxyRule, Server, ServerHost};
use socks_proto::{Command, Handshake, TargetAddr};

use crate::sys::socket::{self, Domain};
use crate::sys::{self, resolve};

/// What is asked of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// CONNECT, to this target.
    Connect(TargetAddr),
    /// BIND, for a connection from this target.
    Bind(TargetAddr),
}

/// How far the current attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Negotiating,
}

pub(crate) struct Work {
    purpose: Purpose,
    attempts: Attempts,
    /// What stands under the descriptor now; another than the program's after a change of family.
    domain: Domain,
    /// Whether the socket is, or is becoming, connected to a proxy.
    engaged: bool,
    last_error: Errno,
    /// When all of it must be done.
    deadline: u64,
    /// When the server at hand must be reached.
    attempt_deadline: u64,
    pub(crate) stage: Stage,
    pub(crate) handshake: Option<Handshake>,
}

impl Work {
    pub(crate) fn new(purpose: Purpose, rule: &'static ProxyRule, domain: Domain, timeout: u64) -> Self {
        Self {
            purpose,
            attempts: Attempts::new(rule, domain),
            domain,
            engaged: false,
            last_error: Errno::HOSTUNREACH,
            deadline: sys::now().saturating_add(timeout),
            attempt_deadline: u64::MAX,
            stage: Stage::Connecting,
            handshake: None,
        }
    }

    pub(crate) fn deadline(&self) -> u64 {
        self.deadline.min(self.attempt_deadline)
    }

    /// Whether all of it is late, and not only the server at hand.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        now >= self.deadline
    }

    pub(crate) fn is_engaged(&self) -> bool {
        self.engaged
    }

    /// Why the attempt at hand failed: what is told in the end, if no other one is better.
    pub(crate) fn note(&mut self, error: Errno) {
        self.last_error = error;
    }

    /// Turns to the next address of the next server, as far as the first step of its connect.
    ///
    /// # Errors
    /// The last attempt's error where none is left.
    pub(crate) fn next_attempt(&mut self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        loop {
            let (server, candidate) = match self.attempts.next() {
                None => return Err(self.last_error),
                Some(Err(error)) => {
                    self.note(error);
                    continue;
                }
                Some(Ok(next)) => next,
            };
            let now = sys::now();
            if self.is_over(now) {
                return Err(Errno::TIMEDOUT);
            }
            match self.begin(fd, candidate) {
                Ok(connected) => {
                    self.stage = if connected { Stage::Negotiating } else { Stage::Connecting };
                    self.attempt_deadline = match server.timeout {
                        Some(timeout) => now.saturating_add(nanos(timeout)),
                        None => u64::MAX,
                    };
                    self.handshake = Some(self.handshake(server));
                    return Ok(());
                }
                // Not about the proxy but about the program's socket, which listens or is connected already.
                Err(error @ (Errno::ISCONN | Errno::ALREADY | Errno::BADF)) => return Err(error),
                Err(error) => self.note(error),
            }
        }
    }

    fn handshake(&self, server: &Server) -> Handshake {
        let command = match &self.purpose {
            Purpose::Connect(target) => Command::Connect(server.target_for(target)),
            // A redirect is about where connections go; this one comes.
            Purpose::Bind(peer) => Command::Bind(peer.to_canonical()),
        };
        Handshake::new(command, server.offer(self.attempts.rule.credentials()))
    }

    fn begin(&mut self, fd: BorrowedFd<'_>, candidate: Candidate) -> Result<bool, Errno> {
        if self.engaged {
            // A socket that just failed is free already; one that was too slow is not.
            let _ = socket::disconnect(fd);
            self.engaged = false;
        }
        let outcome = self.begin_at(fd, candidate);
        self.engaged = outcome.is_ok();
        outcome
    }

    fn begin_at(&mut self, fd: BorrowedFd<'_>, candidate: Candidate) -> Result<bool, Errno> {
        match candidate {
            Candidate::Unix(path) => {
                self.become_a(fd, Domain::Unix)?;
                socket::begin_connect(fd, socket::Endpoint::Unix(path))
            }
            Candidate::Tcp(addr) if addr.is_ipv4() && self.domain == Domain::V6 => {
                if socket::allow_v4(fd).is_ok() {
                    return socket::begin_connect(fd, socket::Endpoint::Tcp(socket::mapped(addr)));
                }
                self.become_a(fd, Domain::V4)?;
                socket::begin_connect(fd, socket::Endpoint::Tcp(addr))
            }
            Candidate::Tcp(addr) => {
                self.become_a(fd, Domain::of(&addr))?;
                socket::begin_connect(fd, socket::Endpoint::Tcp(addr))
            }
        }
    }

    fn become_a(&mut self, fd: BorrowedFd<'_>, domain: Domain) -> Result<(), Errno> {
        if self.domain != domain {
            socket::replace(fd, domain)?;
            self.domain = domain;
        }
        Ok(())
    }
}

/// Nanoseconds of a duration, as the deadlines here count.
pub(crate) fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Clone, Copy)]
enum Candidate {
    Tcp(SocketAddr),
    Unix(&'static Path),
}

/// The servers of a rule and their addresses, in the order in which they are tried.
struct Attempts {
    rule: &'static ProxyRule,
    native: Domain,
    next_server: usize,
    current: Option<&'static Server>,
    one: Option<Candidate>,
    more: IntoIter<SocketAddr>,
}

impl Attempts {
    fn new(rule: &'static ProxyRule, native: Domain) -> Self {
        Self { rule, native, next_server: 0, current: None, one: None, more: Vec::new().into_iter() }
    }

    fn next(&mut self) -> Option<Result<(&'static Server, Candidate), Errno>> {
        loop {
            let next = self.one.take().or_else(|| self.more.next().map(Candidate::Tcp));
            if let (Some(server), Some(candidate)) = (self.current, next) {
                return Some(Ok((server, candidate)));
            }
            let server = self.rule.servers().get(self.next_server)?;
            self.next_server += 1;
            self.current = Some(server);
            match &server.endpoint {
                Endpoint::Unix(path) => self.one = Some(Candidate::Unix(path)),
                Endpoint::Tcp { host: ServerHost::Ip(ip), port } => {
                    self.one = Some(Candidate::Tcp(SocketAddr::new(*ip, *port)));
                }
                Endpoint::Tcp { host: ServerHost::Name(name), port } => match resolve::resolve(name, *port) {
                    Ok(mut found) => {
                        // Those first that do not need another socket than the program's.
                        if self.native == Domain::V4 {
                            found.sort_by_key(SocketAddr::is_ipv6);
                        }
                        self.more = found.into_iter();
                    }
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }
}

//! The work behind a pending socket: proxies in turn, each at every address, then the handshake.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;
use socks_config::{ProxyRule, Server, share};
use socks_proto::{Command, Handshake, TargetAddr};

use crate::attempts::{Attempts, Candidate, Turn};
use crate::debug::{About, tell};
use crate::sys::socket::{self, Domain};
use crate::{sys, table};

/// What is asked of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// CONNECT, to this target.
    Connect(TargetAddr),
    /// BIND, for a connection from this target.
    Bind(TargetAddr),
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(target) => write!(f, "connect to {target}"),
            Self::Bind(peer) => write!(f, "bind for {peer}"),
        }
    }
}

/// How far the current attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Negotiating,
}

pub(crate) struct Work {
    purpose: Purpose,
    pub(crate) attempts: Attempts,
    /// What stands under the descriptor now; another than the program's after a change of family.
    domain: Domain,
    /// Whether an IPv6 socket went to an IPv4 address: the kernel keeps it to IPv4 from then on, and sends what it is told
    /// to send to an IPv6 one nowhere.
    is_mapped: bool,
    /// Whether the program bound the socket. Known where it matters, which is where another kind may be needed.
    bound: bool,
    /// BIND only: the address that was bound here, to go back to where nothing comes of it.
    local: Option<SocketAddr>,
    /// Whether no attempt was made yet.
    untried: bool,
    /// The descriptor's flags as they were just now, for the first attempt.
    flags: Option<OFlags>,
    /// Whether the socket is, or is becoming, connected to a proxy.
    proxied: bool,
    last_error: Errno,
    /// When all of it must be done.
    deadline: u64,
    /// When the server at hand must have answered all.
    server_deadline: u64,
    /// When the address at hand must have said something.
    attempt_deadline: u64,
    /// Whether it did. A server that takes the connection and then stays silent or hangs up is dead, stopping or
    /// full, and the next one may be tried; what a server says, a refusal above all, is final.
    pub(crate) answered: bool,
    /// Whether another attempt has begun, perhaps with another socket under the number: who waits must look anew.
    pub(crate) renewed: bool,
    /// Whether anything was sent, received or begun since it was last set back: then no copy of this in another
    /// process can go on from where it is.
    pub(crate) moved: bool,
    pub(crate) stage: Stage,
    pub(crate) handshake: Option<Handshake>,
}

impl Work {
    pub(crate) fn new(
        purpose: Purpose,
        rule: &'static ProxyRule,
        domain: Domain,
        flags: Option<OFlags>,
        timeout: u64,
    ) -> Self {
        Self {
            purpose,
            attempts: Attempts::new(rule, domain),
            domain,
            is_mapped: false,
            bound: false,
            local: None,
            untried: true,
            flags,
            proxied: false,
            last_error: Errno::HOSTUNREACH,
            deadline: sys::now().saturating_add(timeout),
            server_deadline: u64::MAX,
            attempt_deadline: u64::MAX,
            answered: false,
            renewed: false,
            moved: false,
            stage: Stage::Connecting,
            handshake: None,
        }
    }

    pub(crate) fn deadline(&self) -> u64 {
        let server = self.deadline.min(self.server_deadline);
        if self.answered { server } else { server.min(self.attempt_deadline) }
    }

    /// Whether all of it is late, and not only the server at hand.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        now >= self.deadline
    }

    pub(crate) fn is_proxied(&self) -> bool {
        self.proxied
    }

    /// Why the attempt at hand failed: what is told in the end, if no other one is better.
    pub(crate) fn note(&mut self, fd: BorrowedFd<'_>, error: Errno) {
        tell(About::Connection, fd, || format!("{}: no answer: {error}", self.purpose));
        self.last_error = error;
    }

    /// Turns to the next address of the next server, as far as the first step of its connect.
    ///
    /// # Errors
    /// The last attempt's error where none is left.
    pub(crate) fn next_attempt(&mut self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        loop {
            let turn = match self.attempts.next() {
                None => return Err(self.last_error),
                Some(Err(error)) => {
                    self.note(fd, error);
                    continue;
                }
                Some(Ok(turn)) => turn,
            };
            let now = sys::now();
            if self.is_over(now) {
                return Err(Errno::TIMEDOUT);
            }
            tell(About::Connection, fd, || format!("{}: by {} at {}", self.purpose, turn.server, turn.candidate));
            match self.begin(fd, turn.candidate) {
                Ok(connected) => {
                    // On this machine a connect is through when it returns, whatever it says: to write at once saves
                    // a wait.
                    let is_through = connected || turn.candidate.is_local();
                    self.stage = if is_through { Stage::Negotiating } else { Stage::Connecting };
                    self.answered = false;
                    self.renewed = true;
                    self.allow(&turn, now);
                    self.handshake = Some(self.handshake(turn.server));
                    return Ok(());
                }
                // Not about the proxy but about the program's socket: it listens, is connected, is of another family.
                Err(error @ (Errno::ISCONN | Errno::ALREADY | Errno::BADF | Errno::AFNOSUPPORT)) => return Err(error),
                Err(error) => self.note(fd, error),
            }
        }
    }

    /// Sets how long the attempt at hand may take.
    fn allow(&mut self, turn: &Turn, now: u64) {
        if turn.is_first_address {
            let timeout = turn.server.timeout.map_or(u64::MAX, nanos);
            self.server_deadline = now.saturating_add(timeout);
        }
        let left = self.deadline.min(self.server_deadline).saturating_sub(now);
        let left = match turn.server.timeout {
            Some(_) => Duration::from_nanos(left),
            None => share(Duration::from_nanos(left), turn.servers_left),
        };
        self.attempt_deadline = now.saturating_add(nanos(share(left, turn.addresses_left)));
    }

    fn handshake(&self, server: &Server) -> Handshake {
        let command = match &self.purpose {
            Purpose::Connect(target) => Command::Connect(server.target_for(target)),
            // A redirect is about where connections go; this one comes.
            Purpose::Bind(peer) => Command::Bind(peer.to_canonical()),
        };
        Handshake::new(command, server.offer(self.attempts.rule().credentials()))
    }

    fn begin(&mut self, fd: BorrowedFd<'_>, candidate: Candidate) -> Result<bool, Errno> {
        if self.untried {
            self.untried = false;
            self.look_at_address(fd)?;
        }
        if self.proxied {
            // A socket that just failed is free already; one that was too slow is not. Unix sockets cannot be freed.
            match socket::disconnect(fd) {
                Err(error) if self.domain != Domain::Unix => return Err(error),
                _ => self.proxied = false,
            }
        }
        let outcome = self.begin_at(fd, candidate);
        self.proxied = outcome.is_ok();
        outcome
    }

    /// What the program's own bind means for the attempts. Later it cannot be told any more: a socket keeps the
    /// port that an attempt gave it.
    fn look_at_address(&mut self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        let local = || socket::local_addr(fd).filter(|addr| addr.port() != 0);
        match self.purpose {
            Purpose::Connect(_) => self.bound = self.attempts.may_need_another_kind() && local().is_some(),
            // The peers come to the proxy; the way there needs no address, and perhaps could not start from it.
            Purpose::Bind(_) => {
                // Duplicates would keep the socket that is bound here.
                let is_shared = table::duplicates(fd.as_raw_fd()).next().is_some();
                self.local = local().filter(|_| !is_shared);
                if self.local.is_some() {
                    socket::replace(fd, self.domain)?;
                }
            }
        }
        Ok(())
    }

    fn begin_at(&mut self, fd: BorrowedFd<'_>, candidate: Candidate) -> Result<bool, Errno> {
        let leaves_v6 = self.domain == Domain::V6 && !matches!(candidate, Candidate::Tcp(SocketAddr::V6(_)));
        if leaves_v6
            && socket::is_v6_only(fd)
            && let Some(record) = table::get(fd.as_raw_fd())
        {
            record.set_v6_only();
        }
        let endpoint = match candidate {
            Candidate::Unix(path) => {
                self.become_a(fd, Domain::Unix)?;
                socket::Endpoint::Unix(path)
            }
            Candidate::Tcp(addr) if addr.is_ipv4() && self.domain == Domain::V6 && socket::allow_v4(fd).is_ok() => {
                self.is_mapped = true;
                socket::Endpoint::Tcp(socket::mapped(addr))
            }
            Candidate::Tcp(addr) => {
                self.become_a(fd, Domain::of(&addr))?;
                socket::Endpoint::Tcp(addr)
            }
        };
        socket::begin_connect(fd, endpoint, self.flags.take())
    }

    /// Puts a socket of the program's own kind back, where the proxy needed another one.
    ///
    /// Where that fails, the descriptor fails at whatever the program does next: no way leads past the proxy.
    pub(crate) fn restore(&mut self, fd: BorrowedFd<'_>, native: Domain) {
        match self.local.take() {
            Some(local) => {
                let _ = socket::replace(fd, native).and_then(|()| socket::bind(fd, local));
                self.domain = native;
            }
            None => _ = self.become_a(fd, native),
        }
    }

    /// Puts a socket of another kind under the descriptor, if it is of another, or of no use as what it is.
    fn become_a(&mut self, fd: BorrowedFd<'_>, domain: Domain) -> Result<(), Errno> {
        if self.domain == domain && !self.is_mapped {
            return Ok(());
        }
        // Not for a program that named an address of a family which its socket does not have.
        if socket::domain(fd)? != Some(self.domain) {
            return Err(Errno::AFNOSUPPORT);
        }
        if !socket::is_fresh(fd) {
            return Err(Errno::ISCONN);
        }
        // A new one has not the address that was bound.
        if self.bound {
            return Err(Errno::HOSTUNREACH);
        }
        // Copies in other processes keep the old one.
        if let Some(record) = table::get(fd.as_raw_fd()) {
            record.kin.part();
        }
        socket::replace(fd, domain)?;
        // Else the duplicates would keep the old one. Who closes one of them waits for who works on the socket.
        table::duplicates(fd.as_raw_fd()).try_for_each(|other| socket::put_also(fd, other))?;
        self.domain = domain;
        self.is_mapped = false;
        Ok(())
    }
}

/// Nanoseconds of a duration, as the deadlines here count.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

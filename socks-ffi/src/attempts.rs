//! The servers of a rule and their addresses, in the order in which they are tried.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use socks_config::{Endpoint, Order, ProxyRule, Server, ServerHost, interleave};

use crate::sys::socket::Domain;
use crate::sys::{self, resolve};

/// A place where a proxy may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Candidate {
    Tcp(SocketAddr),
    Unix(&'static Path),
}

impl Candidate {
    /// Whether it is on this machine.
    pub(crate) fn is_local(self) -> bool {
        match self {
            Self::Tcp(addr) => addr.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What to try next, and how much else there is to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) server: &'static Server,
    pub(crate) candidate: Candidate,
    pub(crate) is_first_address: bool,
    /// This server and those after it.
    pub(crate) servers_left: usize,
    /// This address and those after it, of this server.
    pub(crate) addresses_left: usize,
}

pub(crate) struct Attempts {
    rule: &'static ProxyRule,
    /// The family of the program's socket.
    native: Domain,
    /// As it was when the attempts began.
    order: Order,
    /// The place in that order which comes next.
    next_place: usize,
    /// The server at hand by its index, and its addresses if there are more than one or they came by name.
    server: Option<usize>,
    addresses: Vec<SocketAddr>,
    next_address: usize,
}

impl Attempts {
    pub(crate) fn new(rule: &'static ProxyRule, native: Domain) -> Self {
        // An empty Vec is not on the heap: a proxy given by address costs no allocation.
        let order = rule.order(now());
        Self { rule, native, order, next_place: 0, server: None, addresses: Vec::new(), next_address: 0 }
    }

    pub(crate) fn rule(&self) -> &'static ProxyRule {
        self.rule
    }

    /// Whether some server may need a socket of another kind than the program's.
    pub(crate) fn may_need_another_kind(&self) -> bool {
        self.rule.servers().iter().any(|server| match &server.endpoint {
            Endpoint::Tcp { host: ServerHost::Ip(ip), .. } => ip.is_ipv6() || self.native != Domain::V4,
            Endpoint::Tcp { host: ServerHost::Name(_), .. } | Endpoint::Unix(_) => true,
        })
    }

    /// The next address of the server at hand, or the first of the next one; an error where that has none.
    pub(crate) fn next(&mut self) -> Option<Result<Turn, Errno>> {
        if let (Some(index), Some(&addr)) = (self.server, self.addresses.get(self.next_address)) {
            self.next_address += 1;
            return Some(Ok(self.turn(&self.rule.servers()[index], Candidate::Tcp(addr))));
        }
        self.fail();
        let index = self.order.get(self.next_place)?;
        let server = self.rule.servers().get(index)?;
        self.next_place += 1;
        self.server = Some(index);
        self.addresses.clear();
        self.next_address = 1;
        let candidate = match &server.endpoint {
            Endpoint::Unix(path) => Candidate::Unix(path),
            Endpoint::Tcp { host: ServerHost::Ip(ip), port } => Candidate::Tcp(SocketAddr::new(*ip, *port)),
            Endpoint::Tcp { host: ServerHost::Name(name), port } => match self.resolve(name, *port) {
                Ok(first) => Candidate::Tcp(first),
                Err(error) => return Some(Err(error)),
            },
        };
        Some(Ok(self.turn(server, candidate)))
    }

    /// Looks a proxy's name up and returns its first address.
    fn resolve(&mut self, name: &str, port: u16) -> Result<SocketAddr, Errno> {
        self.addresses = resolve::resolve(name, port)?;
        // One first that does not need another socket than the program's.
        if self.native == Domain::V4 {
            self.addresses.sort_by_key(SocketAddr::is_ipv6);
        }
        interleave(&mut self.addresses);
        self.addresses.first().copied().ok_or(Errno::HOSTUNREACH)
    }

    /// The server at hand could not be reached at any address, or not in time: others are tried before it for a while.
    pub(crate) fn fail(&self) {
        if let Some(server) = self.server {
            self.rule.could_not_reach(server, now());
        }
    }

    /// The server at hand has answered.
    pub(crate) fn succeed(&self) {
        if let Some(server) = self.server {
            self.rule.reached(server);
        }
    }

    fn turn(&self, server: &'static Server, candidate: Candidate) -> Turn {
        Turn {
            server,
            candidate,
            is_first_address: self.next_address == 1,
            servers_left: self.rule.servers().len() + 1 - self.next_place,
            addresses_left: (self.addresses.len() + 1).saturating_sub(self.next_address).max(1),
        }
    }
}

/// The clock of what is remembered of servers.
fn now() -> Duration {
    Duration::from_nanos(sys::now())
}

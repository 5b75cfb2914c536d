//! What the matrix is made of: sections of rows and columns, and what must come of them.

use std::net::SocketAddr;

use crate::netns::PROXY_NEAR;
use crate::program::Program;
use crate::server::Server;

/// A column: how connections leave the client.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Its name in the matrix.
    pub name: &'static str,
    /// By which means.
    pub by: By,
}

/// What stands between the client and the target.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Nothing: the program runs as it is.
    Nothing,
    /// The wrapper, and a rule that leaves the address alone.
    Noproxy,
    /// The wrapper, told of a proxy that is not there.
    NobodyListens,
    /// A server.
    Server {
        /// Which.
        server: &'static Server,
        /// At which of the proxy's addresses.
        entry: Family,
        /// With the right password, if any.
        right_password: bool,
    },
}

/// An address family; the index of the pairs in [`netns`](crate::netns).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4 = 0,
    /// IPv6.
    V6 = 1,
}

/// A row: a program, and the kind of address it is given.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The program.
    pub program: &'static Program,
    /// The family of the target's address.
    pub family: Family,
    /// How it is told of that.
    pub by: Told,
}

/// How a program is told of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// By its address.
    Address,
    /// By its IPv4 address, for an IPv6 socket, as Java does it.
    Mapped,
    /// By a name that nobody but the proxy can resolve.
    Name,
}

impl Row {
    /// Its name in the matrix.
    pub fn name(&self) -> String {
        let form = match (self.by, self.family) {
            (Told::Address, Family::V4) => "",
            (Told::Address, Family::V6) => ", ipv6",
            (Told::Mapped, _) => ", mapped",
            (Told::Name, Family::V4) => ", by name",
            (Told::Name, Family::V6) => ", by ipv6 name",
        };
        format!("{}{form}", self.program.name)
    }
}

/// What must come of a cell.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// The target is reached, and sees the proxy.
    Reached,
    /// A service on the client's own loopback is reached, and sees the loopback.
    ReachedLocally,
    /// Nobody listens at the target's port, and the program is told in the way of the server.
    TargetRefuses,
    /// The program is told this errno, although the target is there.
    Fails(&'static str),
    /// The program fails in its own way, although the target is there: nobody tells it where.
    NotFound,
}

/// A table of rows and columns with one expectation.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its name in the matrix.
    pub name: &'static str,
    /// Whether programs run under `socksify`; if not they are told of the proxy in their own way.
    pub wrapped: bool,
    /// The columns.
    pub ways: &'static [Way],
    /// The rows.
    pub rows: &'static [Row],
    /// For all cells.
    pub expect: Expect,
}

/// The port of the proxy that is not there.
const NOBODY: u16 = 1099;

impl Way {
    /// The server that has to run for it.
    pub fn server(&self) -> Option<&'static Server> {
        match self.by {
            By::Server { server, .. } => Some(server),
            By::Nothing | By::Noproxy | By::NobodyListens => None,
        }
    }

    /// The proxy that programs are told of.
    pub fn proxy(&self) -> Option<SocketAddr> {
        match self.by {
            By::Nothing => None,
            // Where it does not help, so that only the rule for the loopback can.
            By::Noproxy | By::NobodyListens => Some(SocketAddr::new(PROXY_NEAR[0], NOBODY)),
            By::Server { server, entry, .. } => Some(server.at(PROXY_NEAR[entry as usize])),
        }
    }

    /// The errno by which a refusal of the target becomes known.
    pub fn target_refuses(&self) -> &'static str {
        self.server().map_or("ECONNREFUSED", |s| s.closed_target)
    }
}

//! Which program goes which way, and what must come of it: the sections of the matrix.

use std::net::SocketAddr;

use crate::netns::PROXY_NEAR;
use crate::program::{
    Program, ab, c, curl, databases, ftp, git, java, native, nc, nginx, node, openssl, python, rsync, scripts, ssh,
    telnet, wget,
};
use crate::server::{Server, danted, microsocks, ssh as ssh_server, tor};

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
    /// IPv4 by an IPv6 socket, as Java does it.
    pub mapped: bool,
}

impl Row {
    /// Its name in the matrix.
    pub fn name(&self) -> String {
        let form = match (self.family, self.mapped) {
            (_, true) => ", mapped",
            (Family::V4, false) => "",
            (Family::V6, false) => ", ipv6",
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

const fn through(name: &'static str, server: &'static Server) -> Way {
    Way { name, by: By::Server { server, entry: Family::V4, right_password: true } }
}

const fn through_ipv6(name: &'static str, server: &'static Server) -> Way {
    Way { name, by: By::Server { server, entry: Family::V6, right_password: true } }
}

const fn with_wrong_password(name: &'static str, server: &'static Server) -> Way {
    Way { name, by: By::Server { server, entry: Family::V4, right_password: false } }
}

const fn v4(program: &'static Program) -> Row {
    Row { program, family: Family::V4, mapped: false }
}

const fn v6(program: &'static Program) -> Row {
    Row { program, family: Family::V6, mapped: false }
}

const fn mapped(program: &'static Program) -> Row {
    Row { program, family: Family::V4, mapped: true }
}

const DANTED: Way = through("danted", &danted::NONE);
const DANTED_LOGIN: Way = through("danted-login", &danted::LOGIN);
const MICROSOCKS: Way = through("microsocks", &microsocks::NONE);
const MICROSOCKS_LOGIN: Way = through("microsocks-login", &microsocks::LOGIN);
const SSH_D: Way = through("ssh-D", &ssh_server::DYNAMIC);

/// Every server that reaches the target, and each also at an address of the other family than most programs' sockets.
const SERVERS: &[Way] = &[
    DANTED,
    DANTED_LOGIN,
    MICROSOCKS,
    MICROSOCKS_LOGIN,
    SSH_D,
    through_ipv6("danted@ipv6", &danted::NONE),
    through_ipv6("microsocks@ipv6", &microsocks::NONE),
    through_ipv6("ssh-D@ipv6", &ssh_server::DYNAMIC),
];
const WITHOUT_LOGIN: &[Way] = &[DANTED, MICROSOCKS, SSH_D];
const WRONG_PASSWORDS: &[Way] =
    &[with_wrong_password("danted-login", &danted::LOGIN), with_wrong_password("microsocks-login", &microsocks::LOGIN)];
const TOR: Way = through("tor", &tor::TOR);

const PROGRAMS: &[Row] = &[
    v4(&curl::CURL),
    v4(&wget::WGET),
    v4(&git::GIT),
    v4(&python::URLLIB),
    v4(&python::ASYNCIO),
    v4(&node::NODE),
    v4(&nc::NC),
    v4(&ssh::SSH),
    v4(&c::BLOCKING),
    v4(&c::SELECT),
    v4(&c::POLL),
    v6(&curl::CURL),
    v6(&python::ASYNCIO),
    v6(&c::BLOCKING),
    v6(&c::SELECT),
    v6(&c::POLL),
    mapped(&c::BLOCKING),
    mapped(&c::SELECT),
    mapped(&c::POLL),
];
const CURL_NATIVE: &[Row] = &[v4(&native::CURL), v4(&native::CURL_HOSTNAME), v6(&native::CURL)];

/// Those of which one server says enough: what they do with sockets they have in common with others.
const MORE: &[Row] = &[
    v4(&curl::PARALLEL),
    v4(&curl::HTTP2),
    v4(&ssh::SCP),
    v4(&rsync::RSYNC),
    v4(&rsync::RSYNC_SSH),
    v4(&python::MULTIPROCESSING),
    v4(&python::SUBPROCESS),
    v4(&node::NODE_URING),
    v4(&java::NIO),
    v4(&scripts::PERL),
    v4(&scripts::RUBY),
    v4(&scripts::PHP),
    v4(&nginx::NGINX),
    v4(&ab::AB),
    v4(&databases::REDIS_CLI),
    v4(&databases::PSQL),
    v4(&curl::FTP),
    v4(&ftp::TNFTP),
    v4(&ftp::LFTP),
    v4(&openssl::S_CLIENT),
    v4(&openssl::S_CLIENT_HTTP),
    v4(&telnet::TELNET),
];
/// Those among them that have much on its way at once, or in several processes.
const MORE_AT_RISK: &[Row] = &[
    v4(&curl::HTTP2),
    v4(&python::MULTIPROCESSING),
    v4(&python::SUBPROCESS),
    v4(&node::NODE_URING),
    v4(&java::NIO),
    v4(&scripts::RUBY),
    v4(&scripts::PHP),
    v4(&nginx::NGINX),
    v4(&ab::AB),
    v4(&databases::PSQL),
];
/// Those that want to be connected to, which takes a server that knows BIND.
const ACTIVE: &[Row] = &[v4(&curl::FTP_ACTIVE), v4(&ftp::TNFTP_ACTIVE), v4(&ftp::LFTP_ACTIVE)];

/// The whole matrix. What needs no wrapper comes first: it shows that the network and the servers are right.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "direct: must not get there",
        wrapped: false,
        ways: &[Way { name: "no proxy", by: By::Nothing }],
        rows: PROGRAMS,
        expect: Expect::Fails("ENETUNREACH"),
    },
    Section {
        name: "direct: must not get there",
        wrapped: false,
        ways: &[Way { name: "no proxy", by: By::Nothing }],
        rows: MORE,
        expect: Expect::Fails("ENETUNREACH"),
    },
    Section {
        name: "direct: must not get there",
        wrapped: false,
        ways: &[Way { name: "no proxy", by: By::Nothing }],
        rows: ACTIVE,
        expect: Expect::Fails("ENETUNREACH"),
    },
    Section {
        name: "native: the program's own SOCKS",
        wrapped: false,
        ways: SERVERS,
        rows: CURL_NATIVE,
        expect: Expect::Reached,
    },
    Section {
        name: "native nc: the program's own SOCKS",
        wrapped: false,
        ways: WITHOUT_LOGIN,
        rows: &[v4(&native::NC), v6(&native::NC)],
        expect: Expect::Reached,
    },
    Section {
        name: "native: the target refuses",
        wrapped: false,
        ways: SERVERS,
        rows: CURL_NATIVE,
        expect: Expect::TargetRefuses,
    },
    Section {
        name: "native: wrong password",
        wrapped: false,
        ways: WRONG_PASSWORDS,
        rows: CURL_NATIVE,
        expect: Expect::Fails("EACCES"),
    },
    Section {
        name: "native: tor refuses",
        wrapped: false,
        ways: &[TOR],
        rows: CURL_NATIVE,
        expect: Expect::Fails("ECONNREFUSED"),
    },
    Section { name: "wrapped", wrapped: true, ways: SERVERS, rows: PROGRAMS, expect: Expect::Reached },
    Section {
        // Apart, since it starts so slowly.
        name: "wrapped: java",
        wrapped: true,
        ways: SERVERS,
        rows: &[v4(&java::JAVA), v6(&java::JAVA)],
        expect: Expect::Reached,
    },
    Section { name: "wrapped: more", wrapped: true, ways: &[DANTED], rows: MORE, expect: Expect::Reached },
    Section {
        name: "wrapped: more",
        wrapped: true,
        ways: &[MICROSOCKS_LOGIN, SSH_D],
        rows: MORE_AT_RISK,
        expect: Expect::Reached,
    },
    Section {
        name: "wrapped: active",
        wrapped: true,
        ways: &[DANTED, DANTED_LOGIN],
        rows: ACTIVE,
        expect: Expect::Reached,
    },
    Section {
        name: "wrapped: noproxy",
        wrapped: true,
        ways: &[Way { name: "loopback", by: By::Noproxy }],
        rows: PROGRAMS_ON_LOOPBACK,
        expect: Expect::ReachedLocally,
    },
    Section {
        name: "wrapped: the target refuses",
        wrapped: true,
        ways: SERVERS,
        rows: PROGRAMS,
        expect: Expect::TargetRefuses,
    },
    Section {
        name: "wrapped: wrong password",
        wrapped: true,
        ways: WRONG_PASSWORDS,
        rows: PROGRAMS,
        expect: Expect::Fails("EACCES"),
    },
    Section {
        name: "wrapped: no such proxy",
        wrapped: true,
        ways: &[Way { name: "closed port", by: By::NobodyListens }],
        rows: PROGRAMS,
        expect: Expect::Fails("ECONNREFUSED"),
    },
    Section {
        name: "wrapped: tor refuses",
        wrapped: true,
        ways: &[TOR],
        rows: PROGRAMS,
        expect: Expect::Fails("ECONNREFUSED"),
    },
];

/// Those that want nothing but the web server.
const PROGRAMS_ON_LOOPBACK: &[Row] = &[
    v4(&curl::CURL),
    v4(&wget::WGET),
    v4(&git::GIT),
    v4(&python::URLLIB),
    v4(&python::ASYNCIO),
    v4(&node::NODE),
    v4(&c::BLOCKING),
    v4(&c::SELECT),
    v4(&c::POLL),
    v6(&curl::CURL),
    mapped(&c::BLOCKING),
    mapped(&c::SELECT),
    mapped(&c::POLL),
];

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

//! Which program goes which way, and what must come of it: the sections of the matrix.

use crate::plan::{By, Expect, Family, Row, Section, Told, Way};
use crate::program::{
    Program, ab, c, chromium, curl, databases, ftp, git, java, native, nc, nginx, node, openssl, python, rsync,
    scripts, shell, socksconnect, ssh, telnet, wget,
};
use crate::server::{Server, danted, microsocks, ssh as ssh_server, tor};

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
    Row { program, family: Family::V4, by: Told::Address }
}

const fn v6(program: &'static Program) -> Row {
    Row { program, family: Family::V6, by: Told::Address }
}

const fn mapped(program: &'static Program) -> Row {
    Row { program, family: Family::V4, by: Told::Mapped }
}

const fn named(program: &'static Program) -> Row {
    Row { program, family: Family::V4, by: Told::Name }
}

const fn named_v6(program: &'static Program) -> Row {
    Row { program, family: Family::V6, by: Told::Name }
}

const NO_PROXY: Way = Way { name: "no proxy", by: By::Nothing };
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
/// Those but the one by which all programs go in every run.
const SERVERS_FULL: &[Way] = SERVERS.split_at(1).1;
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

/// By a helper in place of the wrapper.
const PROXY_COMMANDS: &[Row] = &[v4(&socksconnect::SSH), v4(&socksconnect::GIT), v6(&socksconnect::SSH)];

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
    v4(&java::JAVA),
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

/// Those that take a name, which only the proxy knows.
pub const NAMED: &[Row] = &[
    named(&curl::CURL),
    named(&curl::PARALLEL),
    named(&curl::HTTP2),
    named(&wget::WGET),
    named(&git::GIT),
    named(&ssh::SSH),
    named(&ssh::SCP),
    named(&rsync::RSYNC),
    named(&python::URLLIB),
    named(&python::ASYNCIO),
    named(&python::SUBPROCESS),
    named(&node::NODE),
    named(&node::RESOLVE),
    named(&java::JAVA),
    named(&scripts::PERL),
    named(&scripts::RUBY),
    named(&scripts::PHP),
    named(&nginx::NGINX),
    named(&databases::REDIS_CLI),
    named(&databases::PSQL),
    named(&openssl::S_CLIENT_HTTP),
    named(&telnet::TELNET),
    named(&shell::GETENT),
    named(&shell::DEV_TCP),
    named(&shell::PIPELINE),
    named_v6(&curl::CURL),
    named_v6(&python::ASYNCIO),
];

/// The matrix. What needs no wrapper comes first: it shows that the network and the servers are right.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "direct: must not get there",
        wrapped: false,
        ways: &[NO_PROXY],
        rows: PROGRAMS,
        expect: Expect::Fails("ENETUNREACH"),
    },
    Section {
        name: "direct: must not get there",
        wrapped: false,
        ways: &[NO_PROXY],
        rows: MORE,
        expect: Expect::Fails("ENETUNREACH"),
    },
    Section {
        name: "direct: must not get there",
        wrapped: false,
        ways: &[NO_PROXY],
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
        name: "socksconnect",
        wrapped: false,
        ways: &[DANTED, DANTED_LOGIN, MICROSOCKS_LOGIN, SSH_D],
        rows: PROXY_COMMANDS,
        expect: Expect::Reached,
    },
    Section {
        name: "socksconnect: the target refuses",
        wrapped: false,
        ways: &[DANTED_LOGIN, MICROSOCKS_LOGIN],
        rows: PROXY_COMMANDS,
        expect: Expect::TargetRefuses,
    },
    Section {
        name: "socksconnect: wrong password",
        wrapped: false,
        ways: WRONG_PASSWORDS,
        rows: PROXY_COMMANDS,
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
        name: "direct, by name: nobody knows it",
        wrapped: false,
        ways: &[NO_PROXY],
        rows: NAMED,
        expect: Expect::NotFound,
    },
    Section { name: "wrapped: by name", wrapped: true, ways: WITHOUT_LOGIN, rows: NAMED, expect: Expect::Reached },
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
        name: "wrapped: the target refuses",
        wrapped: true,
        ways: &[DANTED],
        rows: MORE,
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

/// Every program that takes a name, one way: what it does besides is for [`leak`](crate::leak) to see.
pub const BY_NAME: Section =
    Section { name: "by name", wrapped: true, ways: &[DANTED], rows: NAMED, expect: Expect::Reached };

/// What is too heavy for every run, after the rest.
pub const FULL: &[Section] = &[
    Section {
        name: "full: direct, must not get there",
        wrapped: false,
        ways: &[NO_PROXY],
        rows: HEAVY,
        expect: Expect::Fails("ENETUNREACH"),
    },
    Section { name: "full: wrapped", wrapped: true, ways: SERVERS, rows: HEAVY, expect: Expect::Reached },
    Section { name: "full: wrapped", wrapped: true, ways: SERVERS_FULL, rows: MORE, expect: Expect::Reached },
    Section {
        name: "full: the target refuses",
        wrapped: true,
        ways: SERVERS,
        rows: HEAVY,
        expect: Expect::TargetRefuses,
    },
];

const HEAVY: &[Row] = &[v4(&chromium::CHROMIUM)];

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

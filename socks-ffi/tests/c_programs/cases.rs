//! The table: which program, among which servers, with which configuration, and what the proxy must have seen.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socks_conformance::script::Script;

use crate::compile::Way;
use crate::scripts;

/// The proxy of a case.
pub(crate) enum Server {
    Plain,
    /// What it says gets through when the program opens the gate.
    Gated,
    /// What it says to each connection gets through a while later than what it says to the one before.
    Staggered,
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
    /// The ways in which it is run.
    pub(crate) fn ways(&self) -> impl Iterator<Item = Way> + use<> {
        let as_libc = self.as_libc;
        Way::ALL.into_iter().filter(move |way| way.is_proxied() || as_libc)
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

pub(crate) const CASES: &[Case] = &[
    case("connect", "connect"),
    Case { target: V6, ..case("connect, IPv6", "connect") },
    Case { args: &["{mapped}"], ..case("connect, IPv4 by an IPv6 socket", "connect") },
    gated("connect, waiting by poll", "connect_poll"),
    gated("connect, waiting by select", "connect_select"),
    gated("connect, waiting by ppoll and pselect", "connect_ppoll"),
    Case { requests: &["connect {target}: succeeded"; 8], ..gated("connect, waiting by epoll", "epoll_modes") },
    Case { requests: &["connect {target}: succeeded"; 5], ..gated("connect, in unusual epolls", "epoll_shapes") },
    Case { requests: &["connect {target}: succeeded"; 2], ..gated("connect, all numbers closed", "epoll_close_all") },
    Case {
        args: &["{nobody}"],
        requests: &["connect {nobody}: connection refused"; 6],
        ..case("connect, nobody listens", "refused")
    },
    Case {
        args: &["{nobody}"],
        requests: &["connect {nobody}: connection refused"; 4],
        ..case("connect, nobody listens, seen by epoll", "epoll_failed")
    },
    // The ways to a proxy.
    Case {
        server: Server::Login,
        rules: Rules::Sound("proxy 0.0.0.0/0 {proxy} ann s3cret\n"),
        requests: &["connect {target} as \"ann\": succeeded"],
        ..case("connect, with a login", "connect")
    },
    Case {
        args: &["{target}", "unsaid"],
        transcript: "connect_unsaid",
        server: Server::Unspecified,
        ..case("connect, the proxy keeps its address to itself", "connect")
    },
    Case { server: Server::V6, ..case("connect, the proxy on ::1", "connect") },
    Case { server: Server::Unix, ..case("connect, the proxy on a Unix socket", "connect") },
    Case { server: Server::Unix, target: V6, ..case("connect, IPv6, the proxy on a Unix socket", "connect") },
    Case { target: V6, server: Server::V6, ..case("connect, IPv6, the proxy on ::1", "connect") },
    Case { server: Server::V6, ..case("without waiting, the proxy on ::1", "family") },
    Case { server: Server::Unix, ..case("without waiting, the proxy on a Unix socket", "family") },
    Case { target: V6, ..case("without waiting, IPv6 by a proxy on IPv4", "family") },
    Case {
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody},localhost:{proxy-port}\n"),
        ..case("connect, the first server is dead, the second a name", "connect")
    },
    Case {
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody},[::1]:1,{proxy}\n"),
        ..case("without waiting, the third server is alive", "family")
    },
    Case {
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody},{proxy}\n"),
        server: Server::V6,
        args: &["epoll", "{target}"],
        transcript: "reached",
        ..case("waiting by epoll, the second server needs another socket", "refusals")
    },
    // What goes wrong.
    scripted("refusals", "refusals", scripts::refusals),
    Case { args: &["poll", "{targets}"], ..scripted("refusals, without waiting", "refusals", scripts::refusals) },
    Case {
        rules: Rules::Sound(
            "proxy 192.0.2.1/32 {script0} ann wrong\nproxy 192.0.2.2/32 {script1} ann wrong\n\
            proxy 192.0.2.3/32 {script2} ann wrong\nproxy 192.0.2.4/32 {script3} ann wrong\n",
        ),
        transcript: "logins",
        ..scripted("logins that are refused", "refusals", scripts::logins)
    },
    Case {
        rules: Rules::Sound("timeout 1\nproxy 192.0.2.1/32 {script0}\nproxy 192.0.2.2/32 {script1}\n"),
        transcript: "silence",
        ..scripted("a proxy that stays silent", "refusals", scripts::silence)
    },
    Case {
        rules: Rules::Sound("timeout 1\nproxy 192.0.2.1/32 {script0}\nproxy 192.0.2.2/32 {script1}\n"),
        args: &["poll", "{targets}"],
        transcript: "silence",
        ..scripted("a proxy that stays silent, without waiting", "refusals", scripts::silence)
    },
    Case {
        rules: Rules::Sound("timeout 1\nproxy 192.0.2.1/32 {script0}\nproxy 192.0.2.2/32 {script1}\n"),
        args: &["epoll", "{targets}"],
        transcript: "silence",
        ..scripted("a proxy that stays silent, waiting by epoll", "refusals", scripts::silence)
    },
    Case { args: &["{targets}"], ..scripted("the first words come with the reply", "hasty", scripts::hasty) },
    Case {
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody}\n"),
        transcript: "no_proxy_listens",
        ..configured("no proxy listens")
    },
    // The configuration.
    Case {
        rules: Rules::Bad("proxy 192.0.2.0/24\nnoproxy 127.0.0.0/8\n"),
        ..configured("a bad configuration refuses all but noproxy")
    },
    Case { rules: Rules::Sound("strict\nnoproxy 127.0.0.0/8\n"), ..configured("strict, no rule") },
    Case { args: &["wait", "{target}"], rules: Rules::Unnamed, transcript: "direct", ..configured("no configuration") },
    Case {
        args: &["wait", "{target}", "192.0.2.1:80"],
        rules: Rules::Missing,
        transcript: "missing",
        ..configured("a configuration that is not there")
    },
    Case {
        args: &["{nobody}", "{target}"],
        requests: &[
            "connect {nobody}: connection refused",
            "connect {target}: succeeded",
            "connect {nobody}: connection refused",
            "connect {target}: succeeded",
        ],
        ..case("another try on the same socket", "retry")
    },
    // Names.
    Case {
        args: &["{target-port}"],
        rules: Rules::Sound("proxy 0.0.0.0/0 {proxy}\nnoproxy 127.0.0.0/8\ndns remote\n"),
        requests: &[
            "connect service.example:{target-port}: succeeded",
            "connect service.example:{target-port}: succeeded",
            "connect nowhere.example:{target-port}: host unreachable",
            "connect other.example:{target-port}: succeeded",
            "connect other.example:{target-port}: succeeded",
        ],
        as_libc: false,
        ..case("names that the proxy resolves", "names")
    },
    // Many at once.
    gated("poll among many", "poll_many"),
    Case {
        args: &["{lever}", "{target}", "{nobody}", "{target}", "{nobody}", "{target}"],
        requests: &[
            "connect {target}: succeeded",
            "connect {target}: succeeded",
            "connect {target}: succeeded",
            "connect {nobody}: connection refused",
            "connect {nobody}: connection refused",
        ],
        ..gated("several on their way", "poll_two")
    },
    Case { requests: &["connect {target}: succeeded"; 8], ..case("eight threads at once", "threads") },
    gated("threads that wait for the same socket", "waiters"),
    // Descriptors.
    gated("duplicates of a socket on its way", "dup_pending"),
    Case { requests: &["connect {target}: succeeded"; 2], ..case("duplicates of a connected socket", "dup_connected") },
    Case { requests: &["connect {target}: succeeded"; 2], ..case("fclose", "fclose") },
    Case { requests: &["connect {target}: succeeded"; 2], ..case("fork", "fork") },
    gated("fork while on its way", "fork_pending"),
    forked("both go on after a fork, by poll", &["{target}", "{lever}", "poll"], "fork_both"),
    forked("both go on after a fork, by epoll", &["{target}", "{lever}", "epoll"], "fork_both_epoll"),
    forked("the child goes on after a fork", &["{target}", "{lever}", "left"], "fork_both_left"),
    forked("the child looks after a fork", &["{target}", "{lever}", "brief"], "fork_both_brief"),
    Case {
        requests: &["connect {nobody}: connection refused"],
        ..forked("both are refused after a fork", &["{nobody}", "{lever}", "poll", "refused"], "fork_both_refused")
    },
    Case { args: INCOMING, requests: BOTH, ..case("accept after a fork", "fork_accept") },
    gated("vfork and posix_spawn", "vfork"),
    silent("sockets given up on their way", "abandoned"),
    Case { requests: &["connect {target}: succeeded"; 2], ..case("close_range and closefrom", "ranges") },
    gated("dup3 and fcntl", "dup_kin"),
    Case {
        args: &["0.0.0.0:0"],
        rules: Rules::Sound("proxy 0.0.0.0/0 {proxy}\nnoproxy 127.0.0.0/8\nnoproxy 0.0.0.0\n"),
        requests: &[],
        ..case("a local server with duplicates", "dup_server")
    },
    Case {
        requests: &["connect {target}: succeeded"; 2],
        ..gated("a duplicate in an epoll before the connect", "dup_epoll")
    },
    gated("duplicates before the connect, without waiting", "dup_first_pending"),
    Case { args: FIRST, requests: FIRST_BOTH, ..case("duplicates before the connect", "dup_first") },
    Case {
        args: FIRST,
        requests: FIRST_BOTH,
        server: Server::V6,
        ..case("duplicates before the connect, the proxy on ::1", "dup_first")
    },
    Case {
        args: FIRST,
        requests: FIRST_BOTH,
        server: Server::Unix,
        ..case("duplicates before the connect, the proxy on a Unix socket", "dup_first")
    },
    silent("shutdown of a socket on its way", "shutdown_pending"),
    Case { args: INCOMING, requests: BOTH, ..case("shutdown", "shutdown") },
    case("exec", "exec"),
    // Threads and signals.
    Case { args: INCOMING, requests: BOTH, ..case("a thread is cancelled", "cancel") },
    gated("a thread is cancelled on its way", "cancel_pending"),
    case("calls in a signal handler", "handlers"),
    Case {
        server: Server::Staggered,
        requests: &["connect {target}: succeeded"; 64],
        as_libc: false,
        ..case("64 threads at once", "crowd")
    },
    silent("closed on its way by another thread", "close_pending"),
    // Incoming connections.
    Case { args: INCOMING, requests: BOTH, ..case("bind, listen, accept", "accept") },
    Case { args: INCOMING, requests: BOTH, server: Server::V6, ..case("bind by a proxy on ::1", "accept") },
    Case { args: INCOMING, requests: BOTH, server: Server::Unix, ..case("bind by a proxy on a Unix socket", "accept") },
    Case { args: INCOMING, requests: BOTH, ..case("accept without waiting", "accept_poll") },
    Case { args: INCOMING, requests: BOTH, ..case("accept4", "accept_flags") },
    Case { args: INCOMING, requests: BOTH, ..case("accept, waiting by epoll", "epoll_accept") },
    Case {
        args: INCOMING,
        server: Server::Unspecified,
        requests: BOTH,
        ..case("bind, the proxy keeps its address to itself", "accept")
    },
    Case { args: &["{target}", "[::1]:0"], requests: BOTH, ..case("bind, IPv6", "accept") },
    Case {
        args: &["{target}", "127.0.0.1:0", "unbound"],
        transcript: "accept_unbound",
        requests: BOTH,
        as_libc: false,
        ..case("listen without bind", "accept")
    },
    Case {
        args: &["{target}", "127.0.0.1:0", "name"],
        transcript: "bind_name_connect",
        requests: &["bind 0.0.0.0:0: succeeded", "connect {target}: succeeded"],
        ..case("bind, getsockname, then connect", "bind_connect")
    },
    Case { args: INCOMING, ..case("bind, then connect", "bind_connect") },
    Case {
        args: &["0.0.0.0:0"],
        rules: Rules::Sound("proxy 0.0.0.0/0 {proxy}\nnoproxy 127.0.0.0/8\nnoproxy 0.0.0.0\n"),
        requests: &[],
        ..case("a local server on the wildcard address", "local_server")
    },
    Case {
        args: &["0.0.0.0:0", "unbound"],
        rules: Rules::Sound("proxy 0.0.0.0/0 {proxy}\nnoproxy 127.0.0.0/8\nnoproxy 0.0.0.0\n"),
        requests: &[],
        transcript: "local_server_unbound",
        ..case("a local server that does not bind", "local_server")
    },
    Case {
        args: &["192.0.2.9:0"],
        rules: ONE_SCRIPT,
        ..scripted("bind to the proxy's address", "bind_scripted", scripts::bind)
    },
    Case {
        args: &["0.0.0.0:0"],
        rules: ONE_SCRIPT,
        ..scripted("bind to the wildcard address", "bind_scripted", scripts::bind)
    },
    Case {
        args: &["192.0.2.9:0"],
        rules: ONE_SCRIPT,
        transcript: "bind_refused",
        ..scripted("bind, the proxy cannot", "bind_scripted", scripts::bind_refused)
    },
    Case {
        args: &["192.0.2.9:0"],
        rules: ONE_SCRIPT,
        transcript: "bind_expired",
        ..scripted("bind, nobody comes", "bind_scripted", scripts::bind_expired)
    },
    // Like libc.
    Case { requests: &[], ..case("untouched sockets and wrong calls", "untouched") },
    Case {
        requests: &["connect {target}: succeeded"; 2],
        ..case("wrong calls on a connected socket", "mistakes_connected")
    },
    case("options", "options"),
    Case { server: Server::V6, ..case("options, the proxy on ::1", "options") },
    Case { requests: &["connect {target}: succeeded"; 3], ..case("MSG_FASTOPEN", "fastopen") },
    gated("sendmmsg, sendfile, splice and the like", "bulk"),
    Case { requests: &["connect {target}: succeeded"; 2], ..case("system calls by number", "by_number") },
    Case {
        args: &["{target}", "io_uring"],
        transcript: "by_number_alone",
        requests: &["connect {target}: succeeded"; 2],
        as_libc: false,
        ..case("io_uring", "by_number")
    },
    case("an allocator that reads files", "allocator"),
    case("a sandbox", "sandbox"),
    // Signals and time.
    gated("a signal interrupts", "interrupted"),
    gated("a signal restarts", "restarted"),
    gated("SO_SNDTIMEO", "send_timeout"),
    Case {
        args: &["{target}", "{lever}", "write"],
        ..gated("a write that waits for the connection", "blocking_write")
    },
    Case {
        args: &["{target}", "{lever}", "connect"],
        transcript: "blocking_connect",
        ..gated("a second connect that waits for the connection", "blocking_write")
    },
];

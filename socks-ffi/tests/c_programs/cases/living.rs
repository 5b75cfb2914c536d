//! Many connections at once, the life of descriptors, threads, incoming connections, options, signals.

use super::*;

pub(super) const CASES: &[Case] = &[
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
    case("sent to another process", "pass_fd"),
    case("another program's input and output", "exec_cat"),
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
    Case {
        rules: Rules::Sound("timeout 1\nproxy 0.0.0.0/0 {silent}\n"),
        ..silent("closed on its way, and its number taken", "close_waiters")
    },
    Case {
        args: &["{target}", "{lever}", "poll"],
        requests: &["connect {target}: succeeded"; 200],
        ..gated("200 at once by poll", "many")
    },
    Case {
        args: &["{target}", "{lever}", "epoll"],
        requests: &["connect {target}: succeeded"; 200],
        ..gated("200 at once by epoll", "many")
    },
    swarm("2,000 at once by poll", &["{target}", "poll", "2000"], 2_000),
    swarm("10,000 at once by epoll", &["{target}", "epoll", "10000"], 10_000),
    Case {
        requests: &["connect {target}: succeeded"; 100 * 2],
        ..case("memory, libraries, children and connects", "churn")
    },
    Case { requests: &["connect {target}: succeeded"; 4], ..case("before main and after it", "early") },
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
    Case { args: INCOMING, requests: BOTH, ..case("connect of a listener", "listen_connect") },
    Case {
        args: INCOMING,
        requests: &["connect {target}: succeeded", "bind 0.0.0.0:0: succeeded", "connect {target}: succeeded"],
        ..case("the next port that is free", "ports")
    },
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
    Case {
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody},{proxy}\n"),
        server: Server::V6,
        ..case("options, the second proxy on ::1", "options")
    },
    Case {
        target: V6,
        args: &["{target}", "{mapped}"],
        requests: &["connect {target}: succeeded"; 4],
        ..case("IPV6_V6ONLY", "v6only")
    },
    Case {
        target: V6,
        args: &["{target}", "{mapped}"],
        requests: &["connect {target}: succeeded"; 4],
        server: Server::V6,
        ..case("IPV6_V6ONLY, the proxy on ::1", "v6only")
    },
    Case {
        requests: &[
            "connect {target} from 127.0.0.5: succeeded",
            "connect {target} from 127.0.0.5: succeeded",
            "connect {target} from 127.0.0.6: succeeded",
            "connect {target}: succeeded",
            "connect {target}: succeeded",
        ],
        ..case("from an address of the program's choice", "from_address")
    },
    Case { requests: &["connect {target}: succeeded"; 3], ..case("MSG_FASTOPEN", "fastopen") },
    Case { requests: &["connect {target}: succeeded"; 2], ..case("TCP_FASTOPEN_CONNECT", "fastopen_connect") },
    Case {
        requests: &["connect {target}: succeeded"; 2],
        server: Server::V6,
        ..case("TCP_FASTOPEN_CONNECT, the proxy on ::1", "fastopen_connect")
    },
    Case { requests: &["connect {target}: succeeded"; 3], ..case("reading and writing", "connected_io") },
    gated("SO_RCVTIMEO", "timeouts"),
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

//! Making a connection: every way to wait for it, to the proxy, and to fail; and what the configuration says.

use super::*;

pub(super) const CASES: &[Case] = &[
    case("connect", "connect"),
    Case { target: V6, ..case("connect, IPv6", "connect") },
    Case { args: &["{mapped}"], ..case("connect, IPv4 by an IPv6 socket", "connect") },
    gated("connect, waiting by poll", "connect_poll"),
    gated("connect, waiting by select", "connect_select"),
    gated("connect, waiting by ppoll and pselect", "connect_ppoll"),
    Case { requests: &["connect {target}: succeeded"; 8], ..gated("connect, waiting by epoll", "epoll_modes") },
    Case { requests: &["connect {target}: succeeded"; 5], ..gated("connect, in unusual epolls", "epoll_shapes") },
    Case { requests: &["connect {target}: succeeded"; 7], ..gated("connect, the flags of epoll", "epoll_flags") },
    gated("connect, waiting by a select that is wide", "wide_select"),
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
    Case {
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody},{proxy}\n"),
        server: Server::V6,
        target: V6,
        ..case("connect, IPv6, the first server is dead and on IPv4, the second on ::1", "connect")
    },
    Case {
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody},{proxy}\n"),
        server: Server::V6,
        target: V6,
        ..case("without waiting, IPv6, the first server is dead and on IPv4, the second on ::1", "family")
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
    case("an environment that the program clears", "cleared"),
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
    Case {
        args: &["[::1]:1", "{target}", "blocking"],
        transcript: "retry_blocking",
        rules: Rules::Sound("proxy 0.0.0.0/0 {proxy}\nproxy [::1]:1 {nobody}\n"),
        server: Server::V6,
        target: V6,
        ..case("another try on the same IPv6 socket, after one by a proxy on IPv4", "retry")
    },
    Case {
        server: Server::Login,
        rules: Rules::Sound("proxy 0.0.0.0/0 {nobody},{proxy} ann s3cret\n"),
        requests: &["connect {target} as \"ann\": succeeded"],
        as_libc: false,
        ..case("what SOCKS_DEBUG tells", "debug")
    },
    // Failover.
    Case {
        rules: Rules::Sound("timeout 4\nproxy 0.0.0.0/0 {silent},{proxy}\n"),
        requests: &["connect {target}: succeeded"; 4],
        as_libc: false,
        ..case("a server that is silent is tried last from then on", "failover")
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
    Case {
        args: &[],
        rules: Rules::Bad("proxy 0.0.0.0/0 {proxy}\nnoproxy 127.0.0.0/8\ndns remotely\n"),
        requests: &[],
        as_libc: false,
        ..case("names, where the configuration has errors", "unread")
    },
];

//! Each line of socksrc(5), and what it does to destinations.

use std::path::PathBuf;
use std::time::Duration;

use socks_config::{Config, Destination, Dns, Endpoint, Host, Pattern, Refusal, Route, Server, ServerHost, TargetAddr};

fn sound(text: &str) -> Config {
    let parsed = Config::parse("socksrc", text.as_bytes());
    assert_eq!(parsed.diagnostics, [], "{text}");
    assert!(parsed.config.is_sound());
    parsed.config
}

/// `direct`, `strict`, `unsound`, `address` or the servers.
fn way(config: &Config, to: &str) -> String {
    let (host, port) = to.rsplit_once(':').unwrap();
    let host = host.trim_matches(['[', ']']);
    let host = host.parse().map_or(Host::Name(host.as_bytes()), Host::Ip);
    match config.route(Destination { host, port: port.parse().unwrap() }) {
        Route::Direct => "direct".to_owned(),
        Route::Proxy(rule) => rule.to_string(),
        Route::Refused(Refusal::Strict) => "strict".to_owned(),
        Route::Refused(Refusal::Unsound) => "unsound".to_owned(),
        Route::Refused(Refusal::NeedsAddress) => "address".to_owned(),
    }
}

#[track_caller]
fn ways<const N: usize>(text: &str, expected: [(&str, &str); N]) {
    let config = sound(text);
    for (to, expected) in expected {
        assert_eq!(way(&config, to), expected, "{to}");
    }
}

#[test]
fn the_example() {
    let text = "
        proxy    0.0.0.0/0        gate.example:1100,spare.example
        noproxy  127.0.0.0/8
        noproxy  172.16.0.0/12
        proxy    172.20.7.0/24    lab.example  ann  s3cret
    ";
    let everything = "gate.example:1100,spare.example:1080";
    ways(
        text,
        [
            ("192.0.2.1:80", everything),
            ("[2001:db8::1]:80", everything),
            ("[::ffff:192.0.2.1]:80", everything),
            ("www.example:80", everything),
            ("127.0.0.1:80", "direct"),
            ("[::ffff:127.0.0.1]:80", "direct"),
            ("[::1]:80", everything),
            ("172.16.0.0:1", "direct"),
            ("172.31.255.255:1", "direct"),
            ("172.32.0.0:1", everything),
            ("172.20.6.255:1", "direct"),
            ("172.20.7.0:1", "lab.example:1080"),
            ("172.20.7.255:1", "lab.example:1080"),
            ("172.20.8.0:1", "direct"),
            ("172.20.7.9:1", "lab.example:1080"),
        ],
    );
    let config = sound(text);
    let Route::Proxy(lab) = config.route((std::net::IpAddr::from([172, 20, 7, 1]), 25)) else { panic!() };
    let login = lab.credentials().unwrap();
    assert_eq!((login.username(), login.password()), (&b"ann"[..], &b"s3cret"[..]));
    assert_eq!((lab.location().to_string().as_str(), lab.index()), ("socksrc:5:9", 1));
    assert!(config.proxies()[0].credentials().is_none());
}

#[test]
fn the_installed_file() {
    let config = sound(include_str!("../socksrc"));
    for to in ["127.0.0.1:1", "[::1]:1", "0.0.0.0:0", "[::]:0", "192.0.2.1:1", "www.example:1"] {
        assert_eq!(way(&config, to), "direct");
    }
    // Not because no line covers them.
    let strict = sound(&format!("{}\nstrict\n", include_str!("../socksrc")));
    for to in
        ["127.0.0.1:1", "127.255.255.255:1", "[::1]:1", "0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0", "localhost:1"]
    {
        assert_eq!(way(&strict, to), "direct", "{to}");
    }
    assert_eq!(way(&strict, "[::2]:1"), "strict");
    assert_eq!(way(&strict, "0.0.0.1:1"), "strict");
}

#[test]
fn comments_blank_lines_and_separators() {
    let config = sound("# proxy 10 a\n\n \t\r\nproxy\t10 \t a.example\r\nproxy 11 b.example#c d\n#\nnoproxy 12 # e");
    assert_eq!(way(&config, "10.0.0.1:1"), "a.example:1080");
    assert_eq!(way(&config, "11.0.0.1:1"), "b.example:1080");
    assert_eq!(config.proxies().len(), 2);
    let config = sound("\u{feff}proxy 10 a.example");
    assert_eq!(way(&config, "10.0.0.1:1"), "a.example:1080");
    // Without the last newline, and with nothing at all.
    assert_eq!(way(&sound(""), "10.0.0.1:1"), "direct");
    assert_eq!(way(&Config::default(), "www.example:1"), "direct");
}

#[test]
fn servers() {
    for (text, shown, endpoint) in [
        ("gate", "gate:1080", Endpoint::Tcp { host: ServerHost::Name("gate".into()), port: 1080 }),
        (
            "gate.example:1100",
            "gate.example:1100",
            Endpoint::Tcp { host: ServerHost::Name("gate.example".into()), port: 1100 },
        ),
        ("192.0.2.1:9", "192.0.2.1:9", Endpoint::Tcp { host: ServerHost::Ip([192, 0, 2, 1].into()), port: 9 }),
        (
            "[2001:db8::1]:9",
            "[2001:db8::1]:9",
            Endpoint::Tcp { host: ServerHost::Ip("2001:db8::1".parse().unwrap()), port: 9 },
        ),
        ("[::1]", "[::1]:1080", Endpoint::Tcp { host: ServerHost::Ip("::1".parse().unwrap()), port: 1080 }),
        // A host of this name, which a path cannot be taken for.
        ("unix", "unix:1080", Endpoint::Tcp { host: ServerHost::Name("unix".into()), port: 1080 }),
        ("unix:9", "unix:9", Endpoint::Tcp { host: ServerHost::Name("unix".into()), port: 9 }),
        ("unix:/run/tor/socks", "unix:/run/tor/socks", Endpoint::Unix(PathBuf::from("/run/tor/socks"))),
        ("unix:/run/pipeline/s:1=2", "unix:/run/pipeline/s:1=2", Endpoint::Unix(PathBuf::from("/run/pipeline/s:1=2"))),
    ] {
        let server: Server = text.parse().unwrap();
        assert_eq!((&server.endpoint, server.to_string().as_str()), (&endpoint, shown));
        assert_eq!(server, Server::new(endpoint));
        assert_eq!(shown.parse(), Ok(server));
    }
}

#[test]
fn a_redirect_is_written_as_it_is_read() {
    for text in
        ["gate:1080/redirect=b\u{fc}cher.example:80", "gate:1080/redirect=mail.example", "gate:1080/redirect=:25"]
    {
        assert_eq!(text.parse::<Server>().expect(text).to_string(), text);
    }
}

#[test]
fn server_options() {
    let options = "/ipv4/redirect=[::1]:25/pipeline/timeout=5";
    for place in ["gate.example:1080", "[::1]:1080", "unix:/run/tor/socks"] {
        let text = format!("{place}{options}");
        let server: Server = text.parse().unwrap();
        assert!(server.ipv4_only && server.pipeline);
        assert_eq!(server.timeout, Some(Duration::from_secs(5)));
        assert_eq!(server.redirect.as_ref().unwrap().port(), Some(25));
        assert_eq!(server.to_string(), text);
    }
    let plain: Server = "gate.example".parse().unwrap();
    assert!(!plain.ipv4_only && !plain.pipeline && plain.timeout.is_none() && plain.redirect.is_none());
}

#[test]
fn targets_for_servers() {
    for (server, target, asked) in [
        ("g", "www.example:80", "www.example:80"),
        ("g", "192.0.2.1:80", "192.0.2.1:80"),
        ("g", "[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
        ("g/ipv4", "[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
        ("g/ipv4", "[2001:db8::1]:80", "[2001:db8::1]:80"),
        ("g/redirect=mail.example", "192.0.2.1:80", "mail.example:80"),
        ("g/redirect=mail.example:25", "[2001:db8::1]:80", "mail.example:25"),
        ("g/redirect=192.0.2.9", "www.example:80", "192.0.2.9:80"),
        ("g/redirect=[::ffff:192.0.2.9]:25", "www.example:80", "192.0.2.9:25"),
        ("g/redirect=:8080", "www.example:80", "www.example:8080"),
        ("g/redirect=:8080", "[::ffff:192.0.2.1]:80", "192.0.2.1:8080"),
    ] {
        let server: Server = server.parse().unwrap();
        let target: TargetAddr = target.parse().unwrap();
        assert_eq!(server.target_for(&target), asked.parse().unwrap(), "{server} for {target}");
    }
}

#[test]
fn the_longest_prefix_wins_in_any_order() {
    let lines = [
        "proxy 10 a",
        "noproxy 10.1",
        "proxy 10.1.2 b",
        "noproxy 10.1.2.3",
        "proxy 0.0.0.0/0 c",
        "noproxy 2001:db8::/32",
    ];
    let expected = [
        ("10.0.0.1:1", "a:1080"),
        ("10.1.0.1:1", "direct"),
        ("10.1.2.1:1", "b:1080"),
        ("10.1.2.3:1", "direct"),
        ("10.1.2.4:1", "b:1080"),
        ("10.1.3.0:1", "direct"),
        ("10.2.0.0:1", "a:1080"),
        ("11.0.0.0:1", "c:1080"),
        ("[2001:db8::1]:1", "direct"),
        ("[2001:db9::1]:1", "c:1080"),
        ("[::a01:203]:1", "c:1080"),
    ];
    ways(&lines.join("\n"), expected);
    let backwards: Vec<&str> = lines.iter().rev().copied().collect();
    ways(&backwards.join("\n"), expected);
}

#[test]
fn zero_is_the_wildcard_of_both_families() {
    let wildcards = ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"];
    for rule in ["0.0.0.0", "0.0.0.0/32", "::/128", "::ffff:0.0.0.0", "0", "0.0.0.0/1", "::/96", "::ffff:0.0.0.0/96"] {
        let config = sound(&format!("proxy 0.0.0.0/0 g\nnoproxy {rule}"));
        for to in wildcards {
            assert_eq!(way(&config, to), "direct", "{rule} {to}");
        }
        assert_eq!(way(&config, "[1::]:0"), "g:1080");
        assert_eq!(way(&config, "128.0.0.0:0") == "direct", rule == "::ffff:0.0.0.0/96");
    }
    for rule in ["0.0.0.0/0", "::/0", "0/0"] {
        let config = sound(&format!("proxy {rule} g"));
        for to in wildcards.into_iter().chain(["10.0.0.1:1", "255.255.255.255:1", "[::1]:1", "[ffff::]:1"]) {
            assert_eq!(way(&config, to), "g:1080", "{rule} {to}");
        }
    }
}

#[test]
fn ports() {
    ways(
        "proxy 0.0.0.0/0:25 mail\nnoproxy 0.0.0.0/0:3306\nproxy 10 a\nproxy 10:20-30 b\nnoproxy 10:25\nproxy [2001:db8::/32]:25 c",
        [
            ("192.0.2.1:25", "mail:1080"),
            ("192.0.2.1:80", "direct"),
            ("[::5]:25", "mail:1080"),
            ("10.0.0.1:19", "a:1080"),
            ("10.0.0.1:20", "b:1080"),
            ("10.0.0.1:24", "b:1080"),
            ("10.0.0.1:25", "direct"),
            ("10.0.0.1:26", "b:1080"),
            ("10.0.0.1:30", "b:1080"),
            ("10.0.0.1:31", "a:1080"),
            // The longer prefix without a port before the shorter one with it.
            ("10.0.0.1:3306", "a:1080"),
            ("[2001:db8::1]:25", "c:1080"),
            ("[2001:db8::1]:80", "direct"),
        ],
    );
    // A longer prefix that has rules for other ports only leaves the rest to shorter ones.
    ways(
        "proxy 10 a\nnoproxy 10.1:80\nnoproxy 10.1.1:443",
        [("10.1.1.1:443", "direct"), ("10.1.1.1:80", "direct"), ("10.1.1.1:25", "a:1080"), ("10.1.2.1:443", "a:1080")],
    );
}

#[test]
fn names() {
    ways(
        "proxy 0.0.0.0/0 g\nnoproxy .example.com\nproxy .deep.Example.com d\nproxy .onion 127.0.0.1:9050\nnoproxy .mixed.example:80-90",
        [
            ("example.com:1", "direct"),
            ("www.example.com:1", "direct"),
            ("WWW.EXAMPLE.COM:1", "direct"),
            ("www.example.com.:1", "direct"),
            ("example.com.:1", "direct"),
            ("notexample.com:1", "g:1080"),
            ("example.com.org:1", "g:1080"),
            ("com:1", "g:1080"),
            ("deep.example.com:1", "d:1080"),
            ("a.b.deep.example.com:1", "d:1080"),
            ("xdeep.example.com:1", "direct"),
            ("a.onion:1", "127.0.0.1:9050"),
            ("onion:1", "127.0.0.1:9050"),
            ("mixed.example:85", "direct"),
            ("mixed.example:91", "g:1080"),
            (".example.com:1", "direct"),
            ("..example.com:1", "direct"),
            (".:1", "g:1080"),
        ],
    );
}

#[test]
fn a_name_rule_beats_an_address_rule() {
    ways(
        "noproxy 0.0.0.0/0\nproxy . g",
        [("www.example:1", "g:1080"), ("192.0.2.1:1", "direct"), ("192.0.2.1.:1", "direct")],
    );
    ways(
        "proxy . g\nnoproxy .:80\nproxy .example h\nstrict",
        [("x.y:1", "g:1080"), ("x.y:80", "direct"), ("example:80", "h:1080")],
    );
}

#[test]
fn a_numeric_name_is_an_address() {
    ways(
        "proxy .1 wrong\nproxy 10 a\nproxy 2001:db8::/32 b\nnoproxy .",
        [("10.0.0.1.:1", "a:1080"), ("10.0.0:1", "direct"), ("x.10.0.0.1:1", "wrong:1080")],
    );
    let config = sound("proxy 10 a\nproxy 2001:db8::/32 b");
    for (name, expected) in
        [("10.0.0.1", "a:1080"), ("2001:db8::1", "b:1080"), ("[2001:db8::1]", "b:1080"), ("::ffff:10.0.0.1", "a:1080")]
    {
        let Route::Proxy(rule) = config.route((name, 80)) else { panic!("{name}") };
        assert_eq!(rule.to_string(), expected);
    }
}

#[test]
fn localhost_is_the_loopback() {
    ways(
        "proxy 0.0.0.0/0 g\nnoproxy 127",
        [
            ("localhost:1", "direct"),
            ("LocalHost.:1", "direct"),
            ("a.localhost:1", "direct"),
            ("alocalhost:1", "g:1080"),
        ],
    );
    ways("proxy 0.0.0.0/0 g\nnoproxy 127\nproxy .localhost h", [("localhost:1", "h:1080")]);
    ways("proxy 0.0.0.0/0 g", [("localhost:1", "g:1080")]);
}

#[test]
fn a_name_without_a_rule() {
    // Where everything goes through a proxy, so does the name: nobody is asked for its address.
    ways("proxy 0.0.0.0/0 g\nproxy 10 a\nnoproxy 192.168", [("x.example:1", "g:1080")]);
    // Where its address may fall under a proxy rule, its address is needed.
    ways("proxy 10 a", [("x.example:1", "address")]);
    ways("noproxy 0.0.0.0/0\nproxy 10 a", [("x.example:1", "address")]);
    ways("proxy ::ffff:0:0/96 a", [("x.example:1", "address")]);
    ways("strict\nnoproxy 10", [("x.example:1", "address")]);
    // By port it is known not to.
    ways(
        "proxy 10:25 a\nproxy 11:20-30 b\nproxy 12:31 c",
        [("x.example:24", "address"), ("x.example:31", "address"), ("x.example:80", "direct")],
    );
    ways("strict\nproxy 10:25 a", [("x.example:80", "strict"), ("x.example:25", "address")]);
    ways("proxy 0.0.0.0/0:25 g\nproxy 10 a", [("x.example:25", "g:1080"), ("x.example:80", "address")]);
    // No rule could send it through a proxy.
    ways("noproxy 10\nproxy .onion g", [("x.example:1", "direct")]);
    ways("strict\nproxy .onion g", [("x.example:1", "strict")]);
}

#[test]
fn settings() {
    let config = sound("");
    assert_eq!((config.timeout(), config.retry()), (Duration::from_secs(60), Duration::from_secs(60)));
    assert_eq!((config.dns(), config.strict(), config.allows_env()), (Dns::Local, false, false));
    let config = sound("timeout 5\nretry 0\ndns remote\nstrict\nallowenv\nstrict");
    assert_eq!((config.timeout(), config.retry()), (Duration::from_secs(5), Duration::ZERO));
    assert_eq!((config.dns(), config.strict(), config.allows_env()), (Dns::Remote, true, true));
    assert_eq!(sound("dns local").dns(), Dns::Local);
    ways(
        "strict\nproxy 10 a\nnoproxy 11",
        [("10.0.0.1:1", "a:1080"), ("11.0.0.1:1", "direct"), ("12.0.0.1:1", "strict")],
    );
}

#[test]
fn words_of_the_proxy_server_are_ignored() {
    sound("port 1080\nanonproxy 10 x y z @\nauthproxy\nuser nobody\ngroup nogroup\ndebug 1\nprefork 5 = /");
}

#[test]
fn an_explanation_names_the_line() {
    let config = sound("proxy 0.0.0.0/0 g\n  noproxy 10:80\nproxy .onion h");
    let line = |to: (&'static str, u16)| {
        config.explain(to).rule.map(|(pattern, location): (&Pattern, _)| format!("{pattern} {location}"))
    };
    assert_eq!(line(("10.0.0.1", 80)).as_deref(), Some("10.0.0.0/8:80 socksrc:2:3"));
    assert_eq!(line(("x.onion", 80)).as_deref(), Some(".onion socksrc:3:1"));
    assert_eq!(line(("x.example", 80)).as_deref(), Some("0.0.0.0/0 socksrc:1:1"));
    assert!(Config::default().explain(("10.0.0.1", 80)).rule.is_none());
}

#[test]
fn a_configuration_is_shared_by_threads() {
    fn is_shared<T: Send + Sync + Clone + 'static>() {}
    is_shared::<Config>();
}

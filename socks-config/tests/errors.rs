//! What is wrong with a configuration, and that nothing leaks on account of it.

use socks_config::{Config, ConfigBuilder, Destination, ProxyUrl, Refusal, Route, Server, Severity};

/// The one thing wrong with a text.
#[track_caller]
fn only(text: &str) -> (Severity, String) {
    let parsed = Config::parse("f", text.as_bytes());
    let [diagnostic] = &*parsed.diagnostics else { panic!("{text:?}: {:?}", parsed.diagnostics) };
    assert_eq!(parsed.config.is_sound(), diagnostic.severity == Severity::Warning);
    (diagnostic.severity, diagnostic.to_string())
}

#[track_caller]
fn error(text: &str, expected: &str) {
    assert_eq!(only(text), (Severity::Error, expected.to_owned()));
}

#[test]
fn each_error_says_where_what_and_what_instead() {
    const SERVER: &str = "a server: host[:port][/option...], [IPv6]:port or unix:/path";
    const OPTION: &str = "ipv4, redirect=domain[:port], pipeline or timeout=SECONDS";
    const NETMASK: &str = "a NETMASK, such as 10.0.0.0/8 or 2001:db8::/32, or a name such as .example.com";
    for (text, found, expected) in [
        ("proxy", "f:1:6: found the end of the line", "a NETMASK, such as 10.0.0.0/8, or a name such as .example.com"),
        (
            "\n  noproxy # 10",
            "f:2:10: found the end of the line",
            "a NETMASK, such as 10.0.0.0/8, or a name such as .example.com",
        ),
        ("proxy 10", "f:1:9: found the end of the line", "SERVER[,SERVER...] [USERID PASSWORD]"),
        ("noproxy gate", "f:1:9: found `gate`", NETMASK),
        ("noproxy 10/33", "f:1:9: found `10/33`", "a prefix length from 0 to 32"),
        ("noproxy ::1/129", "f:1:9: found `::1/129`", "a prefix length from 0 to 128"),
        (
            "noproxy ::",
            "f:1:9: found `::` without a length",
            "::/0 for every address, or ::/128 for the wildcard address alone",
        ),
        ("noproxy 10:0", "f:1:9: found the ports `0`", "a port from 1 to 65535, or PORT-PORT with the lower one first"),
        ("noproxy .a..b", "f:1:9: found `.a..b`", "a name such as .example.com"),
        ("noproxy .b\u{fc}cher", "f:1:9: found a name beyond ASCII", "its `xn--` form"),
        ("noproxy 10 11", "f:1:12: found more words", "the end of the line"),
        ("proxy 10 a,,b", "f:1:12: found no host", SERVER),
        ("proxy 10 a,", "f:1:12: found no host", SERVER),
        ("proxy 10 a,b(c", "f:1:13: found `(` in a host name", SERVER),
        ("proxy 10 :1080", "f:1:10: found no host", SERVER),
        ("proxy 10 a:0", "f:1:12: found no port number", "a port from 1 to 65535"),
        ("proxy 10 a:", "f:1:12: found no port number", "a port from 1 to 65535"),
        ("proxy 10 10.1", "f:1:10: found a host that ends in a number", "an IPv4 address of four numbers, or a name"),
        ("proxy 10 [::1", "f:1:10: found no IPv6 address in brackets", SERVER),
        ("proxy 10 [::1]1080", "f:1:10: found more after `]`", SERVER),
        ("proxy 10 [::1]:x", "f:1:16: found no port number", "a port from 1 to 65535"),
        ("proxy 10 socks5://a", "f:1:10: found a URL", SERVER),
        ("proxy 10 a/ipv5", "f:1:12: found the unknown option `ipv5`", OPTION),
        ("proxy 10 a/", "f:1:12: found nothing after `/`", OPTION),
        ("proxy 10 a/ipv4/ipv4", "f:1:17: found `ipv4` a second time", "each option once"),
        ("proxy 10 a/timeout=0", "f:1:12: found `timeout=` without a number", "timeout=SECONDS, 1 or more"),
        ("proxy 10 a/redirect=", "f:1:21: found no host", "domain[:port] or :port"),
        ("proxy 10 a/redirect=:x", "f:1:21: found no port number", "a port from 1 to 65535"),
        ("proxy 10 unix:run", "f:1:15: found no absolute path", "unix:/path"),
        ("proxy 10 unix:/pipeline", "f:1:15: found no absolute path", "unix:/path"),
        ("proxy 10 a ann", "f:1:12: found a user without a password", "USERID PASSWORD, or @/path of a file with both"),
        ("proxy 10 a ann s3cret x", "f:1:23: found words after USERID PASSWORD", "the end of the line"),
        ("proxy 10 a @/file", "f:1:12: found a file to read", "USERID PASSWORD, as no file is read here"),
        (
            "proxy 10 a @file",
            "f:1:12: found `@` without an absolute path",
            "@/path of a file with user and password on two lines",
        ),
        ("allowenv no", "f:1:10: found more words", "the end of the line"),
        ("dns", "f:1:4: found the end of the line", "remote or local"),
        ("dns both", "f:1:5: found `both`", "remote or local"),
        (
            "dns remote 10.0.0.1/8",
            "f:1:12: found `10.0.0.1/8`",
            "a range of IPv4 addresses for names, such as 198.18.0.0/15",
        ),
        ("dns local 10.0.0.0/8", "f:1:11: found more words", "the end of the line"),
        ("dns local\ndns local", "f:2:1: found `dns` a second time, after f:1:1", "it once"),
        ("timeout 0", "f:1:9: found `0`", "a number of seconds, 1 or more"),
        ("timeout 1.5", "f:1:9: found `1.5`", "a number of seconds, 1 or more"),
        ("timeout", "f:1:8: found the end of the line", "a number of seconds, 1 or more"),
        ("retry -1", "f:1:7: found `-1`", "a number of seconds, 0 or more"),
        ("retry 1\n retry 2", "f:2:2: found `retry` a second time, after f:1:1", "it once"),
    ] {
        error(text, &format!("{found}, expected {expected}"));
    }
    // "more than one `:`" has its own hint.
    let (_, message) = only("proxy 10 ::1");
    assert_eq!(message, format!("f:1:10: found more than one `:`, expected {SERVER}, an IPv6 address in brackets"));
}

#[test]
fn warnings_stop_nothing() {
    let unknown = "expected proxy, noproxy, allowenv, dns, timeout, retry or strict";
    assert_eq!(
        only("\n  prox 10 a b c"),
        (Severity::Warning, format!("f:2:3: found the unknown word `prox`, {unknown}"))
    );
    assert_eq!(only("\0"), (Severity::Warning, format!("f:1:1: found the unknown word `\\x00`, {unknown}")));
    let taken = "f:1:9: found `172.20.7.1/24`, expected 172.20.7.0/24, which is taken";
    assert_eq!(only("noproxy 172.20.7.1/24"), (Severity::Warning, taken.to_owned()));
    let long = "x".repeat(10_000);
    assert!(only(&long).1.len() < 300);
}

#[test]
fn the_same_pattern_twice_names_both_places() {
    for (one, other, shown) in [
        ("proxy 10 a", "proxy 10.0.0.0/8 b", "10.0.0.0/8"),
        ("noproxy 0.0.0.0/0", "proxy ::/0 b", "0.0.0.0/0"),
        ("noproxy 10:25", "noproxy 10:25-25", "10.0.0.0/8:25"),
        ("noproxy .a", "noproxy .A.", ".a"),
        ("noproxy .", "noproxy .", "."),
        ("noproxy .a:1-2", "proxy .a:1-2 g", ".a:1-2"),
    ] {
        let expected = format!("f:3:2: found {shown} a second time, after f:1:1, expected each NETMASK and name once");
        error(&format!("{one}\n\n {other}"), &expected);
    }
    let mut builder = ConfigBuilder::new();
    builder.file("a", b"noproxy 10").file("b", b"noproxy 11\nnoproxy 10");
    let shown = builder.finish().diagnostics[0].to_string();
    assert_eq!(shown, "b:2:1: found 10.0.0.0/8 a second time, after a:1:1, expected each NETMASK and name once");
}

#[test]
fn ranges_of_ports_do_not_cross() {
    error(
        "noproxy 10:25-40\nproxy 10:20-30 a",
        "f:2:1: found 10.0.0.0/8:20-30, which overlaps 10.0.0.0/8:25-40 of f:1:1, \
         expected ranges of ports apart, or one inside the other",
    );
    assert!(Config::parse("f", b"noproxy 10:20-40\nproxy 10:20-30 a\nproxy 10:30-40 b").diagnostics.len() == 1);
    assert!(
        Config::parse("f", b"noproxy 10:20-40\nproxy 10:20-29 a\nproxy 10:30-40 b\nproxy 10 c").diagnostics.is_empty()
    );
    assert!(Config::parse("f", b"noproxy 10:20-30\nproxy 11:25-40 a").diagnostics.is_empty());
}

#[test]
fn diagnostics_come_in_the_order_of_the_text() {
    let text = "noproxy 10\nnoproxy 10\nfoo\nnoproxy x\nnoproxy 10\nproxy .a g\nproxy .a h";
    let lines: Vec<u32> = Config::parse("f", text.as_bytes()).diagnostics.iter().map(|d| d.location.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 7]);
}

#[track_caller]
fn unsound(text: &str, direct: &[&str], refused: &[&str]) {
    let config = Config::parse("f", text.as_bytes()).config;
    assert!(!config.is_sound(), "{text}");
    let route = |to: &str| {
        let target: socks_config::TargetAddr = to.parse().unwrap();
        match config.route(Destination::from(&target)) {
            Route::Direct => "direct",
            Route::Refused(Refusal::Unsound) => "refused",
            other => panic!("{to}: {other:?}"),
        }
    };
    for to in direct {
        assert_eq!(route(to), "direct", "{text:?} {to}");
    }
    for to in refused {
        assert_eq!(route(to), "refused", "{text:?} {to}");
    }
}

#[test]
fn an_unsound_configuration_lets_through_what_a_sound_noproxy_covers() {
    let rest = ["192.0.2.1:1", "x.example:1", "[2001:db8::1]:1"];
    unsound("noproxy 10\nproxy", &["10.0.0.1:1"], &rest);
    unsound("noproxy 10\nproxy 11 g\nproxy 0.0.0.0/0 a:b", &["10.0.0.1:1"], &rest);
    unsound("noproxy 10\nproxy 11 g\nproxy 0.0.0.0/0 a:b", &[], &["11.0.0.1:1"]);
    unsound("noproxy 127\ndns", &["127.0.0.1:1", "localhost:1"], &rest);
    unsound("noproxy .a\ndns", &["x.a:1"], &rest);
    // Inside it, what the broken line would have covered is refused, as far as that is known.
    unsound("noproxy 10\nproxy 10.1 a:b", &["10.2.0.1:1"], &["10.1.0.1:1"]);
    unsound("noproxy 10\nproxy 10.1:25 a:b", &["10.1.0.1:24"], &["10.1.0.1:25"]);
    unsound("noproxy .a\nproxy .b.a g ann", &["c.a:1"], &["b.a:1", "x.b.a:1"]);
    unsound("proxy 10 g\nnoproxy 10.1 x", &[], &["10.1.0.1:1", "10.2.0.1:1"]);
    // Two lines that contradict each other; two that agree.
    unsound("noproxy 10\nnoproxy 10.1\nproxy 10.1 g", &["10.2.0.1:1"], &["10.1.0.1:1"]);
    unsound("noproxy 10\nproxy 10.1 g\nnoproxy 10.1", &["10.2.0.1:1"], &["10.1.0.1:1"]);
    unsound("noproxy 10\nnoproxy 10", &["10.0.0.1:1"], &rest);
    // Ranges that cross: none of the prefix, whatever the port.
    unsound(
        "noproxy 10\nnoproxy 10:20-30\nproxy 10:25-40 g",
        &[],
        &["10.0.0.1:20", "10.0.0.1:27", "10.0.0.1:40", "10.0.0.1:80"],
    );
    unsound(
        "noproxy 10\nnoproxy 10.1:20-30\nproxy 10.1:25-40 g",
        &["10.2.0.1:27"],
        &["10.1.0.1:20", "10.1.0.1:40", "10.1.0.1:80"],
    );
    // A name whose address might fall under something else.
    unsound("noproxy 0.0.0.0/0\nproxy 10 a:b", &["192.0.2.1:1"], &["x.example:1", "10.0.0.1:1"]);
    unsound("noproxy 0.0.0.0/0\ndns", &["192.0.2.1:1", "x.example:1"], &[]);
    // Not even where nothing else is known.
    unsound("timeout x", &[], &rest);
    unsound("strict x", &[], &rest);
}

const SECRET: &str = "s3cret";

#[test]
fn no_message_holds_a_password() {
    for text in [
        "proxy 10 g ann s3cret x",
        "proxy 10 g @s3cret",
        "proxy 10 g s3cret",
        "proxy 10 ann:s3cret gate",
        "proxy 10 ann:s3cret@gate:1080",
        "proxy 10 gate,ann:s3cret@gate:1080",
        "proxy 10 socks5://ann:s3cret@gate:1080",
        "proxy 10 socks5://ann:s3/cret@gate:1080/x=s3cret",
        "proxy ann:s3cret@gate",
        "proxy socks5://ann:s3cret@gate",
        "noproxy 10 g ann s3cret",
        "ann:s3cret@gate",
        "timeout ann:s3cret@gate",
        "allowenv s3cret",
    ] {
        let parsed = Config::parse("f", text.as_bytes());
        assert_eq!(parsed.diagnostics.len(), 1, "{text}");
        let shown = format!("{:?} {}", parsed.diagnostics, parsed.diagnostics[0]);
        assert!(!shown.contains(SECRET) && !shown.contains("cret"), "{text}: {shown}");
    }
    let long = format!("proxy 10 g ann {}", SECRET.repeat(50));
    assert_eq!(only(&long).1, "f:1:16: found password of 300 bytes: SOCKS 5 carries 1 to 255, expected 1 to 255 bytes");
    let long = format!("proxy 10 g {} x", SECRET.repeat(50));
    assert_eq!(only(&long).1, "f:1:12: found username of 300 bytes: SOCKS 5 carries 1 to 255, expected 1 to 255 bytes");
    let config = Config::parse("f", b"proxy 10 g ann s3cret").config;
    assert!(!format!("{config:?} {:?}", config.proxies()).contains(SECRET));
}

#[test]
fn no_url_error_holds_a_password() {
    for url in [
        "ann:s3cret@gate",
        "http://ann:s3cret@gate",
        "ann:s3cret://gate",
        "socks5://s3cret@gate",
        "socks5://ann:s3cret@",
        "socks5://ann:s3cret@gate:x",
        "socks5://ann:s3cret@gate/path",
        "socks5://ann:s3cret/x@gate",
        "socks5://ann:s3cret#x@gate",
        "socks5://ann:s3cret?@gate",
        "socks5://ann:s3cret%@gate",
        "socks5://ann:s3cret%zz@gate",
        "socks5://:s3cret@gate",
        "socks5://ann:s3cret@ga te",
        "socks5://ann:s3cret@[gate]",
        "socks5://ann:s3cret@::1",
        "socks5://gate:s3cret",
        "socks5://ann s3cret",
    ] {
        let error = url.parse::<ProxyUrl>().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET), "{url}: {shown}");
        for name in ["SOCKS_PROXY", "SOCKSIFY_PROXY"] {
            let mut builder = ConfigBuilder::new();
            builder.variable(name, url.as_bytes());
            let parsed = builder.finish();
            assert!(!format!("{parsed:?}").contains(SECRET), "{url}");
        }
        assert!(!format!("{:?}", url.parse::<Server>()).contains(SECRET), "{url}");
    }
}

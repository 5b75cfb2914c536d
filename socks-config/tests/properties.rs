//! What holds for every text and every destination.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use socks_config::{Config, ConfigBuilder, Destination, Host, ProxyUrl, Refusal, Route, Server};

/// Addresses close together, so that rules cover them.
fn address() -> impl Strategy<Value = IpAddr> {
    let octet = prop_oneof![Just(0), Just(10), Just(127), Just(128), any::<u8>()];
    let group = prop_oneof![Just(0), Just(0x2001), Just(0xffff), any::<u16>()];
    prop_oneof![
        vec(octet.clone(), 4).prop_map(|o| Ipv4Addr::new(o[0], o[1], o[2], o[3]).into()),
        vec(octet, 4).prop_map(|o| Ipv4Addr::new(o[0], o[1], o[2], o[3]).to_ipv6_mapped().into()),
        vec(group, 8).prop_map(|g| Ipv6Addr::from([g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7]]).into()),
        Just(Ipv4Addr::UNSPECIFIED.into()),
        Just(Ipv6Addr::UNSPECIFIED.into()),
    ]
}

/// Ranges that are apart or one inside the other: of a power of two ports, at a multiple of it.
fn ports() -> impl Strategy<Value = Option<(u16, u16)>> {
    proptest::option::of((0..6u32, 1..8u16).prop_map(|(log, at)| (at << log, (at << log) + (1 << log) - 1)))
}

#[derive(Clone, Debug)]
struct Line {
    ip: IpAddr,
    len: u8,
    ports: Option<(u16, u16)>,
    is_proxy: bool,
}

fn line() -> impl Strategy<Value = Line> {
    (address(), 0..=128u8, ports(), any::<bool>()).prop_map(|(ip, len, ports, is_proxy)| {
        let len = if ip.is_ipv4() { len % 33 } else { len };
        Line { ip, len, ports, is_proxy }
    })
}

impl Line {
    fn text(&self, number: usize) -> String {
        let Self { ip, len, .. } = self;
        let pattern = match self.ports {
            None => format!("{ip}/{len}"),
            Some((first, last)) if ip.is_ipv4() => format!("{ip}/{len}:{first}-{last}"),
            Some((first, last)) => format!("[{ip}/{len}]:{first}-{last}"),
        };
        if self.is_proxy { format!("proxy {pattern} s{number}\n") } else { format!("noproxy {pattern}\n") }
    }

    /// The network in the space of IPv6, and its length there.
    fn network(&self) -> (u128, u32) {
        let (bits, len) = match self.ip {
            IpAddr::V4(_) if self.len == 0 => (0, 0),
            IpAddr::V4(ip) => (ip.to_ipv6_mapped().to_bits(), u32::from(self.len) + 96),
            IpAddr::V6(ip) => (ip.to_bits(), u32::from(self.len)),
        };
        match (bits, len) {
            (bits, 128) if bits == Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().to_bits() => (0, 128),
            (_, 0) => (0, 0),
            (bits, len) => (bits >> (128 - len) << (128 - len), len),
        }
    }

    fn covers(&self, ip: IpAddr, port: u16) -> bool {
        let (bits, len) = self.network();
        let under = |ip: Ipv6Addr| len == 0 || (ip.to_bits() ^ bits) >> (128 - len) == 0;
        let mapped = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
        let here = match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let covered = if here == mapped || here.is_unspecified() {
            under(mapped) || under(Ipv6Addr::UNSPECIFIED)
        } else {
            under(here)
        };
        covered && self.ports.is_none_or(|(first, last)| (first..=last).contains(&port))
    }
}

/// The server of the line that decides, found by looking at each.
fn linear(lines: &[Line], ip: IpAddr, port: u16) -> Option<String> {
    let covering = lines.iter().enumerate().filter(|(_, line)| line.covers(ip, port));
    let narrowest =
        |line: &Line| line.ports.map_or(0, |(first, last)| u32::from(u16::MAX) + 1 - u32::from(last - first));
    // 0.0.0.0/30 and ::/126 are equally long, and both cover the wildcard address.
    let is_under_zero = |line: &Line| line.network().0 == 0;
    let (number, line) = covering.max_by_key(|(_, line)| (line.network().1, is_under_zero(line), narrowest(line)))?;
    line.is_proxy.then(|| format!("s{number}:1080"))
}

fn server(config: &Config, to: Destination<'_>) -> Option<String> {
    match config.route(to) {
        Route::Direct => None,
        Route::Proxy(rule) => Some(rule.to_string()),
        Route::Refused(refusal) => panic!("{refusal:?}"),
    }
}

fn without_repetition<K: PartialEq>(lines: Vec<Line>, key: impl Fn(&Line) -> K) -> Vec<Line> {
    let mut kept: Vec<Line> = Vec::new();
    for line in lines {
        if kept.iter().all(|other| key(other) != key(&line)) {
            kept.push(line);
        }
    }
    kept
}

fn label() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("B"), Just("com"), Just("Example")]
}

proptest! {
    #[test]
    fn routes_agree_with_a_linear_search(
        lines in vec(line(), 0..40),
        places in vec((address(), 0..300u16), 1..40),
        pick in any::<prop::sample::Index>(),
    ) {
        let lines = without_repetition(lines, |line| (line.network(), line.ports));
        let text: String = lines.iter().enumerate().map(|(number, line)| line.text(number)).collect();
        let config = Config::parse("f", text.as_bytes()).config;
        prop_assert!(config.is_sound(), "{text}");
        let edge = lines.get(pick.index(lines.len().max(1))).map(Line::network);
        let edges = edge.into_iter().flat_map(|(bits, len)| {
            let last = bits | u128::MAX.checked_shr(len).unwrap_or(0);
            [bits, last, bits.wrapping_sub(1), last.wrapping_add(1)].map(|bits| (Ipv6Addr::from_bits(bits).into(), 32))
        });
        for (ip, port) in places.into_iter().chain(edges) {
            let found = server(&config, (ip, port).into());
            prop_assert_eq!(found, linear(&lines, ip, port), "{} {}\n{}", ip, port, text);
        }
    }

    #[test]
    fn names_agree_with_a_linear_search(
        rules in vec((vec(label(), 0..4), ports()), 0..20),
        asked in vec((vec(label(), 1..6), 0..300u16, any::<bool>()), 1..20),
    ) {
        let mut kept: Vec<(String, Option<(u16, u16)>)> = Vec::new();
        for (labels, ports) in rules {
            let name = labels.join(".").to_ascii_lowercase();
            if !kept.contains(&(name.clone(), ports)) {
                kept.push((name, ports));
            }
        }
        let mut text = String::new();
        for (number, (name, ports)) in kept.iter().enumerate() {
            let ports = ports.map(|(first, last)| format!(":{first}-{last}")).unwrap_or_default();
            text += &format!("proxy .{name}{ports} s{number}\n");
        }
        let config = Config::parse("f", text.as_bytes()).config;
        prop_assert!(config.is_sound(), "{text}");
        for (labels, port, dot) in asked {
            let name = labels.join(".").to_ascii_lowercase();
            let covering = kept.iter().enumerate().filter(|(_, (rule, ports))| {
                let under = rule.is_empty() || name == *rule || name.ends_with(&format!(".{rule}"));
                under && ports.is_none_or(|(first, last)| (first..=last).contains(&port))
            });
            let best = covering.max_by_key(|(_, (rule, ports))| {
                (rule.len(), ports.map_or(0, |(first, last)| u32::from(u16::MAX) + 1 - u32::from(last - first)))
            });
            let expected = best.map(|(number, _)| format!("s{number}:1080"));
            let asked = labels.join(".") + if dot { "." } else { "" };
            prop_assert_eq!(server(&config, (&*asked, port).into()), expected, "{} {}\n{}", asked, port, text);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in vec(any::<u8>(), 0..200), host in vec(any::<u8>(), 0..80), port in any::<u16>()) {
        let parsed = Config::parse("f", &text);
        let _ = (format!("{parsed:?}"), parsed.config.route(Destination { host: Host::Name(&host), port }));
        let mut builder = ConfigBuilder::new();
        builder.variable("V", &text);
        let _ = builder.finish();
        let text = String::from_utf8_lossy(&text);
        let _ = (text.parse::<Server>(), text.parse::<ProxyUrl>());
    }

    #[test]
    fn no_text_of_known_words_makes_it_panic_or_leak(
        words in vec(prop_oneof![
            4 => Just("\n"), 3 => Just(" "), 2 => Just("proxy"), 2 => Just("noproxy"), 1 => Just("dns"), 1 => Just("timeout"),
            1 => Just("strict"), 1 => Just("remote"), 1 => Just("0.0.0.0/0"), 1 => Just("10"), 1 => Just(".a"), 1 => Just("::"),
            1 => Just("/"), 1 => Just(":"), 1 => Just("["), 1 => Just("]"), 1 => Just(","), 1 => Just("@"), 1 => Just("25"), 1 => Just("-"),
            1 => Just("gate"), 1 => Just("unix:"), 1 => Just("/redirect="), 1 => Just("/ipv4"), 1 => Just("#"), 1 => Just("\u{fe}"),
        ], 0..60),
        ip in address(),
        port in any::<u16>(),
    ) {
        let parsed = Config::parse("f", words.concat().as_bytes());
        let is_sound = parsed.config.is_sound();
        // Unsound: direct by a line that says so, and never through a proxy that may be the wrong one.
        let explained = parsed.config.explain((ip, port));
        match explained.route {
            Route::Direct => prop_assert!(is_sound || explained.rule.is_some()),
            Route::Proxy(_) => prop_assert!(is_sound),
            Route::Refused(why) => prop_assert_eq!(is_sound, why != Refusal::Unsound),
        }
        for diagnostic in parsed.diagnostics {
            let line = words.concat().split('\n').nth(diagnostic.location.line as usize - 1).map(str::len);
            prop_assert!(line.is_some_and(|len| diagnostic.location.column as usize <= len + 1), "{}", diagnostic);
        }
    }

    #[test]
    fn a_server_is_written_as_it_is_read(
        place in prop_oneof![
            "[a-z][a-z0-9-]{0,8}(\\.[a-z][a-z0-9]{0,5}){0,3}", "unix:(/[a-z0-9 .=:-]{1,8}){1,3}", Just("[2001:db8::1]".to_owned()),
            Just("192.0.2.1".to_owned()),
        ],
        port in proptest::option::of(1..=u16::MAX),
        options in vec(prop_oneof![
            Just("/ipv4"), Just("/pipeline"), Just("/timeout=7"), Just("/redirect=a.example"), Just("/redirect=:25"),
            Just("/redirect=[::1]:25"),
        ], 0..3),
    ) {
        let port = port.filter(|_| !place.starts_with("unix")).map(|port| format!(":{port}")).unwrap_or_default();
        let text = format!("{place}{port}{}", options.concat());
        if let Ok(server) = text.parse::<Server>() {
            prop_assert_eq!(server.to_string().parse::<Server>(), Ok(server));
        } else {
            let names = options.iter().map(|option| option.split('=').next());
            let mut names: Vec<_> = names.collect();
            names.sort_unstable();
            names.dedup();
            prop_assert!(names.len() < options.len(), "{text}");
        }
    }

    #[test]
    fn a_url_says_what_it_was_made_of(user in "[^\\x00]{1,40}", password in vec(any::<u8>(), 1..100), remote in any::<bool>()) {
        let encode = |octets: &[u8]| octets.iter().map(|octet| format!("%{octet:02x}")).collect::<String>();
        let scheme = if remote { "socks5h" } else { "socks5" };
        let text = format!("{scheme}://{}:{}@gate", encode(user.as_bytes()), encode(&password));
        let url: ProxyUrl = text.parse().unwrap();
        let login = url.credentials().unwrap();
        prop_assert_eq!((login.username(), login.password()), (user.as_bytes(), &*password));
    }
}

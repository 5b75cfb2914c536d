//! Proxy URLs.

use socks_config::{Config, Dns, ProxyUrl, Route};

#[test]
fn urls() {
    for (text, server, login, names, shown) in [
        ("socks5://gate.example", "gate.example:1080", None, Dns::Local, "socks5://gate.example:1080"),
        ("socks5h://gate.example:9050", "gate.example:9050", None, Dns::Remote, "socks5h://gate.example:9050"),
        ("SOCKS5H://gate/", "gate:1080", None, Dns::Remote, "socks5h://gate:1080"),
        ("socks5://[2001:db8::1]:1", "[2001:db8::1]:1", None, Dns::Local, "socks5://[2001:db8::1]:1"),
        ("socks5://[::1]", "[::1]:1080", None, Dns::Local, "socks5://[::1]:1080"),
        ("socks5://ann:pw@192.0.2.1:1", "192.0.2.1:1", Some(("ann", "pw")), Dns::Local, "socks5://***@192.0.2.1:1"),
        ("socks5://a%3An:%40%2f%23%25@gate", "gate:1080", Some(("a:n", "@/#%")), Dns::Local, "socks5://***@gate:1080"),
        ("socks5://a:b:c@gate", "gate:1080", Some(("a", "b:c")), Dns::Local, "socks5://***@gate:1080"),
        ("socks5://a:b@c@gate", "gate:1080", Some(("a", "b@c")), Dns::Local, "socks5://***@gate:1080"),
        ("socks5://\u{e9}:%C3%A9@gate", "gate:1080", Some(("\u{e9}", "\u{e9}")), Dns::Local, "socks5://***@gate:1080"),
    ] {
        let url: ProxyUrl = text.parse().unwrap();
        assert_eq!(url.server().to_string(), server);
        let found = url.credentials().map(|login| (login.username(), login.password()));
        assert_eq!(found, login.map(|(user, password)| (user.as_bytes(), password.as_bytes())), "{text}");
        assert_eq!((url.names(), url.to_string().as_str()), (names, shown));
        assert_eq!(format!("{url:?}"), format!("\"{shown}\""));
    }
}

#[test]
fn anything_else_is_refused_with_the_choices_named() {
    const SCHEMES: &str = "socks5:// (names are resolved here) or socks5h:// (names are resolved by the proxy)";
    const FORM: &str = "socks5[h]://[user:password@]host[:port]";
    for (text, expected) in [
        ("", format!("column 1: found no scheme, expected {SCHEMES}")),
        ("gate:1080", format!("column 1: found no scheme, expected {SCHEMES}")),
        ("socks://gate", format!("column 1: found `socks://`, expected {SCHEMES}")),
        ("socks4a://gate", format!("column 1: found `socks4a://`, expected {SCHEMES}")),
        ("http://gate", format!("column 1: found `http://`, expected {SCHEMES}")),
        ("://gate", format!("column 1: found `://`, expected {SCHEMES}")),
        ("socks5://", format!("column 10: found no host, expected {FORM}")),
        ("socks5:///run/socks", format!("column 10: found more after the host, expected {FORM}")),
        ("socks5://gate:0", "column 15: found no port number, expected a port from 1 to 65535".to_owned()),
        ("socks5://gate:65536", "column 15: found no port number, expected a port from 1 to 65535".to_owned()),
        ("socks5://gate/x", format!("column 14: found more after the host, expected {FORM}")),
        ("socks5://ann@gate", format!("column 10: found a user without a password, expected {FORM}")),
        ("socks5://@gate", format!("column 10: found a user without a password, expected {FORM}")),
        (
            "socks5://:pw@gate",
            format!("column 10: found username of 0 bytes: SOCKS 5 carries 1 to 255, expected {FORM}"),
        ),
        (
            "socks5://a:@gate",
            format!("column 10: found password of 0 bytes: SOCKS 5 carries 1 to 255, expected {FORM}"),
        ),
        (
            "socks5://ann:a%2@gate",
            "column 15: found `%` without two hexadecimal digits, expected a percent sign as %25".to_owned(),
        ),
        (
            "socks5://ann:a/b@gate",
            "column 10: found `/`, `?` or `#` in the login, expected these percent-encoded: %2F, %3F, %23".to_owned(),
        ),
    ] {
        assert_eq!(text.parse::<ProxyUrl>().map_err(|e| e.to_string()), Err(expected), "{text}");
    }
    let long = format!("socks5://ann:{}@gate", "x".repeat(256));
    assert!(long.parse::<ProxyUrl>().unwrap_err().found().contains("256 bytes"));
}

#[test]
fn a_configuration_of_one_url() {
    let url: ProxyUrl = "socks5h://ann:pw@gate:9050".parse().unwrap();
    let config = Config::from_url(&url);
    assert!(config.is_sound() && config.dns() == Dns::Remote);
    for to in [("192.0.2.1", 1), ("127.0.0.1", 1), ("::1", 1), ("0.0.0.0", 0), ("www.example", 80), ("localhost", 80)] {
        let Route::Proxy(rule) = config.route(to) else { panic!("{to:?}") };
        assert_eq!((rule.to_string().as_str(), rule.credentials()), ("gate:9050", url.credentials()));
    }
    let local: ProxyUrl = "socks5://gate".parse().unwrap();
    assert_eq!(Config::from_url(&local).dns(), Dns::Local);
}

//! Any text as the value of a variable that names a proxy, as a URL and as a server: it is written as it was read, its login
//! is nowhere to be seen, and nothing goes direct, whatever is wrong with it.

#![no_main]

use std::str;

use libfuzzer_sys::fuzz_target;
use socks_config::{Config, ConfigBuilder, Dns, Parsed, ProxyUrl, Refusal, Route, Server, ServerHost};
use socks_fuzz::{Probes, masked};

fuzz_target!(|input: &[u8]| {
    let other = with_another_login(input);
    everything_goes_through_it(input, &other);
    if let (Ok(text), Ok(other)) = (str::from_utf8(input), str::from_utf8(&other)) {
        as_a_url(text, other);
        as_a_server(text);
    }
});

/// The same with another login: what stands between `://` and the last `@`, or behind the servers.
fn with_another_login(text: &[u8]) -> Vec<u8> {
    let (start, end) = match text.windows(3).position(|window| window == b"://") {
        Some(scheme) => (scheme + 3, text.iter().rposition(|&byte| byte == b'@').unwrap_or(0)),
        None => {
            let blank = |byte: &u8| b" \t\r".contains(byte);
            let first = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
            let login = text[first..].iter().position(blank).map_or(text.len(), |len| first + len);
            // `@/path` is no secret.
            let is_file = text[login..].iter().find(|byte| !blank(byte)) == Some(&b'@');
            (login, if is_file { login } else { text.len() })
        }
    };
    let end = end.max(start);
    [&text[..start], &masked(&text[start..end]), &text[end..]].concat()
}

fn everything_goes_through_it(text: &[u8], other: &[u8]) {
    let read = |text: &[u8]| -> Parsed {
        let mut builder = ConfigBuilder::new();
        builder.variable("PROXY", text);
        builder.finish()
    };
    let parsed = read(text);
    assert_eq!(format!("{:?}", read(other)), format!("{parsed:?}"));
    assert_eq!(parsed.config.is_sound(), parsed.diagnostics.is_empty());
    for diagnostic in &parsed.diagnostics {
        assert!((1..=text.len() + 1).contains(&(diagnostic.location.column as usize)), "{diagnostic}");
    }
    for to in Probes::new().destinations() {
        match parsed.config.route(to) {
            Route::Proxy(_) => assert!(parsed.config.is_sound()),
            Route::Refused(Refusal::Unsound) => assert!(!parsed.config.is_sound()),
            other => panic!("{to:?}: {other:?}"),
        }
    }
}

fn as_a_url(text: &str, other: &str) {
    let (url, other) = (text.parse::<ProxyUrl>(), other.parse::<ProxyUrl>());
    assert_eq!(format!("{url:?}"), format!("{other:?}"));
    let url = match url {
        Ok(url) => url,
        Err(error) => {
            assert_eq!(error.to_string(), other.map_or_else(|error| error.to_string(), |url| url.to_string()));
            return assert!((1..=text.len() + 1).contains(&error.column()), "{error}");
        }
    };
    let shown = url.to_string();
    assert_eq!(shown.contains("***@"), url.credentials().is_some());
    assert_eq!(shown.starts_with("socks5h://"), url.names() == Dns::Remote);
    let again: ProxyUrl = shown.replacen("***@", "u:p@", 1).parse().expect("as it is written");
    assert_eq!((again.to_string(), again.server(), again.names()), (shown, url.server(), url.names()));
    let Some(login) = url.credentials() else { return assert_eq!(again, url) };
    assert!((1..=255).contains(&login.username().len()) && (1..=255).contains(&login.password().len()));

    let config = Config::from_url(&url);
    assert_eq!(config.dns(), url.names());
    let Route::Proxy(rule) = config.route(("localhost", 1)) else { panic!("not through {url}") };
    assert_eq!((rule.servers(), rule.credentials()), (&[url.server().clone()][..], Some(login)));
}

fn as_a_server(text: &str) {
    let server = match text.parse::<Server>() {
        Ok(server) => server,
        Err(error) => return assert!((1..=text.len() + 1).contains(&error.column()), "{error}"),
    };
    let shown = server.to_string();
    assert_eq!(shown.parse::<Server>().as_ref(), Ok(&server), "{shown}");
    if let socks_config::Endpoint::Tcp { host: ServerHost::Name(name), port } = &server.endpoint {
        assert!((1..=255).contains(&name.len()) && *port > 0);
    }
}

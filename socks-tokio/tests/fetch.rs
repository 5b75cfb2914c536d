//! The example, as a program of its own.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::process::{Command, Output};

use socks_conformance::peers::listen;
use socks_conformance::proxy::{Proxy, ProxyConfig};

const PAGE: &str = "hello from behind the proxy\n";

/// Runs the example, by cargo, as not every way to build the tests builds it as well.
fn fetch(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    cargo.args(["--example", "fetch", "--"]).args(args).output().expect("cargo, which runs this test")
}

/// Answers one request.
fn server(answer: &'static str) -> u16 {
    let addr = listen(move |mut stream| {
        let mut request = Vec::new();
        let mut room = [0; 256];
        while !request.ends_with(b"\r\n\r\n") {
            let n = stream.read(&mut room)?;
            request.extend_from_slice(&room[..n]);
        }
        assert!(request.starts_with(b"GET /page HTTP/1.0\r\nHost: www.example:"), "{}", request.escape_ascii());
        stream.write_all(answer.as_bytes())
    });
    addr.port()
}

fn proxy() -> Proxy {
    let config = ProxyConfig {
        login: Some(("ann".into(), "s3cret".into())),
        hosts: vec![("www.example".into(), [127, 0, 0, 1].into())],
        ..ProxyConfig::default()
    };
    Proxy::start(config).expect("a proxy")
}

#[test]
fn a_page_through_the_proxy() {
    let proxy = proxy();
    let port = server("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello from behind the proxy\n");
    let url = format!("http://www.example:{port}/page");
    let fetched = fetch([format!("socks5h://ann:s3cret@{}", proxy.addr()), url.clone()]);
    assert!(fetched.status.success(), "{fetched:?}");
    assert_eq!(String::from_utf8_lossy(&fetched.stdout), PAGE);

    let refused = fetch([format!("socks5h://ann:wrong@{}", proxy.addr()), url]);
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn a_page_that_is_not_there() {
    let proxy = proxy();
    let port = server("HTTP/1.0 404 Not Found\r\n\r\nnothing");
    let fetched = fetch([format!("socks5h://ann:s3cret@{}", proxy.addr()), format!("http://www.example:{port}/page")]);
    assert!(!fetched.status.success() && fetched.stdout.is_empty(), "{fetched:?}");
    assert!(String::from_utf8_lossy(&fetched.stderr).contains("404 Not Found"), "{fetched:?}");
}

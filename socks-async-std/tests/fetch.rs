//! The example, as a program of its own, under each runtime.

use std::io::{Read, Write};
use std::process::{Command, Output};

use socks_conformance::peers::listen;
use socks_conformance::proxy::{Proxy, ProxyConfig};

const PAGE: &str = "hello from behind the proxy\n";

/// Runs the example, which cargo builds with the tests.
fn fetch(proxy: &str, url: &str, runtime: &str) -> Output {
    let test = std::env::current_exe().expect("this program");
    // Beside this test: target/<profile>/deps/<test> and target/<profile>/examples/fetch.
    let profile = test.parent().and_then(|deps| deps.parent()).expect("a target folder");
    Command::new(profile.join("examples/fetch"))
        .args([proxy, url, runtime])
        .output()
        .expect("cargo builds the examples of a package with its tests")
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
    for runtime in ["smol", "async-std"] {
        let fetched = fetch(&format!("socks5h://ann:s3cret@{}", proxy.addr()), &url, runtime);
        assert!(fetched.status.success(), "{fetched:?}");
        assert_eq!(String::from_utf8_lossy(&fetched.stdout), PAGE);

        let refused = fetch(&format!("socks5h://ann:wrong@{}", proxy.addr()), &url, runtime);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
    }
}

#[test]
fn a_page_that_is_not_there() {
    let proxy = proxy();
    let url = format!("http://www.example:{}/page", server("HTTP/1.0 404 Not Found\r\n\r\nnothing"));
    for runtime in ["smol", "async-std"] {
        let fetched = fetch(&format!("socks5h://ann:s3cret@{}", proxy.addr()), &url, runtime);
        assert!(!fetched.status.success() && fetched.stdout.is_empty(), "{fetched:?}");
        assert!(String::from_utf8_lossy(&fetched.stderr).contains("404 Not Found"), "{fetched:?}");
    }
}

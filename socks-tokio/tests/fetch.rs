//! The example, run against the embedded proxy.

use std::io::{Read, Write};

use socks_conformance::peers::listen;
use socks_conformance::proxy::{Proxy, ProxyConfig};

// Its main function is for the command line.
#[allow(dead_code)]
#[path = "../examples/fetch.rs"]
mod example;

const PAGE: &str = "hello from behind the proxy\n";

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

/// What the example prints, or what it fails with.
async fn fetch(proxy: &Proxy, login: &str, port: u16) -> Result<String, String> {
    let mut printed = Vec::new();
    let proxy = format!("socks5h://{login}@{}", proxy.addr());
    let url = format!("http://www.example:{port}/page");
    let fetched = example::fetch(&proxy, &url, &mut printed).await;
    fetched.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

#[tokio::test]
async fn a_page_through_the_proxy() {
    let proxy = proxy();
    let port = server("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello from behind the proxy\n");
    assert_eq!(fetch(&proxy, "ann:s3cret", port).await.as_deref(), Ok(PAGE));
    let refused = fetch(&proxy, "ann:wrong", port).await.expect_err("another login");
    assert!(refused.contains("login"), "{refused}");
}

#[tokio::test]
async fn a_page_that_is_not_there() {
    let port = server("HTTP/1.0 404 Not Found\r\n\r\nnothing");
    let missing = fetch(&proxy(), "ann:s3cret", port).await.expect_err("no page");
    assert_eq!(missing, "HTTP/1.0 404 Not Found");
}

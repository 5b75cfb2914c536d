//! The example does what it says, under both runtimes.

mod common;
// Its `main` has no use here.
#[allow(dead_code)]
#[path = "../examples/fetch.rs"]
mod example;

use std::io::{BufRead, BufReader, Write};

use common::{PATIENCE, listen};
use socks_conformance::proxy::{Proxy, ProxyConfig};

/// What the example writes and how it ends.
fn fetched(args: [&str; 3]) -> (String, Result<(), String>) {
    let mut out = Vec::new();
    let ended = example::run(&args.map(str::to_owned), &mut out).map_err(|error| error.to_string());
    (String::from_utf8(out).expect("text"), ended)
}

#[test]
fn a_page_is_fetched_by_a_name_that_only_the_proxy_knows() {
    let server = listen(|stream| {
        let mut head = String::new();
        let mut reader = BufReader::new(&stream);
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
        let line = head.lines().next().unwrap_or_default();
        (&stream).write_all(format!("HTTP/1.0 200 OK\r\n\r\nyou said {line}\n").as_bytes())
    });
    let login = Some(("ann".into(), "s3cret".into()));
    let hosts = vec![("www.example".into(), [127, 0, 0, 1].into())];
    let proxy = Proxy::start(ProxyConfig { login, hosts, ..ProxyConfig::default() }).expect("a proxy");
    let url = format!("socks5h://ann:s3cret@{}", proxy.addr());
    let page = format!("www.example:{}/a/page.html", server.port());
    for runtime in ["smol", "async-std"] {
        let (said, ended) = fetched([runtime, &url, &page]);
        assert_eq!(said, "HTTP/1.0 200 OK\r\n\r\nyou said GET /a/page.html HTTP/1.0\n");
        assert_eq!(ended, Ok(()));
    }
    assert_eq!(proxy.wait_for_log(2, PATIENCE).len(), 2);
    let (said, ended) = fetched(["smol", &url, "other.example:80/"]);
    assert_eq!(said, "");
    assert!(ended.expect_err("unknown to the proxy").contains("host unreachable"));
}

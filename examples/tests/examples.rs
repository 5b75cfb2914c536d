//! Each example, run as a user would, through the embedded proxy; what it prints is compared.

mod servers;

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::Duration;

use servers::{BODY, mail_server, name_server, web_server};
use socks_conformance::proxy::{Proxy, ProxyConfig};

const PATIENCE: Duration = Duration::from_secs(30);

/// A proxy with a login, which alone knows the names of these tests.
fn proxy() -> Proxy {
    let hosts = ["www.example", "ns.example", "mail.example", "gate.example"];
    let hosts = hosts.iter().map(|&name| (name.to_owned(), Ipv4Addr::LOCALHOST.into())).collect();
    let login = Some(("ann".into(), "s3cret".into()));
    Proxy::start(ProxyConfig { hosts, login, ..ProxyConfig::default() }).expect("a proxy")
}

fn url(proxy: &Proxy) -> String {
    format!("socks5h://ann:s3cret@{}", proxy.addr())
}

/// Runs an example to its end, and gives what it prints.
fn run(program: &str, args: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    // One that wants no input may have closed it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("its output");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text")
}

/// Fetches a page and says how the proxy tells it.
fn fetch(program: &str, more: &[&str], times: usize) {
    let (proxy, port) = (proxy(), web_server());
    let page = format!("http://www.example:{port}/");
    let shown = run(program, &[&[&page[..], &url(&proxy)], more].concat(), b"");
    assert_eq!(shown, format!("HTTP/1.1 200 OK\n{BODY}"));
    let log = proxy.wait_for_log(times, PATIENCE);
    assert_eq!(log.len(), times);
    let request = format!("method=userpass user=\"ann\" command=connect target=www.example:{port} ");
    assert!(log.iter().all(|line| line.contains(&request)), "{:?}", log[0]);
}

#[test]
fn fetch_blocking() {
    fetch(env!("CARGO_BIN_EXE_fetch-blocking"), &[], 1);
}

#[test]
fn fetch_poll() {
    fetch(env!("CARGO_BIN_EXE_fetch-poll"), &[], 1);
}

#[test]
fn fetch_epoll() {
    fetch(env!("CARGO_BIN_EXE_fetch-epoll"), &[], 1);
}

#[test]
fn fetch_mio_a_thousand_times_at_once() {
    // The proxy and the server are in this process.
    examples::allow_descriptors().expect("more descriptors");
    fetch(env!("CARGO_BIN_EXE_fetch-mio"), &["1000"], 1000);
}

#[test]
fn fetch_chain() {
    let (first, second, third, port) = (proxy(), proxy(), proxy(), web_server());
    // The second is known to the first alone, and the third to the second.
    let named = |proxy: &Proxy| format!("socks5h://ann:s3cret@gate.example:{}", proxy.addr().port());
    let page = format!("http://www.example:{port}/");
    let args = [&page[..], &url(&first), &named(&second), &named(&third)];
    let shown = run(env!("CARGO_BIN_EXE_fetch-chain"), &args, b"");
    assert_eq!(shown, format!("HTTP/1.1 200 OK\n{BODY}"));
    for (proxy, target) in [
        (&first, format!("gate.example:{}", second.addr().port())),
        (&second, format!("gate.example:{}", third.addr().port())),
        (&third, format!("www.example:{port}")),
    ] {
        let log = proxy.wait_for_log(1, PATIENCE);
        assert!(log[0].contains(&format!("target={target} ")), "{log:?}");
    }
}

#[test]
fn lookup_udp() {
    let (proxy, port) = (proxy(), name_server());
    let server = format!("ns.example:{port}");
    let shown = run(env!("CARGO_BIN_EXE_lookup-udp"), &["www.example", &server, &url(&proxy)], b"");
    assert_eq!(shown, "www.example 192.0.2.80\nwww.example 192.0.2.81\n");
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains("command=udp"), "{log:?}");
}

#[test]
fn mail_starttls() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificates = folder.path().join("certificates.pem");
    let (proxy, (port, certificate, mails)) = (proxy(), mail_server("mail.example"));
    std::fs::write(&certificates, certificate).expect("a file");
    let (server, certificates) = (format!("mail.example:{port}"), certificates.to_str().expect("a name"));
    let args = [&server[..], "ann@client.example", "bob@mail.example", certificates, &url(&proxy)];
    let shown = run(env!("CARGO_BIN_EXE_mail-starttls"), &args, b"Subject: lunch\n\n.at noon?\n");
    assert_eq!(shown, "kept\n");
    let mail = mails.recv_timeout(PATIENCE).expect("a mail");
    assert_eq!(mail.envelope, ["MAIL FROM:<ann@client.example>", "RCPT TO:<bob@mail.example>"]);
    assert_eq!(mail.text, "Subject: lunch\r\n\r\n..at noon?\r\n");
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains(&format!("command=connect target=mail.example:{port} ")), "{log:?}");
}

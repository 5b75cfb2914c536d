//! What the examples have in common, which is nothing about SOCKS: the command line, and the page that they fetch.
//!
//! Each is a program of its own in `src/bin`, and does one job through the proxy that a URL names:
//!
//! | program          | its loop                                                            | uses             |
//! |------------------|---------------------------------------------------------------------|------------------|
//! | `fetch-blocking` | none: it blocks                                                     | `socks-blocking` |
//! | `fetch-chain`    | none: it blocks; through several proxies, each inside the one before | `socks-blocking` |
//! | `fetch-poll`     | poll(2), by hand                                                    | `socks-proto`    |
//! | `fetch-epoll`    | epoll(7), by hand                                                   | `socks-proto`    |
//! | `fetch-mio`      | mio, with as many connections at once as are wanted                 | `socks-mio`      |
//! | `lookup-udp`     | none: it blocks; asks a name server by UDP                          | `socks-blocking` |
//! | `mail-starttls`  | none: it blocks; sends a mail by SMTP with STARTTLS                 | `socks-blocking` |
//!
//! Those that fetch take a page and a proxy and print the same:
//!
//! ```text
//! $ fetch-poll http://www.example/ socks5h://ann:s3cret@gate.example
//! HTTP/1.1 200 OK
//! hello
//! ```

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Resource, getrlimit, setrlimit};
use socks_config::{Endpoint, Server, ServerHost};
use socks_proto::TargetAddr;

/// As long as any of the examples waits for all of it.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The arguments, as many as the usage has words.
///
/// # Errors
/// There are more or fewer.
pub fn args<const N: usize>(usage: &str) -> anyhow::Result<[String; N]> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    args.try_into().map_err(|_| anyhow::anyhow!("usage: {usage}"))
}

/// A page to fetch.
#[derive(Clone, Debug)]
pub struct Page {
    /// The server of it. A name stays a name: the proxy resolves it.
    pub server: TargetAddr,
    /// What to say to the server, which then closes the connection.
    pub request: Vec<u8>,
}

impl FromStr for Page {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> anyhow::Result<Self> {
        let Some(rest) = url.strip_prefix("http://") else { bail!("{url}: not http://") };
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let server = match host.parse() {
            Ok(server) => server,
            Err(_) => format!("{host}:80").parse().with_context(|| url.to_owned())?,
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into();
        Ok(Self { server, request })
    }
}

/// What a server has answered, as the examples print it: its first line and the page.
///
/// # Errors
/// It is not HTTP.
pub fn shown(answer: &[u8]) -> anyhow::Result<String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").context("an answer without an end of its head")?;
    let status = head.lines().next().unwrap_or_default();
    Ok(format!("{status}\n{body}"))
}

/// Where a proxy listens. The system resolves its name, if it has one.
///
/// # Errors
/// There is no such address.
pub fn addr_of(server: &Server) -> io::Result<SocketAddr> {
    let mut addrs = match &server.endpoint {
        Endpoint::Tcp { host: ServerHost::Ip(ip), port } => vec![SocketAddr::new(*ip, *port)].into_iter(),
        Endpoint::Tcp { host: ServerHost::Name(name), port } => (name.as_str(), *port).to_socket_addrs()?,
        other => return Err(io::Error::new(io::ErrorKind::Unsupported, other.to_string())),
    };
    addrs.next().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// A socket that is on its way to be connected, and does not block.
///
/// # Errors
/// Those of the system.
pub fn begin_connect(addr: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
    match connect(&socket, &addr) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

/// Allows this process as many descriptors as it may have.
///
/// # Errors
/// Those of the system.
pub fn allow_descriptors() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_server_and_a_request() {
        for (url, server, path) in [
            ("http://www.example", "www.example:80", "/"),
            ("http://www.example:8080/a/b", "www.example:8080", "/a/b"),
            ("http://[2001:db8::1]:81/", "[2001:db8::1]:81", "/"),
        ] {
            let page: Page = url.parse().expect(url);
            assert_eq!(page.server.to_string(), server);
            assert!(page.request.starts_with(format!("GET {path} HTTP/1.1\r\n").as_bytes()), "{page:?}");
        }
        assert!("https://www.example/".parse::<Page>().is_err());
    }
}

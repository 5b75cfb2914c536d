//! What the tests of this crate have in common.

// Each test is a crate of its own and uses what it needs.
#![allow(dead_code)]

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use socks_async_std::async_io::{Async, Timer};
use socks_async_std::{Config, TargetAddr};
use socks_conformance::closed::ClosedPort;
// Not each test needs each.
#[allow(unused_imports)]
pub(crate) use socks_conformance::peers::{BANNER, GRANTED, METHOD_NONE, hangs_up, listen, scripted, target};

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// As long as a test may wait for nothing to happen.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// A port of the loopback that nobody listens on, to the end of the test.
pub(crate) fn closed() -> SocketAddr {
    Box::leak(Box::new(ClosedPort::new().expect("a free port"))).addr()
}

/// A configuration without faults.
pub(crate) fn config(text: &str) -> Config {
    let parsed = Config::parse("test", text.as_bytes());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.config
}

pub(crate) fn to(target: &str) -> TargetAddr {
    target.parse().expect("a target")
}

/// A connection that is not the adapter's.
pub(crate) async fn dial(addr: SocketAddr) -> Async<TcpStream> {
    Async::<TcpStream>::connect(addr).await.expect("a peer")
}

pub(crate) fn local_addr(stream: &Async<TcpStream>) -> SocketAddr {
    stream.get_ref().local_addr().expect("an address")
}

pub(crate) fn peer_addr(stream: &Async<TcpStream>) -> SocketAddr {
    stream.get_ref().peer_addr().expect("an address")
}

/// What comes of a future in [`PATIENCE`].
///
/// # Panics
/// It takes longer: it hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let hangs = async {
        Timer::after(PATIENCE).await;
        panic!("it hangs");
    };
    futures_lite::future::or(future, hangs).await
}

/// Reads the banner, and hears back what is said.
pub(crate) async fn converse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let mut banner = [0; BANNER.len()];
    stream.read_exact(&mut banner).await.expect("the banner");
    assert_eq!(banner, BANNER);
    stream.write_all(b"ping").await.expect("room");
    let mut heard = [0; 4];
    stream.read_exact(&mut heard).await.expect("an answer");
    assert_eq!(&heard, b"ping");
}

//! What the tests of this crate have in common.

// Each test is a crate of its own and uses what it needs.
#![allow(dead_code)]

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use socks_conformance::closed::ClosedPort;
// Not each test needs each.
#[allow(unused_imports)]
pub(crate) use socks_conformance::peers::{BANNER, GRANTED, METHOD_NONE, hangs_up, scripted, target};
use socks_tokio::{Config, TargetAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

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

/// One end in memory of a connection to a proxy that answers each read with the next of `answers`, and then holds it in
/// silence until it is closed. It runs on the runtime of the test.
pub(crate) fn answering(answers: &'static [&'static [u8]]) -> DuplexStream {
    let (ours, theirs) = duplex(1024);
    tokio::spawn(answer(theirs, answers));
    ours
}

/// The proxy's end of that.
pub(crate) async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answers: &[&[u8]]) {
    answer_each(&mut stream, answers).await;
    while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {}
}

/// The same without the silence.
pub(crate) async fn answer_each(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answers: &[&[u8]]) {
    for answer in answers {
        // A client that goes away is no failure of the peer.
        if !matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) || stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// A proxy on a Unix socket, which runs on the runtime of the test. Displayed as it is configured.
#[cfg(unix)]
pub(crate) struct Unix(tempfile::TempDir);

#[cfg(unix)]
impl Unix {
    /// Serves each connection by a task of its own.
    pub(crate) fn serving<F>(serve: impl Fn(UnixStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("proxy")).expect("a socket");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Self(folder)
    }

    /// Answers each read with the next of `answers`, then stays silent.
    pub(crate) fn answering(answers: &'static [&'static [u8]]) -> Self {
        Self::serving(move |stream| answer(stream, answers))
    }
}

#[cfg(unix)]
impl fmt::Display for Unix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.0.path().join("proxy").display())
    }
}

/// What comes of `work`, which must not take for ever.
pub(crate) async fn in_time<F: Future>(work: F) -> F::Output {
    timeout(PATIENCE, work).await.expect("no hanging")
}

/// What comes of one poll, after which the future is dropped.
pub(crate) async fn poll_once<F: Future>(work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

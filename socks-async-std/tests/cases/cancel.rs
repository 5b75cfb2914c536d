//! Futures that are dropped before they are ready leave nothing behind.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

use futures_lite::future::{or, poll_once};
use futures_lite::{AsyncRead, AsyncWrite};
use socks_async_std::{Listener, Login, Offer, UdpAssociation, connect, connect_over};
use socks_conformance::proxy::{Proxy, ProxyConfig};

use crate::common::{GRANTED, METHOD_NONE, PATIENCE, closed, config, converse, listen, soon, target, to};
use crate::run;

/// What a [`holding`] proxy tells.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// All that it answers is said, and the client has said more.
    Enough,
    Closed,
}

/// A proxy that answers each read with the next of `answers`, then hears one more and holds the connection.
fn holding(answers: &'static [&'static [u8]]) -> (SocketAddr, mpsc::Receiver<Heard>) {
    let (tell, told) = mpsc::channel();
    let addr = listen(move |mut stream| {
        let mut room = [0; 1024];
        for answer in answers {
            let _ = stream.read(&mut room)?;
            stream.write_all(answer)?;
        }
        let _ = stream.read(&mut room)?;
        let _ = tell.send(Heard::Enough);
        // An end, or a reset.
        while matches!(stream.read(&mut room), Ok(1..)) {}
        let _ = tell.send(Heard::Closed);
        Ok(())
    });
    (addr, told)
}

#[test]
fn a_connect_that_is_dropped_half_way_closes_its_connection() {
    for answers in [&[][..], &[METHOD_NONE]] {
        run(async move {
            let (addr, told) = holding(answers);
            let config = config(&format!("proxy 0.0.0.0/0 {addr}"));
            let heard = blocking(move || (told.recv_timeout(PATIENCE), told));
            let never = async { panic!("{:?}", connect(&config, to("mail.example:25")).await) };
            let (heard, told) = or(heard, never).await;
            assert_eq!(heard, Ok(Heard::Enough));
            assert_eq!(blocking(move || told.recv_timeout(PATIENCE)).await, Ok(Heard::Closed));
        });
    }
}

/// Waits for what blocks, on a thread of the pool.
fn blocking<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
    smol::unblock(wait)
}

#[test]
fn a_connect_that_is_dropped_while_a_name_is_looked_up_does_not_hinder_the_next() {
    run(async {
        let (proxy, server) = (Proxy::start(ProxyConfig::default()).expect("a proxy"), target());
        let config = config(&format!("proxy 0.0.0.0/0 localhost:{}", proxy.addr().port()));
        // The system may have answered already, and the next step been taken: dropping that is as good.
        drop(poll_once(connect(&config, server)).await);
        converse(&mut soon(connect(&config, server)).await.expect("a stream")).await;
    });
}

#[test]
fn a_future_that_was_never_polled_has_done_nothing() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let config = config(&format!("proxy 0.0.0.0/0 {},{}", proxy.addr(), closed()));
        let server = target();
        drop(connect(&config, server));
        drop(Listener::bind(&config, server));
        drop(UdpAssociation::open(&config, server));
        converse(&mut connect(&config, server).await.expect("a stream")).await;
        assert_eq!(proxy.connections(), 1);
    });
}

#[test]
fn a_proxy_waits_for_nobody_once_the_listener_is_gone() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
        let listener = Listener::bind(&config, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a listener");
        assert!(poll_once(listener.accept()).await.is_none());
        assert_eq!(proxy.wait_for_log(1, PATIENCE).len(), 1);
    });
}

/// A proxy in memory, at every other call of which one has to wait.
struct Restless {
    answers: &'static [u8],
    written: usize,
    flushed: bool,
    waited: bool,
    /// Held as long as the stream lives.
    _alive: Arc<()>,
}

impl Restless {
    fn new(alive: &Arc<()>) -> Self {
        let answers = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38";
        assert_eq!(answers[..2], *METHOD_NONE);
        assert_eq!(answers[2..], *GRANTED);
        Self { answers, written: 0, flushed: true, waited: false, _alive: Arc::clone(alive) }
    }

    fn rest(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.waited = !self.waited;
        if self.waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Restless {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.rest(cx));
        Poll::Ready(self.answers.read(buf))
    }
}

impl AsyncWrite for Restless {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.rest(cx));
        self.written += buf.len();
        self.flushed = false;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.flushed {
            std::task::ready!(self.rest(cx));
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How often `connect_over` has to be polled, up to `most` times; drops it then.
async fn polled(stream: impl AsyncRead + AsyncWrite + Unpin, most: usize) -> Option<usize> {
    let mut connecting = Box::pin(connect_over(stream, to("mail.example:25"), Offer::stepwise(Login::None)));
    for polls in 1..=most {
        if let Some(outcome) = poll_once(&mut connecting).await {
            outcome.expect("a stream");
            return Some(polls);
        }
    }
    None
}

#[test]
fn a_handshake_may_be_dropped_at_every_point() {
    run(async {
        let alive = Arc::new(());
        let whole = polled(Restless::new(&alive), 100).await.expect("it ends");
        // Two writes, two flushes, and three reads, each of which has to wait once.
        assert_eq!(whole, 8);
        for polls in 0..whole {
            assert_eq!(polled(Restless::new(&alive), polls).await, None);
            assert_eq!(Arc::strong_count(&alive), 1, "the stream is closed with the future");
        }
        let mut lent = Restless::new(&alive);
        assert_eq!(polled(&mut lent, 0).await, None);
        assert_eq!((lent.written, lent.waited), (0, false), "a lent stream is as it was before the first poll");
    });
}

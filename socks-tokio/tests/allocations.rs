//! A handshake over a stream of the caller's allocates nothing, without a login and with one.

use std::future::Future;
use std::hint::black_box;
use std::io::{self, Read};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use socks_conformance::allocations::{Counting, allocations};
use socks_conformance::cost::{Handshake, NONE, REPLY, handshakes};
use socks_tokio::{Listener, Login, Offer, TargetAddr, connect_over};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A proxy that says this at once; counts reads and writes.
struct Peer<'a> {
    script: &'a [u8],
    reads: usize,
    writes: usize,
}

impl AsyncRead for Peer<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.reads += 1;
        let n = self.script.read(buf.initialize_unfilled())?;
        buf.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes += 1;
        Poll::Ready(Ok(black_box(buf).len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What comes of a future that never has to wait.
fn at_once<F: Future>(work: F) -> F::Output {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits"),
    }
}

/// The allocations, reads and writes of `run` with a proxy that says `script`.
fn cost(script: &[u8], run: impl FnOnce(&mut Peer<'_>)) -> (usize, usize, usize) {
    let mut peer = Peer { script, reads: 0, writes: 0 };
    let (count, ()) = allocations(|| run(&mut peer));
    assert!(peer.script.is_empty(), "all of it is read");
    (count, peer.reads, peer.writes)
}

#[test]
fn the_counter_counts() {
    assert_eq!(cost(&[], |_| drop(black_box(Vec::<u8>::with_capacity(10)))).0, 1);
}

#[test]
fn connecting_over_a_stream_allocates_nothing() {
    for Handshake { target, offer, script, cost: expected } in handshakes() {
        let what = format!("{target}, {offer:?}");
        let cost = cost(&script, |peer| {
            black_box(at_once(connect_over(peer, target, offer)).expect("the proxy is kind"));
        });
        println!("{what}: allocations, reads, writes: {cost:?}");
        assert_eq!(cost, expected, "{what}");
    }
}

#[test]
fn listening_over_a_stream_allocates_nothing() {
    let (count, ..) = cost(&[NONE, REPLY, REPLY].concat(), |peer| {
        let listener = Listener::bind_over(peer, TargetAddr::UNSPECIFIED, Offer::stepwise(Login::None));
        let listener = at_once(listener).expect("the proxy is kind");
        black_box(at_once(listener.accept()).expect("the proxy is kind"));
    });
    assert_eq!(count, 0);
}

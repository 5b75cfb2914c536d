//! A handshake over a stream of the caller's allocates nothing, without a login and with one.

use std::hint::black_box;
use std::io::{self, Read};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_lite::{AsyncRead, AsyncWrite};
use socks_async_std::{Listener, Login, Offer, TargetAddr, UserPass, connect_over};
use socks_conformance::allocations::{Counting, allocations};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A proxy that says this; counts reads and writes.
struct Peer<'a> {
    script: &'a [u8],
    reads: usize,
    writes: usize,
}

impl AsyncRead for Peer<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.reads += 1;
        Poll::Ready(self.script.read(buf))
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

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What comes of a future that never has to wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
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

const NONE: &[u8] = &[5, 0];
const USER_PASS: &[u8] = &[5, 2, 1, 0];
const REPLY: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 4, 56];

#[test]
fn the_counter_counts() {
    assert_eq!(cost(&[], |_| drop(black_box(Vec::<u8>::with_capacity(10)))).0, 1);
}

#[test]
fn connecting_over_a_stream_allocates_nothing() {
    let login = Login::from(UserPass::new("ann", "s3cret").expect("short enough"));
    for target in ["192.0.2.1:80", "mail.example:25"] {
        let target: TargetAddr = target.parse().expect("a target");
        let cases = [
            // One read a message, and one more for what of a reply is beyond the shortest.
            (NONE, Offer::stepwise(Login::None), (0, 3, 2)),
            (NONE, Offer::one_round_trip(Login::None), (0, 2, 1)),
            (USER_PASS, Offer::stepwise(login.clone()), (0, 4, 3)),
            (USER_PASS, Offer::one_round_trip(login.clone()), (0, 2, 1)),
        ];
        for (opening, offer, expected) in cases {
            let what = format!("{target}, {offer:?}");
            let cost = cost(&[opening, REPLY].concat(), |peer| {
                black_box(at_once(connect_over(peer, target, offer)).expect("the proxy is kind"));
            });
            assert_eq!(cost, expected, "{what}");
            println!("{what}: {} allocations, {} reads, {} writes", cost.0, cost.1, cost.2);
        }
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

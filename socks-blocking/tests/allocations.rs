//! A handshake over a stream of the caller's allocates nothing, without a login and with one.

use std::hint::black_box;
use std::io::{self, Read, Write};

use socks_blocking::{Listener, Login, Offer, TargetAddr, connect_over};
use socks_conformance::allocations::{Counting, allocations};
use socks_conformance::cost::{Handshake, NONE, REPLY, handshakes};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A proxy that says this; counts reads and writes.
struct Peer<'a> {
    script: &'a [u8],
    reads: usize,
    writes: usize,
}

impl Read for Peer<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        self.script.read(buf)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        Ok(black_box(buf).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
            black_box(connect_over(peer, target, offer).expect("the proxy is kind"));
        });
        println!("{what}: allocations, reads, writes: {cost:?}");
        assert_eq!(cost, expected, "{what}");
    }
}

#[test]
fn listening_over_a_stream_allocates_nothing() {
    let (count, ..) = cost(&[NONE, REPLY, REPLY].concat(), |peer| {
        let listener = Listener::bind_over(peer, TargetAddr::UNSPECIFIED, Offer::stepwise(Login::None));
        black_box(listener.expect("the proxy is kind").accept().expect("the proxy is kind"));
    });
    assert_eq!(count, 0);
}

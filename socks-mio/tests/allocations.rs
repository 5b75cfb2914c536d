//! A handshake over a stream of the caller's allocates nothing, without a login and with one.

mod common;

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::time::Instant;

use common::Loop;
use mio::{Interest, Registry, Token, event};
use socks_conformance::allocations::{Counting, allocations};
use socks_mio::{Binding, Connecting, Login, Offer, Progress, Request, TargetAddr, UserPass};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A proxy that says this; counts reads and writes. Every other of them would block, where it is restless.
struct Peer {
    script: &'static [u8],
    restless: bool,
    rested: bool,
    reads: usize,
    writes: usize,
}

impl Peer {
    fn rest(&mut self) -> io::Result<()> {
        self.rested = self.restless && !self.rested;
        if self.rested { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }
}

impl Read for Peer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.rest()?;
        self.reads += 1;
        self.script.read(buf)
    }
}

impl Write for Peer {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.rest()?;
        self.writes += 1;
        Ok(black_box(buf).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl event::Source for Peer {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}

fn done<T>(mut request: Request<T, Peer>, registry: &Registry, now: Instant) -> T {
    registry.register(&mut request, Token(0), Interest::READABLE).expect("registered");
    loop {
        match request.ready(registry, now).expect("the proxy is kind") {
            Progress::Done(done) => return done,
            Progress::Pending => {}
            Progress::Resolve { .. } => panic!("no names here"),
        }
    }
}

const NONE: &[u8] = &[5, 0];
const USER_PASS: &[u8] = &[5, 2, 1, 0];
const REPLY: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 4, 56];

fn script(parts: &[&[u8]]) -> &'static [u8] {
    Vec::leak(parts.concat())
}

#[test]
fn connecting_over_a_stream_allocates_nothing() {
    let (by, now) = (Loop::new(), Instant::now());
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
            let restless = opening == USER_PASS;
            let peer = Peer { script: script(&[opening, REPLY]), restless, rested: false, reads: 0, writes: 0 };
            let (count, stream) = allocations(|| done(Connecting::over(peer, target, offer), by.registry(), now));
            let peer = stream.into_inner().expect("no protection");
            assert!(peer.script.is_empty(), "all of it is read");
            assert_eq!((count, peer.reads, peer.writes), expected, "{what}");
        }
    }
    println!("a request is {} bytes", size_of::<Connecting<()>>());
}

#[test]
fn listening_over_a_stream_allocates_nothing() {
    let (by, now) = (Loop::new(), Instant::now());
    let script = script(&[NONE, REPLY, REPLY]);
    let peer = Peer { script, restless: true, rested: false, reads: 0, writes: 0 };
    let (count, (_, from)) = allocations(|| {
        let binding = Binding::over(peer, TargetAddr::UNSPECIFIED, Offer::stepwise(Login::None));
        let mut listening = done(binding, by.registry(), now);
        black_box(listening.bound_addr());
        listening.get_mut().expect("the stream").restless = false;
        done(listening, by.registry(), now)
    });
    assert_eq!(count, 0);
    assert_eq!(from.to_string(), "127.0.0.1:1080");
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Vec::<u8>::with_capacity(10)))).0, 1);
}

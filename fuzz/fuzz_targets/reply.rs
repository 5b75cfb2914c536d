//! A server that says anything, in pieces of any size: the client comes to know the same, sends the same and takes the same
//! bytes, reads none that it was not owed, and allocates nothing where it promises that.

#![no_main]

use std::iter;

use libfuzzer_sys::fuzz_target;
use socks_conformance::allocations::{Counting, allocations};
use socks_conformance::seed::{Reply, Setup};
use socks_proto::{Error, Event, Handshake, MethodId, Step, WireAddr};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|input: &[u8]| {
    let Reply { setup, sizes, bytes } = Reply::parse(input);
    let whole = negotiate(&setup, bytes, iter::repeat(usize::MAX), Reading::InBulk);
    let ways: [(&mut dyn Iterator<Item = usize>, Reading); 4] = [
        (&mut iter::repeat(1), Reading::InBulk),
        (&mut sizes.iter().copied().cycle(), Reading::InBulk),
        (&mut iter::repeat(usize::MAX), Reading::Exactly),
        (&mut sizes.iter().copied().cycle(), Reading::Exactly),
    ];
    for (sizes, reading) in ways {
        assert_eq!(negotiate(&setup, bytes, sizes, reading), whole, "read {reading:?}");
    }
});

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    /// As a raw descriptor must: never more than is asked for.
    Exactly,
    /// What comes, and the rest of it again.
    InBulk,
}

/// What a client comes to know.
#[derive(Debug, PartialEq)]
struct Known {
    /// Its own bytes.
    sent: Vec<u8>,
    events: Vec<Event>,
    outcome: Result<Success, Error>,
}

#[derive(Debug, PartialEq)]
struct Success {
    bound: WireAddr,
    peer: Option<WireAddr>,
    method: MethodId,
    protected: bool,
    early: Vec<u8>,
    /// How many bytes of the server were the handshake's.
    consumed: usize,
}

/// A client that reads `bytes` in pieces of the given sizes, and then finds the stream at its end.
fn negotiate(setup: &Setup, bytes: &[u8], sizes: impl Iterator<Item = usize>, reading: Reading) -> Known {
    let handshake = Handshake::new(setup.command, setup.offer());
    // Room for all that can be sent without a method of its own, so that a client that allocates is the handshake.
    let known = Known { sent: Vec::with_capacity(2048), events: Vec::with_capacity(4), outcome: Ok(Success::NOTHING) };
    let (count, known) = allocations(|| drive(handshake, known, bytes, sizes, reading));
    assert!(!setup.is_plain() || count == 0, "{count} allocations");
    known
}

impl Success {
    const NOTHING: Self = Self {
        bound: WireAddr::UNSPECIFIED,
        peer: None,
        method: MethodId::NONE,
        protected: false,
        early: Vec::new(),
        consumed: 0,
    };
}

fn drive(
    mut handshake: Handshake,
    mut known: Known,
    bytes: &[u8],
    mut sizes: impl Iterator<Item = usize>,
    reading: Reading,
) -> Known {
    let (mut consumed, mut read) = (0_usize, 0_usize);
    loop {
        match handshake.step() {
            Err(error) => {
                known.outcome = Err(error);
                return known;
            }
            Ok(Step::Event(event)) => known.events.push(event),
            Ok(Step::Send(bytes)) => {
                let n = bytes.len();
                assert!(n > 0, "nothing to send");
                known.sent.extend_from_slice(bytes);
                handshake.sent(n);
            }
            Ok(Step::Receive { at_most }) => {
                let size = sizes.next().unwrap_or(1);
                let most = if reading == Reading::Exactly { size.min(at_most.get()) } else { size };
                // A bulk reader that holds bytes already reads some more all the same.
                read = bytes.len().min(read.saturating_add(most));
                if consumed == read {
                    assert_eq!(read, bytes.len(), "it reads on while there is something");
                    handshake.receive_eof();
                    continue;
                }
                match handshake.receive(&bytes[consumed..read]) {
                    Ok(used) => {
                        assert!(used > 0, "asked for input, and took none of it");
                        assert!(used <= read - consumed, "took more than there was");
                        consumed += used;
                        assert!(reading == Reading::InBulk || consumed == read, "asked for more than it was owed");
                    }
                    // The next step has it, after what came before it.
                    Err(error) => assert_eq!(handshake.step().err(), Some(error)),
                }
            }
            Ok(Step::Done) => {
                let Ok(done) = handshake.into_established() else { panic!("it says that it is done") };
                let protected = done.layer.is_some();
                let (bound, peer, method, early) = (done.bound, done.peer, done.method, done.early);
                assert!(protected || early.is_empty());
                known.outcome = Ok(Success { bound, peer, method, protected, early, consumed });
                return known;
            }
            Ok(step) => panic!("an unknown step: {step:?}"),
        }
    }
}

//! A handshake over a stream of the caller's allocates nothing, without a login and with one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, Read, Write};

use socks_blocking::{Listener, Login, Offer, TargetAddr, UserPass, connect_over};

/// Counts what the thread at hand allocates. Others, such as the test harness, do as they like.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is about to end has no counter any more, and nothing that is of interest.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that System asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above, and `ptr` came from System.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

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
    let before = COUNT.get();
    run(&mut peer);
    let count = COUNT.get() - before;
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
                black_box(connect_over(peer, target, offer).expect("the proxy is kind"));
            });
            assert_eq!(cost, expected, "{what}");
        }
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

//! A protected stream without a stream: short writes, messages in pieces, ends and failures.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::task::Poll;

use socks_adapter::Protection;
use socks_proto::{AuthError, Malformed, SecurityLayer, Unwrapped};

/// Messages of one length byte and that many bytes, each turned over. A length of 255 is none.
struct Toy;

impl SecurityLayer for Toy {
    fn wrap(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), AuthError> {
        for part in plain.chunks(254) {
            out.push(part.len() as u8);
            out.extend(part.iter().map(|byte| !byte));
        }
        // What cannot be protected leaves the beginning of a message behind.
        if plain == b"unspeakable" { Err(Malformed::Length.into()) } else { Ok(()) }
    }

    fn unwrap(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Unwrapped, AuthError> {
        let mut consumed = 0;
        loop {
            let rest = &input[consumed..];
            if rest.first() == Some(&255) {
                return Err(Malformed::Length.into());
            }
            let whole = 1 + rest.first().map_or(0, |&len| usize::from(len));
            match NonZeroUsize::new(whole.saturating_sub(rest.len())) {
                Some(at_least) => return Ok(Unwrapped { consumed, at_least }),
                None => out.extend(rest[1..whole].iter().map(|byte| !byte)),
            }
            consumed += whole;
        }
    }
}

fn wrapped(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Toy.wrap(plain, &mut out).expect("it can be said");
    out
}

fn protection(early: &[u8]) -> Protection {
    Protection::new(Box::new(Toy), early.to_vec())
}

/// The peer's bytes in these pieces, then its end; an empty piece is one that has not come yet.
fn pieces(pieces: &[&[u8]]) -> impl FnMut(&mut [u8]) -> Poll<io::Result<usize>> + use<> {
    let mut pieces: VecDeque<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    move |buf| match pieces.pop_front() {
        None => Poll::Ready(Ok(0)),
        Some(piece) if piece.is_empty() => Poll::Pending,
        Some(piece) => {
            buf[..piece.len()].copy_from_slice(&piece);
            Poll::Ready(Ok(piece.len()))
        }
    }
}

fn kind<T: std::fmt::Debug>(outcome: Poll<io::Result<T>>) -> io::ErrorKind {
    match outcome {
        Poll::Ready(Err(error)) => error.kind(),
        other => panic!("{other:?}"),
    }
}

fn ready<T: std::fmt::Debug>(outcome: Poll<io::Result<T>>) -> T {
    match outcome {
        Poll::Ready(Ok(value)) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_in_pieces_is_read_when_it_is_whole() {
    let message = wrapped(b"hello");
    let mut peer = pieces(&[&message[..1], b"", &message[1..4], &message[4..]]);
    let (mut protection, mut buf) = (protection(b""), [0; 16]);
    assert!(protection.read(&mut buf, &mut peer).is_pending());
    assert_eq!(ready(protection.read(&mut buf[..3], &mut peer)), 3);
    // What is left of it needs no more of the peer.
    assert_eq!(ready(protection.read(&mut buf[3..], |_| panic!("nothing to read"))), 2);
    assert_eq!(&buf[..5], b"hello");
    assert_eq!(ready(protection.read(&mut buf, &mut peer)), 0);
}

#[test]
fn early_bytes_come_first_and_an_empty_buffer_reads_nothing() {
    let (mut protection, mut buf) = (protection(b"220"), [0; 16]);
    assert_eq!(ready(protection.read(&mut [], |_| panic!("nothing to read"))), 0);
    assert_eq!(ready(protection.read(&mut buf, |_| panic!("nothing to read"))), 3);
}

#[test]
fn an_end_within_a_message_is_an_error_and_stays_one() {
    let (mut protection, mut buf) = (protection(b""), [0; 16]);
    let message = wrapped(b"hello");
    assert_eq!(kind(protection.read(&mut buf, pieces(&[&message[..3]]))), io::ErrorKind::UnexpectedEof);
    assert_eq!(kind(protection.read(&mut buf, pieces(&[&message[3..]]))), io::ErrorKind::InvalidData);
}

#[test]
fn a_bad_message_is_an_error_and_so_is_all_that_follows() {
    let (mut protection, mut buf) = (protection(b""), [0; 16]);
    assert_eq!(kind(protection.read(&mut buf, pieces(&[&[255]]))), io::ErrorKind::InvalidData);
    assert_eq!(kind(protection.read(&mut buf, |_| panic!("nothing to read"))), io::ErrorKind::InvalidData);
}

#[test]
fn errors_of_the_stream_are_passed_on_and_lose_nothing() {
    let message = wrapped(b"hello");
    let (mut protection, mut buf) = (protection(b""), [0; 16]);
    let mut first = true;
    let outcome = protection.read(&mut buf, |chunk| {
        if !std::mem::take(&mut first) {
            return Poll::Ready(Err(io::ErrorKind::WouldBlock.into()));
        }
        chunk[..2].copy_from_slice(&message[..2]);
        Poll::Ready(Ok(2))
    });
    assert_eq!(kind(outcome), io::ErrorKind::WouldBlock);
    assert_eq!(ready(protection.read(&mut buf, pieces(&[&message[2..]]))), 5);
}

#[test]
fn a_message_leaves_in_as_many_writes_as_it_takes() {
    let mut protection = protection(b"");
    let mut written = Vec::new();
    let n = ready(protection.write(b"hello", |bytes| {
        written.push(bytes[0]);
        Poll::Ready(Ok(1))
    }));
    assert_eq!((n, written), (5, wrapped(b"hello")));
}

#[test]
fn what_found_no_room_leaves_first_and_once() {
    for full in [|| Poll::Pending, || Poll::Ready(Err(io::Error::from(io::ErrorKind::WouldBlock)))] {
        let (mut protection, mut written) = (protection(b""), Vec::new());
        let mut room = 2;
        let n = protection.write(b"hello", |bytes| {
            let n = bytes.len().min(room);
            room -= n;
            written.extend_from_slice(&bytes[..n]);
            if n == 0 { full() } else { Poll::Ready(Ok(n)) }
        });
        assert_eq!(ready(n), 5, "it is taken and cannot be taken back");
        assert!(!matches!(protection.write(b"!", |_| full()), Poll::Ready(Ok(_))), "no room for more");
        ready(protection.flush(|bytes| {
            written.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }));
        ready(protection.flush(|_| panic!("nothing to write")));
        assert_eq!(written, wrapped(b"hello"));
    }
}

#[test]
fn a_large_write_is_a_short_one() {
    let mut protection = protection(b"");
    let all = |bytes: &[u8]| Poll::Ready(Ok(bytes.len()));
    assert_eq!(ready(protection.write(&[0; 100_000], all)), 16 * 1024);
    assert_eq!(ready(protection.write(b"", |_| panic!("nothing to write"))), 0);
}

#[test]
fn failures_of_writing_are_errors_and_send_no_half_message() {
    let mut protection = protection(b"");
    assert_eq!(kind(protection.write(b"unspeakable", |_| panic!("nothing to write"))), io::ErrorKind::InvalidData);
    ready(protection.flush(|_| panic!("nothing to write")));
    let zero = |_: &[u8]| Poll::Ready(Ok(0));
    assert_eq!(kind(protection.write(b"hello", zero)), io::ErrorKind::WriteZero);
    let broken = |_: &[u8]| Poll::Ready(Err(io::Error::from(io::ErrorKind::BrokenPipe)));
    assert_eq!(kind(protection.write(b"hello", broken)), io::ErrorKind::BrokenPipe);
}

#[test]
fn it_goes_wherever_a_stream_without_it_goes() {
    fn anywhere<T: Send + Sync>() {}
    anywhere::<Protection>();
}

//! GSSAPI: a stream whose bytes go through a protection, over one that would block in between.

mod common;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Instant;

use common::{Loop, to};
use mio::{Interest, Registry, Token, event};
use socks_conformance::gss::{self, ToyContext};
use socks_mio::{Connecting, Offer, Progress, Stream};
use socks_proto::{Auth, Gssapi, Protection};

/// What a proxy says that agrees on integrity: method, context, level, reply.
const HANDSHAKE: [&[u8]; 4] = [
    b"\x05\x01",
    b"\x01\x01\x00\x08server-1",
    b"\x01\x02\x00\x02i\x01",
    b"\x01\x03\x00\x0bi\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38",
];

/// Gives one piece a read, and would block where an empty one stands and where there is no more; takes as much as there
/// is room.
struct Peer {
    pieces: VecDeque<Vec<u8>>,
    room: usize,
    written: Vec<u8>,
}

impl Read for Peer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut piece = self.pieces.pop_front().unwrap_or_default();
        if piece.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = piece.len().min(buf.len());
        buf[..n].copy_from_slice(&piece[..n]);
        if n < piece.len() {
            self.pieces.push_front(piece.split_off(n));
        }
        Ok(n)
    }
}

impl Write for Peer {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(self.room);
        self.room -= n;
        self.written.extend_from_slice(&buf[..n]);
        if n == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(n) }
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

/// A protected message of the proxy.
fn message(plain: &[u8]) -> Vec<u8> {
    let token = gss::wrap(plain, false);
    [&[0x01, 0x03, 0x00, u8::try_from(token.len()).expect("a short one")][..], &token].concat()
}

/// A connection, with what the peer says after the handshake.
fn connected(later: impl IntoIterator<Item = Vec<u8>>) -> Stream<Peer> {
    let pieces = HANDSHAKE.iter().flat_map(|piece| [Vec::new(), piece.to_vec()]).chain(later).collect();
    let peer = Peer { pieces, room: usize::MAX, written: Vec::new() };
    let gssapi = Gssapi::new(Box::new(ToyContext::new(1)), Protection::Integrity).at_least(Protection::Integrity);
    let mut connecting = Connecting::over(peer, to("mail.example:25"), Offer::stepwise(Auth::gssapi(gssapi)));
    let by = Loop::new();
    let mut stream = loop {
        match connecting.ready(by.registry(), Instant::now()).expect("the proxy is kind") {
            Progress::Done(stream) => break stream,
            other => assert!(matches!(other, Progress::Pending), "{other:?}"),
        }
    };
    assert!(stream.is_protected());
    stream.get_mut().written.clear();
    stream
}

#[test]
fn half_a_message_would_block_and_is_not_lost() {
    let whole = message(b"hello");
    let mut stream = connected([whole[..3].to_vec(), Vec::new(), whole[3..].to_vec()]);
    let mut buf = [0; 16];
    assert_eq!(stream.read(&mut buf).expect_err("half of it").kind(), io::ErrorKind::WouldBlock);
    assert_eq!(stream.read(&mut buf[..2]).expect("all of it"), 2);
    assert_eq!(stream.read(&mut buf[2..]).expect("the rest"), 3);
    assert_eq!(&buf[..5], b"hello");
    assert_eq!(stream.read(&mut buf).expect_err("no more").kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn what_has_no_room_leaves_with_a_flush_and_once() {
    let mut stream = connected([]);
    stream.get_mut().room = 3;
    assert_eq!(stream.write(b"hello").expect("taken"), 5);
    assert_eq!(stream.write(b"world").expect_err("no room").kind(), io::ErrorKind::WouldBlock);
    assert_eq!(stream.flush().expect_err("no room").kind(), io::ErrorKind::WouldBlock);
    stream.get_mut().room = usize::MAX;
    stream.flush().expect("room");
    assert_eq!(stream.get_ref().written, message(b"hello"));
    assert!(stream.into_inner().is_err(), "the stream beneath is of no use alone");
}

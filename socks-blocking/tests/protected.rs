//! A method of authentication that protects all that follows, as GSSAPI does.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use socks_blocking::{Stream, TargetAddr, connect_over};
use socks_conformance::layer::{METHOD, offer, wrapped};

/// What the peer says, and how many bytes each write takes; keeps what is written.
#[derive(Default)]
struct Pipe {
    incoming: VecDeque<u8>,
    written: Vec<u8>,
    room: Option<usize>,
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(buf)
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = match &mut self.room {
            None => buf.len(),
            Some(0) => return Err(io::ErrorKind::WouldBlock.into()),
            Some(room) => {
                let n = buf.len().min(*room);
                *room -= n;
                n
            }
        };
        self.written.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection whose last message of the handshake is followed by `early` in the same message and `later` behind it.
fn connected(early: &[u8], later: &[u8]) -> Stream<Pipe> {
    let reply = [b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38", early].concat();
    let incoming = [vec![0x05, METHOD.0], wrapped(&reply), later.to_vec()].concat();
    let pipe = Pipe { incoming: incoming.into(), ..Pipe::default() };
    let target: TargetAddr = "192.0.2.1:80".parse().expect("a target");
    let mut stream = connect_over(pipe, target, offer()).expect("a stream");
    assert_eq!(stream.get_ref().written[..4], [5, 1, METHOD.0, 10]);
    stream.get_mut().written.clear();
    stream
}

#[test]
fn early_bytes_and_later_ones_come_in_order() {
    let later = [wrapped(b"two "), wrapped(&[b'x'; 300])].concat();
    let mut stream = connected(b"one ", &later);
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("all of it");
    assert_eq!(heard, format!("one two {}", "x".repeat(300)));
}

#[test]
fn an_end_within_a_message_is_an_error() {
    let mut stream = connected(b"", &wrapped(b"cut short")[..4]);
    let error = stream.read_to_end(&mut Vec::new()).expect_err("cut short");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn what_is_written_leaves_protected() {
    let mut stream = connected(b"", b"");
    stream.write_all(b"hello").expect("room");
    assert_eq!(stream.get_ref().written, wrapped(b"hello"));
}

#[test]
fn a_message_that_does_not_fit_leaves_later_and_once() {
    let mut stream = connected(b"", b"");
    stream.get_mut().room = Some(2);
    assert_eq!(stream.write(b"hello").expect("taken"), 5);
    assert_eq!(stream.write(b"world").expect_err("no room").kind(), io::ErrorKind::WouldBlock);
    stream.get_mut().room = None;
    stream.flush().expect("room");
    assert_eq!(stream.get_ref().written, wrapped(b"hello"));
}

#[test]
fn the_stream_beneath_is_of_no_use_alone() {
    let stream = connected(b"", b"");
    assert!(stream.is_protected());
    assert_eq!(stream.method(), METHOD);
    assert!(stream.into_inner().is_err());
}

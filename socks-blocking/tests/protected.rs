//! A method of authentication that protects all that follows, as GSSAPI does.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;

use socks_blocking::{Stream, TargetAddr, connect_over};
use socks_proto::{Auth, AuthError, AuthMethod, AuthStatus, MethodId, Offer, SecurityLayer, Unwrapped};

/// One of the numbers reserved for private methods.
const METHOD: MethodId = MethodId(0x80);
const KEY: u8 = 0x5a;

/// Lets everybody in, and protects with messages of one length byte and that many bytes, each turned over.
struct Toy;

impl AuthMethod for Toy {
    fn start(&mut self, _: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        Ok(AuthStatus::Done)
    }

    fn receive(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        Ok(AuthStatus::Done)
    }

    fn into_layer(self: Box<Self>) -> Option<Box<dyn SecurityLayer>> {
        Some(self)
    }
}

impl SecurityLayer for Toy {
    fn wrap(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), AuthError> {
        out.extend(wrapped(plain));
        Ok(())
    }

    fn unwrap(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Unwrapped, AuthError> {
        let mut consumed = 0;
        loop {
            let rest = &input[consumed..];
            let whole = 1 + rest.first().map_or(0, |&len| usize::from(len));
            match NonZeroUsize::new(whole.saturating_sub(rest.len())) {
                Some(at_least) => return Ok(Unwrapped { consumed, at_least }),
                None => out.extend(rest[1..whole].iter().map(|byte| byte ^ KEY)),
            }
            consumed += whole;
        }
    }
}

fn wrapped(plain: &[u8]) -> Vec<u8> {
    let message = |part: &[u8]| {
        let len = u8::try_from(part.len()).expect("at most 255");
        std::iter::once(len).chain(part.iter().map(|byte| byte ^ KEY)).collect::<Vec<_>>()
    };
    plain.chunks(255).flat_map(message).collect()
}

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
    let offer = Offer::stepwise(Auth::private(METHOD, Box::new(Toy)).ok().expect("a private number"));
    let target: TargetAddr = "192.0.2.1:80".parse().expect("a target");
    let mut stream = connect_over(pipe, target, offer).expect("a stream");
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

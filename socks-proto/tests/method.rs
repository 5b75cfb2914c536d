//! A method of authentication of the caller's own.

use core::num::NonZeroUsize;

use socks_proto::{Auth, AuthError, AuthMethod, AuthStatus, Command, Handshake, MethodId, Offer, Step};

const ID: MethodId = MethodId(0x80);

/// Is asked one byte, answers with another, and is done without waiting for what the proxy thinks of it.
struct LastWord;

impl AuthMethod for LastWord {
    fn start(&mut self, out: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        out.push(b'?');
        Ok(AuthStatus::Need { at_least: NonZeroUsize::MIN })
    }

    fn receive(&mut self, _: &[u8], out: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        out.push(b'!');
        Ok(AuthStatus::Done)
    }
}

/// A whole handshake in which each write takes `most` bytes: what was sent.
fn sent(most: usize) -> Vec<u8> {
    let target = "192.0.2.1:80".parse().expect("a target");
    let method = Auth::private(ID, Box::new(LastWord)).ok().expect("a number that is free");
    let mut handshake = Handshake::new(Command::Connect(target), Offer::stepwise(method));
    let mut script = &[5, ID.0, b'.', 5, 0, 0, 1, 127, 0, 0, 1, 4, 56][..];
    let mut sent = Vec::new();
    loop {
        match handshake.step().expect("the proxy is kind") {
            Step::Send(bytes) => {
                let n = bytes.len().min(most);
                sent.extend_from_slice(&bytes[..n]);
                handshake.sent(n);
            }
            Step::Receive { at_most } => {
                let (piece, rest) = script.split_at(at_most.get());
                script = rest;
                assert_eq!(handshake.receive(piece), Ok(piece.len()));
            }
            Step::Event(_) => {}
            _ => break,
        }
    }
    assert_eq!(script, b"", "all that the proxy said");
    assert_eq!(handshake.method(), Some(ID));
    assert!(handshake.is_done() && handshake.take_layer().is_none());
    assert_eq!(handshake.bound().expect("granted").to_string(), "127.0.0.1:1080");
    sent
}

#[test]
fn what_a_method_says_last_goes_out_before_the_request() {
    for most in [usize::MAX, 1] {
        assert_eq!(sent(most), [5, 1, ID.0, b'?', b'!', 5, 1, 0, 1, 192, 0, 2, 1, 0, 80], "{most} at a time");
    }
}

//! The scripted peer behind a descriptor, with the core's plain loop as its client.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use socks_conformance::conformance_tests;
use socks_conformance::driver::{Dial, Driver, Failure, Negotiated, Transport};
use socks_conformance::peer::{Paired, Peer};
use socks_conformance::script::{Act, Script};
use socks_proto::{Command, Error, Handshake, Offer, Step};

conformance_tests! {
    over_a_socket_pair: Over::<UnixStream>(Ok);
    over_loopback: Over::<Dial, TcpStream>(|dial| TcpStream::connect(dial.0));
}

/// How to come from a transport to a stream.
struct Over<T, S = T>(fn(T) -> io::Result<S>);

impl<T: Transport, S: Read + Write> Driver for Over<T, S> {
    type Transport = T;
    type Error = Failure;

    fn negotiate(&mut self, over: T, command: Command, offer: Offer) -> Result<Negotiated, Failure> {
        let mut stream = self.0(over)?;
        let mut handshake = Handshake::new(command, offer);
        let mut buf = [0; 512];
        loop {
            match handshake.step()? {
                Step::Send(bytes) => {
                    let n = stream.write(bytes)?;
                    handshake.sent(n);
                }
                Step::Receive { at_most } => {
                    let most = buf.len().min(at_most.get());
                    match stream.read(&mut buf[..most])? {
                        0 => return Err(handshake.receive_eof().into()),
                        n => handshake.receive(&buf[..n])?,
                    };
                }
                Step::Event(_) => {}
                _ => break,
            }
        }
        let done = handshake.into_established().expect("it is done");
        let mut unread = Vec::new();
        stream.read_to_end(&mut unread)?;
        Ok(Negotiated { bound: Some(done.bound), peer: done.peer, unread, ..Negotiated::default() })
    }

    fn is(error: &Failure, expected: &Error) -> bool {
        matches!(error, Failure::Socks(error) if error == expected)
    }
}

fn script(acts: impl IntoIterator<Item = Act>) -> Script {
    let acts = acts.into_iter().collect();
    Script { acts, closes: true, complete: true, writes: None, write_cap: None, restless: false }
}

#[test]
fn a_wrong_client_is_found_out() {
    let acts = || [Act::Expect(b"ab".into()), Act::Give(b"cd".into())];
    let (mut wrong, peer) = Paired::new(script(acts())).unwrap();
    wrong.write_all(b"ax").unwrap();
    assert!(peer.finish().unwrap_err().contains("expected ab"));
    let (mut chatty, peer) = Paired::new(script(acts())).unwrap();
    chatty.write_all(b"abc").unwrap();
    drop(chatty);
    assert!(peer.finish().unwrap_err().contains("too much: c"));
    let (silent, peer) = Paired::new(script(acts())).unwrap();
    drop(silent);
    assert!(peer.finish().unwrap_err().contains("closed before ab"));
    // One that never comes does not keep the test waiting.
    assert!(Peer::listen(script(acts())).unwrap().finish().is_err());
}

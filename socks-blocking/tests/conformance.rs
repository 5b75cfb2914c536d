//! Every vector of `vectors/`, over memory, a socket pair and TCP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use socks_blocking::{ConnectError, Error, Stream, connect_over};
use socks_conformance::driver::{Dial, Driver, Negotiated, Transport};
use socks_conformance::pipe::Pipe;
use socks_conformance::vector::Exchange;
use socks_proto::{Command, Offer};

/// Makes a stream of what the vectors run over, and reads what the proxy sent behind its reply, if that is to be read.
struct Over<T, S> {
    open: fn(T) -> S,
    rest: fn(&mut S) -> Vec<u8>,
}

impl<T: Transport, S: Read + Write> Driver for Over<T, S> {
    type Transport = T;
    type Error = Error;

    fn negotiate(&mut self, over: T, command: Command, offer: Offer) -> Result<Negotiated, Error> {
        let Command::Connect(target) = command else { unreachable!("can() says no") };
        let mut stream: Stream<S> = connect_over((self.open)(over), target, offer).map_err(ConnectError::into_error)?;
        Ok(Negotiated {
            bound: Some(*stream.bound()),
            method: Some(stream.method()),
            // From beneath: what follows a protected reply in the vectors is not protected.
            unread: (self.rest)(stream.get_mut()),
            ..Negotiated::default()
        })
    }

    fn is(error: &Error, expected: &socks_proto::Error) -> bool {
        matches!(error, Error::Handshake(error) if error == expected)
    }

    fn can(&self, exchange: &Exchange) -> bool {
        matches!(exchange.command, Command::Connect(_))
    }
}

fn to_the_end(stream: &mut impl Read) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("what is left");
    rest
}

socks_conformance::conformance_tests! {
    over_memory: Over { open: |pipe: Pipe| pipe, rest: |_| Vec::new() };
    over_a_socket_pair: Over { open: |stream: UnixStream| stream, rest: to_the_end };
    over_tcp: Over { open: |dial: Dial| TcpStream::connect(dial.0).expect("the scripted proxy"), rest: to_the_end };
}

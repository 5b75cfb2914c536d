//! Every vector of `vectors/`, over memory, a socket pair and TCP.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use socks_blocking::{
    ConnectError, Error, Listener, UdpAssociation, WireAddr, connect_over, resolve_over, resolve_ptr_over,
};
use socks_conformance::driver::{Dial, Driver, Negotiated, Transport};
use socks_conformance::pipe::Pipe;
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
        let mut io = (self.open)(over);
        // Dropped before the rest is read, all but the stream itself: what follows a protected reply in the vectors is
        // not protected.
        let told = match command {
            Command::Connect(target) => {
                let stream = connect_over(&mut io, target, offer)?;
                Negotiated { bound: Some(*stream.bound()), method: Some(stream.method()), ..Negotiated::default() }
            }
            Command::Bind(peer) => {
                let listener = Listener::bind_over(&mut io, peer, offer)?;
                let bound = Some(listener.bound_addr());
                let (stream, peer) = listener.accept()?;
                Negotiated { bound, peer: Some(peer), method: Some(stream.method()), ..Negotiated::default() }
            }
            Command::UdpAssociate(from) => {
                let from = WireAddr::from(from).socket_addr().filter(|from| !from.ip().is_unspecified());
                let association = UdpAssociation::open_over(&mut io, from, Ipv4Addr::LOCALHOST.into(), offer);
                answer(association.map(|association| *association.bound()))?
            }
            Command::Resolve(name) => answer(resolve_over(&mut io, name, offer).map(no_port))?,
            Command::ResolvePtr(ip) => {
                let name = resolve_ptr_over(&mut io, ip, offer);
                answer(name.map(|name| WireAddr::Name(name, 0)))?
            }
            other => panic!("a vector of {other:?}"),
        };
        Ok(Negotiated { unread: (self.rest)(&mut io), ..told })
    }

    fn is(error: &Error, expected: &socks_proto::Error) -> bool {
        matches!(error, Error::Handshake(error) if error == expected)
    }
}

/// What a request was answered with. The vectors are about the protocol, for which an answer of the wrong kind is one.
fn answer<S>(outcome: Result<WireAddr, ConnectError<S>>) -> Result<Negotiated, Error> {
    let bound = match outcome.map_err(ConnectError::into_error) {
        Err(Error::UnusableAnswer(bound)) => *bound,
        bound => bound?,
    };
    Ok(Negotiated { bound: Some(bound), ..Negotiated::default() })
}

fn no_port(ip: IpAddr) -> WireAddr {
    WireAddr::Ip(SocketAddr::new(ip, 0))
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

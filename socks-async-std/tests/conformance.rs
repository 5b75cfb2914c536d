//! Every vector of `vectors/`, over memory, a socket pair and TCP, under smol and under async-std.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite};
use socks_async_std::async_io::Async;
use socks_async_std::{
    ConnectError, Error, Listener, UdpAssociation, WireAddr, connect_over, resolve_over, resolve_ptr_over,
};
use socks_conformance::driver::{Dial, Driver, Negotiated, Transport};
use socks_conformance::pipe::Pipe;
use socks_proto::{Command, Offer};

type Negotiating<'a> = Pin<Box<dyn Future<Output = Result<Negotiated, Error>> + 'a>>;

/// Makes a stream of what the vectors run over, runs the adapter, and reads what the proxy sent behind its reply, if that
/// is to be read.
struct Over<T, S> {
    block_on: fn(Negotiating<'_>) -> Result<Negotiated, Error>,
    open: fn(T) -> S,
    read_rest: bool,
}

impl<T: Transport, S: AsyncRead + AsyncWrite + Unpin> Driver for Over<T, S> {
    type Transport = T;
    type Error = Error;
    const RESTLESS: bool = true;

    fn negotiate(&mut self, over: T, command: Command, offer: Offer) -> Result<Negotiated, Error> {
        let (mut io, read_rest) = ((self.open)(over), self.read_rest);
        (self.block_on)(Box::pin(async move {
            let mut told = negotiate(&mut io, command, offer).await?;
            if read_rest {
                io.read_to_end(&mut told.unread).await.expect("what is left");
            }
            Ok(told)
        }))
    }

    fn is(error: &Error, expected: &socks_proto::Error) -> bool {
        matches!(error, Error::Handshake(error) if error == expected)
    }
}

/// All but the stream itself is dropped before the rest is read: what follows a protected reply in the vectors is not
/// protected.
async fn negotiate(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    command: Command,
    offer: Offer,
) -> Result<Negotiated, Error> {
    match command {
        Command::Connect(target) => {
            let stream = connect_over(io, target, offer).await?;
            Ok(Negotiated { bound: Some(*stream.bound()), method: Some(stream.method()), ..Negotiated::default() })
        }
        Command::Bind(peer) => {
            let listener = Listener::bind_over(io, peer, offer).await?;
            let bound = Some(listener.bound_addr());
            let (stream, peer) = listener.accept().await?;
            Ok(Negotiated { bound, peer: Some(peer), method: Some(stream.method()), ..Negotiated::default() })
        }
        Command::UdpAssociate(from) => {
            let from = WireAddr::from(from).socket_addr().filter(|from| !from.ip().is_unspecified());
            let association = UdpAssociation::open_over(io, from, Ipv4Addr::LOCALHOST.into(), offer).await;
            answer(association.map(|association| *association.bound()))
        }
        Command::Resolve(name) => answer(resolve_over(io, name, offer).await.map(no_port)),
        Command::ResolvePtr(ip) => {
            let name = resolve_ptr_over(io, ip, offer).await;
            answer(name.map(|name| WireAddr::Name(name, 0)))
        }
        other => panic!("a vector of {other:?}"),
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

/// A pipe where what would block is pending, and may be tried again at once.
struct Memory(Pipe);

fn pending<T>(outcome: io::Result<T>, cx: &Context<'_>) -> Poll<io::Result<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        outcome => Poll::Ready(outcome),
    }
}

impl AsyncRead for Memory {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        pending(self.0.read(buf), cx)
    }
}

impl AsyncWrite for Memory {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        pending(self.0.write(buf), cx)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn pair(stream: UnixStream) -> Async<UnixStream> {
    Async::new(stream).expect("a stream")
}

fn dial(dial: Dial) -> Async<TcpStream> {
    Async::new(TcpStream::connect(dial.0).expect("the scripted proxy")).expect("a stream")
}

fn smol(negotiating: Negotiating<'_>) -> Result<Negotiated, Error> {
    smol::block_on(negotiating)
}

fn async_std(negotiating: Negotiating<'_>) -> Result<Negotiated, Error> {
    async_std::task::block_on(negotiating)
}

socks_conformance::conformance_tests! {
    over_memory_under_smol: Over { block_on: smol, open: Memory, read_rest: false };
    over_memory_under_async_std: Over { block_on: async_std, open: Memory, read_rest: false };
    over_a_socket_pair_under_smol: Over { block_on: smol, open: pair, read_rest: true };
    over_a_socket_pair_under_async_std: Over { block_on: async_std, open: pair, read_rest: true };
    over_tcp_under_smol: Over { block_on: smol, open: dial, read_rest: true };
    over_tcp_under_async_std: Over { block_on: async_std, open: dial, read_rest: true };
}

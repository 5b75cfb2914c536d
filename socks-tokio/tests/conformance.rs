//! Every vector of `vectors/`, over memory, a socket pair and TCP.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use socks_conformance::driver::{Dial, Driver, Negotiated, Transport};
use socks_conformance::pipe::Pipe;
use socks_proto::{Command, Offer};
use socks_tokio::{
    ConnectError, Error, Listener, UdpAssociation, WireAddr, connect_over, resolve_over, resolve_ptr_over,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};

/// Makes a stream of what the vectors run over, and reads what the proxy sent behind its reply, if that is to be read.
struct Over<T, S> {
    runtime: Runtime,
    open: fn(T) -> io::Result<S>,
    /// Whether the rest is read here.
    rest: bool,
}

impl<T: Transport, S: AsyncRead + AsyncWrite + Unpin> Driver for Over<T, S> {
    type Transport = T;
    type Error = Error;
    const RESTLESS: bool = true;

    fn negotiate(&mut self, over: T, command: Command, offer: Offer) -> Result<Negotiated, Error> {
        self.runtime.block_on(async {
            let mut io = (self.open)(over).expect("the scripted proxy");
            // The rest is read from the stream itself: what follows a protected reply in the vectors is not protected.
            let mut told = negotiate(&mut io, command, offer).await?;
            if self.rest {
                io.read_to_end(&mut told.unread).await.expect("what is left");
            }
            Ok(told)
        })
    }

    fn is(error: &Error, expected: &socks_proto::Error) -> bool {
        matches!(error, Error::Handshake(error) if error == expected)
    }
}

async fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    io: &mut S,
    command: Command,
    offer: Offer,
) -> Result<Negotiated, Error> {
    Ok(match command {
        Command::Connect(target) => {
            let stream = connect_over(io, target, offer).await?;
            Negotiated { bound: Some(*stream.bound()), method: Some(stream.method()), ..Negotiated::default() }
        }
        Command::Bind(peer) => {
            let listener = Listener::bind_over(io, peer, offer).await?;
            let bound = Some(listener.bound_addr());
            let (stream, peer) = listener.accept().await?;
            Negotiated { bound, peer: Some(peer), method: Some(stream.method()), ..Negotiated::default() }
        }
        Command::UdpAssociate(from) => {
            let from = WireAddr::from(from).socket_addr().filter(|from| !from.ip().is_unspecified());
            let association = UdpAssociation::open_over(io, from, Ipv4Addr::LOCALHOST.into(), offer);
            answer(association.await.map(|association| *association.bound()))?
        }
        Command::Resolve(name) => answer(resolve_over(io, name, offer).await.map(no_port))?,
        Command::ResolvePtr(ip) => answer(resolve_ptr_over(io, ip, offer).await.map(|name| WireAddr::Name(name, 0)))?,
        other => panic!("a vector of {other:?}"),
    })
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

/// The pipe, which says at times that it would block, and is ready again at once.
struct Restless(Pipe);

impl Restless {
    fn ready<T>(cx: &Context<'_>, outcome: io::Result<T>) -> Poll<io::Result<T>> {
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            outcome => Poll::Ready(outcome),
        }
    }
}

impl AsyncRead for Restless {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.0.read(buf.initialize_unfilled());
        Self::ready(cx, read.map(|n| buf.advance(n)))
    }
}

impl AsyncWrite for Restless {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.0.write(buf);
        Self::ready(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn over<T, S>(open: fn(T) -> io::Result<S>, rest: bool) -> Over<T, S> {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    Over { runtime, open, rest }
}

fn pair(stream: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn dial(to: Dial) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::connect(to.0)?;
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

socks_conformance::conformance_tests! {
    over_memory: over(|pipe| Ok(Restless(pipe)), false);
    over_a_socket_pair: over(pair, true);
    over_tcp: over(dial, true);
}

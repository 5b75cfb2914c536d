//! CONNECT: a stream to the target.

use std::future::{Future, poll_fn};
use std::net::TcpStream;
use std::time::Duration;

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use socks_adapter::{ConnectError, Error, Negotiation, Tunnel, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr, WireAddr};

use crate::drive::Request;
use crate::reach::{Reached, Way};
use crate::socket::Socket;
use crate::stream::Stream;

/// Connects to `target` the way that `config` says, as [`Async::<TcpStream>::connect`] does without a proxy.
///
/// The stream that comes back is at the first byte of the target, and its peer is the proxy. It is the one that both
/// runtimes build theirs from: `smol::net::TcpStream::from(stream)`, and
/// `async_std::net::TcpStream::from(stream.into_inner()?)`. By itself it does not shut down when it is closed, only when
/// it is dropped; that of smol, and a [`Socket`], do.
///
/// All of it together, from resolving the proxy's name to its answer, takes [`Config::timeout`] at most, or as long as a
/// server's `/timeout=` where that is longer. The time runs from this call on.
///
/// Servers on Unix sockets count as not reachable here, as they give no `TcpStream`: [`connect_through`] uses them.
///
/// # Cancel safety
/// Dropping the future closes the connection that was being made. Nothing else is left of it.
///
/// # Errors
/// [`Error`] says which step failed. Where the configuration names a proxy, nothing goes direct, come what may.
pub fn connect(
    config: &Config,
    target: impl Into<TargetAddr>,
) -> impl Future<Output = Result<Async<TcpStream>, Error>> {
    let target = target.into();
    let route = config.route(&target);
    let mut way = Way::new(route, Command::Connect(target), plan::timeout(config, &route));
    // Neither of the two methods that a configuration can offer leaves a protection behind.
    async move { way.reach().await.map(|(stream, _)| stream) }
}

/// Connects to `target` by a route that was asked for before, within `timeout` for all of it.
///
/// For a login of its own, such as a circuit of Tor apart from all others:
/// [`ProxyRule::with_credentials`](socks_config::ProxyRule::with_credentials).
///
/// ```no_run
/// use std::time::Duration;
///
/// use socks_async_std::{Config, TargetAddr, connect_through};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let parsed = Config::parse("socksrc", b"proxy 0.0.0.0/0 unix:/run/proxy.sock,gate.example");
/// let target: TargetAddr = "mail.example:25".parse()?;
/// let stream = connect_through(parsed.config.route(&target), target, Duration::from_secs(20)).await?;
/// println!("the target sees us come from {}", stream.bound());
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Cancel safety
/// As that of [`connect()`].
///
/// # Errors
/// As those of [`connect()`].
pub fn connect_through(
    route: Route<'_>,
    target: impl Into<TargetAddr>,
    timeout: Duration,
) -> impl Future<Output = Result<Stream<Socket>, Error>> {
    let mut way = Way::new(route, Command::Connect(target.into()), timeout);
    async move { way.reach().await.map(stream) }
}

fn stream((socket, negotiation): Reached<Socket>) -> Stream<Socket> {
    let tunnel = match negotiation {
        Some(negotiation) => finished(negotiation),
        None => Tunnel::direct(socket.local_addr().map_or(WireAddr::UNSPECIFIED, WireAddr::Ip)),
    };
    Stream::new(socket, tunnel)
}

/// Connects to `target` through the proxy at the other end of `stream`, whatever that is: a socket with settings of
/// its own, TLS, or the [`Stream`] of another proxy.
///
/// ```no_run
/// use smol::io::AsyncWriteExt;
/// use smol::net::TcpStream;
/// use socks_async_std::{Login, Offer, TargetAddr, connect_over};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// // Three proxies in a chain: each leads to the next, and the last to the target.
/// let no_login = || Offer::stepwise(Login::None);
/// let second: TargetAddr = "second.example:1080".parse()?;
/// let third: TargetAddr = "third.example:1080".parse()?;
/// let target: TargetAddr = "mail.example:25".parse()?;
/// let stream = TcpStream::connect("first.example:1080").await?;
/// let stream = connect_over(stream, second, no_login()).await?;
/// let stream = connect_over(stream, third, no_login()).await?;
/// let mut stream = connect_over(stream, target, no_login()).await?;
/// stream.write_all(b"QUIT\r\n").await?;
/// # Ok(())
/// # })
/// # }
/// ```
///
/// The time it may take is for the caller to set, by a timer that drops the future. It needs nothing of [`async_io`]:
/// whatever polls it will do.
///
/// # Cancel safety
/// Dropping the future drops the stream with it. Where that was lent (`&mut stream`), it is left in the middle of the
/// handshake, with an unknown part of it written and of the answer read: close it. Only a future that was never polled
/// leaves it untouched.
///
/// # Errors
/// [`ConnectError`] gives the stream back with the [`Error`].
pub fn connect_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    target: impl Into<TargetAddr>,
    offer: Offer,
) -> impl Future<Output = Result<Stream<S>, ConnectError<S>>> {
    let mut request = request_over(stream, Command::Connect(target.into()), offer);
    poll_fn(move |cx| request.poll_stream(cx))
}

/// A request over any stream.
pub(crate) fn request_over<S>(stream: S, command: Command, offer: Offer) -> Request<S> {
    Request::new(stream, Negotiation::new(command, offer))
}

/// What a negotiation has left behind that is at its end, as is that of a [`Request`] other than BIND's.
pub(crate) fn finished(negotiation: Negotiation) -> Tunnel {
    negotiation.into_tunnel().expect("a request is over at its end")
}

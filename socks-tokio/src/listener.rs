//! BIND: one connection that comes in at the proxy.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use socks_adapter::{ConnectError, Deadline, Error, Negotiation, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr, WireAddr};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::connect::{finished, request_over};
use crate::deadline::now;
use crate::drive::Request;
use crate::reach::Way;
use crate::socket::Socket;
use crate::stream::Stream;

/// A proxy that waits for one connection on our behalf (RFC 1928 §4, BIND), as active FTP needs it.
///
/// ```no_run
/// use socks_tokio::{Config, Listener, ProxyUrl, TargetAddr};
/// use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let proxy: ProxyUrl = "socks5h://gate.example".parse()?;
/// let server: TargetAddr = "ftp.example:21".parse()?;
/// let listener = Listener::bind(&Config::from_url(&proxy), server).await?;
/// println!("PORT {}", listener.bound_addr());
/// let (mut stream, peer) = listener.accept().await?;
/// println!("{peer} is here");
/// stream.read_to_end(&mut Vec::new()).await?;
/// # Ok(())
/// # }
/// ```
///
/// Dropping it closes the connection to the proxy, which then waits no longer.
pub struct Listener<S = Socket> {
    stream: S,
    /// Stands at the first reply.
    negotiation: Negotiation,
}

impl Listener<Socket> {
    /// Asks a proxy to wait for a connection of `peer`, the way that `config` says for a connection to `peer`. Takes as
    /// long as [`connect`](crate::connect()) may.
    ///
    /// [`TargetAddr::UNSPECIFIED`] lets anybody connect. Its way is that of the address 0.0.0.0, which many a
    /// configuration keeps on this machine: [`bind_through`](Self::bind_through) takes any other.
    ///
    /// # Cancel safety
    /// As that of [`connect`](crate::connect()).
    ///
    /// # Errors
    /// As those of [`connect`](crate::connect()); and [`Error::Direct`] where the way leads through no proxy:
    /// [`TcpListener`](tokio::net::TcpListener) listens on this machine.
    pub fn bind(config: &Config, peer: impl Into<TargetAddr>) -> impl Future<Output = Result<Self, Error>> {
        let peer = peer.into();
        let route = config.route(&peer);
        Self::bind_through(route, peer, plan::timeout(config, &route))
    }

    /// Asks a proxy of this route to wait for a connection of `peer`, within `timeout` for all up to its first reply.
    ///
    /// # Cancel safety
    /// As that of [`connect`](crate::connect()).
    ///
    /// # Errors
    /// As those of [`bind`](Self::bind).
    pub fn bind_through(
        route: Route<'_>,
        peer: impl Into<TargetAddr>,
        timeout: Duration,
    ) -> impl Future<Output = Result<Self, Error>> {
        let mut way = Way::new(route, Command::Bind(peer.into()), timeout);
        async move {
            let (stream, negotiation) = way.reach().await?;
            Ok(Self { stream, negotiation: negotiation.ok_or(Error::Direct)? })
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Listener<S> {
    /// Asks the proxy at the other end of `stream` to wait for a connection of `peer`; see
    /// [`connect_over`](crate::connect_over()).
    ///
    /// # Cancel safety
    /// As that of [`connect_over`](crate::connect_over()).
    ///
    /// # Errors
    /// [`ConnectError`] gives the stream back with the [`Error`].
    pub fn bind_over(
        stream: S,
        peer: impl Into<TargetAddr>,
        offer: Offer,
    ) -> impl Future<Output = Result<Self, ConnectError<S>>> {
        let mut request = request_over(stream, Command::Bind(peer.into()), offer);
        async move { (&mut request).await.map(|(stream, negotiation)| Self { stream, negotiation }) }
    }

    /// Waits until the peer has connected, and gives the connection with the peer's address as the proxy tells it.
    ///
    /// This may take as long as the peer likes. The stream then is at the first byte of the peer.
    ///
    /// # Cancel safety
    /// The listener is in the future: dropping that ends the waiting at the proxy as well. To do something else meanwhile,
    /// keep the future and poll it on, by reference.
    ///
    /// # Errors
    /// [`ConnectError`]: the proxy gave up ([`socks_proto::Error::Refused`] in
    /// [`Phase::SecondReply`](socks_proto::Phase::SecondReply)), or the connection to it broke.
    pub fn accept(self) -> impl Future<Output = Result<(Stream<S>, WireAddr), ConnectError<S>>> {
        let mut request = Request::new(self.stream, self.negotiation);
        async move { (&mut request).await.map(accepted) }
    }

    /// [`accept`](Self::accept), for no longer than `timeout` from this call on.
    ///
    /// # Cancel safety
    /// As that of [`accept`](Self::accept).
    ///
    /// # Errors
    /// As those of [`accept`](Self::accept), and [`Error::TimedOut`].
    pub fn accept_within(
        self,
        timeout: Duration,
    ) -> impl Future<Output = Result<(Stream<S>, WireAddr), ConnectError<S>>> {
        let deadline = Deadline::after(now(), timeout);
        let mut request = Request::new(self.stream, self.negotiation);
        async move { request.until(deadline, deadline).await.map(accepted) }
    }
}

fn accepted<S>((stream, negotiation): (S, Negotiation)) -> (Stream<S>, WireAddr) {
    let peer = negotiation.peer().unwrap_or(WireAddr::UNSPECIFIED);
    (Stream::new(stream, finished(negotiation)), peer)
}

impl<S> Listener<S> {
    /// Where the peer has to connect (BND.ADDR).
    ///
    /// Where the proxy leaves the host open (`0.0.0.0`), its own address takes that place, if that is known: over a
    /// stream of the caller's, or a Unix socket, it is not.
    pub fn bound_addr(&self) -> WireAddr {
        self.negotiation.bound()
    }

    /// The connection to the proxy: readable when there is something to [`accept`](Self::accept).
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The connection to the proxy, for its settings.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S> fmt::Debug for Listener<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("bound_addr", &self.bound_addr()).finish_non_exhaustive()
    }
}

//! BIND: one connection that comes in at the proxy.

use std::fmt;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use socks_adapter::{ConnectError, Deadline, Error, Negotiation, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr, WireAddr};

use crate::connect::finished;
use crate::drive::drive;
use crate::reach::{reach, run_until};
use crate::socket::Socket;
use crate::stream::Stream;

/// A proxy that waits for one connection on our behalf (RFC 1928 §4, BIND), as active FTP needs it.
///
/// ```no_run
/// use std::io::Read;
///
/// use socks_blocking::{Config, Listener, ProxyUrl, TargetAddr};
///
/// let proxy: ProxyUrl = "socks5h://gate.example".parse()?;
/// let server: TargetAddr = "ftp.example:21".parse()?;
/// let listener = Listener::bind(&Config::from_url(&proxy), server)?;
/// println!("PORT {}", listener.bound_addr());
/// let (mut stream, peer) = listener.accept()?;
/// println!("{peer} is here");
/// stream.read_to_end(&mut Vec::new())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
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
    /// # Errors
    /// As those of [`connect`](crate::connect()); and [`Error::Direct`] where the way leads through no proxy:
    /// [`TcpListener`](std::net::TcpListener) listens on this machine.
    pub fn bind(config: &Config, peer: impl Into<TargetAddr>) -> Result<Self, Error> {
        let peer = peer.into();
        let route = config.route(&peer);
        Self::bind_through(route, peer, plan::timeout(config, &route))
    }

    /// Asks a proxy of this route to wait for a connection of `peer`, within `timeout` for all up to its first reply.
    ///
    /// # Errors
    /// As those of [`bind`](Self::bind).
    pub fn bind_through(route: Route<'_>, peer: impl Into<TargetAddr>, timeout: Duration) -> Result<Self, Error> {
        let (stream, negotiation) = reach(route, Command::Bind(peer.into()), timeout)?;
        Ok(Self { stream, negotiation: negotiation.ok_or(Error::Direct)? })
    }

    /// [`accept`](Self::accept), for no longer than `timeout`.
    ///
    /// # Errors
    /// As those of [`accept`](Self::accept), and [`Error::TimedOut`].
    // The stream is in the error by purpose.
    #[allow(clippy::result_large_err)]
    pub fn accept_within(mut self, timeout: Duration) -> Result<(Stream<Socket>, WireAddr), ConnectError<Socket>> {
        let deadline = Deadline::after(Instant::now(), timeout);
        let outcome = run_until(&mut self.stream, &mut self.negotiation, deadline, deadline);
        self.accepted(outcome)
    }
}

impl<S: Read + Write> Listener<S> {
    /// Asks the proxy at the other end of `stream` to wait for a connection of `peer`; see
    /// [`connect_over`](crate::connect_over).
    ///
    /// # Errors
    /// [`ConnectError`] gives the stream back with the [`Error`].
    // The stream is in the error by purpose.
    #[allow(clippy::result_large_err)]
    pub fn bind_over(mut stream: S, peer: impl Into<TargetAddr>, offer: Offer) -> Result<Self, ConnectError<S>> {
        let mut negotiation = Negotiation::new(Command::Bind(peer.into()), offer);
        match drive(&mut stream, &mut negotiation, |_, _| Ok(())) {
            Ok(()) => Ok(Self { stream, negotiation }),
            Err(error) => Err(ConnectError::new(error, stream)),
        }
    }

    /// Waits until the peer has connected, and gives the connection with the peer's address as the proxy tells it.
    ///
    /// This may take as long as the peer likes, or as the timeouts of the stream allow. The stream then is at the first
    /// byte of the peer.
    ///
    /// # Errors
    /// [`ConnectError`]: the proxy gave up ([`socks_proto::Error::Refused`] in
    /// [`Phase::SecondReply`](socks_proto::Phase::SecondReply)), or the connection to it broke.
    // The stream is in the error by purpose.
    #[allow(clippy::result_large_err)]
    pub fn accept(mut self) -> Result<(Stream<S>, WireAddr), ConnectError<S>> {
        let outcome = drive(&mut self.stream, &mut self.negotiation, |_, _| Ok(()));
        self.accepted(outcome)
    }
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

    // The stream is in the error by purpose.
    #[allow(clippy::result_large_err)]
    fn accepted(self, outcome: Result<(), Error>) -> Result<(Stream<S>, WireAddr), ConnectError<S>> {
        match outcome {
            Ok(()) => {
                let peer = self.negotiation.peer().unwrap_or(WireAddr::UNSPECIFIED);
                Ok((Stream::new(self.stream, finished(self.negotiation)), peer))
            }
            Err(error) => Err(ConnectError::new(error, self.stream)),
        }
    }
}

impl<S> fmt::Debug for Listener<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("bound_addr", &self.bound_addr()).finish_non_exhaustive()
    }
}

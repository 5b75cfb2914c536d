//! BIND: one connection that comes in at the proxy.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use mio::event;
use socks_adapter::{Error, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr, WireAddr};

use crate::request::{Granted, Request};
use crate::socket::Socket;
use crate::stream::Stream;

/// A proxy that is being asked to wait for one connection on our behalf (RFC 1928 §4, BIND), as active FTP needs it:
/// comes to a [`Listening`].
pub type Binding<S = Socket> = Request<Listening<S>, S>;

/// A proxy that waits for one connection on our behalf: comes to the connection and the peer's address, as the proxy
/// tells it.
///
/// ```no_run
/// use std::time::Instant;
///
/// use mio::Registry;
/// use socks_mio::{Binding, Error, Listening, Progress};
///
/// /// With each event of the token, until the proxy listens.
/// pub fn begin(binding: &mut Binding, registry: &Registry) -> Result<Option<Listening>, Error> {
///     let Progress::Done(listening) = binding.ready(registry, Instant::now())? else { return Ok(None) };
///     println!("PORT {}", listening.bound_addr());
///     Ok(Some(listening))
/// }
///
/// /// With each event of the same token, from then on.
/// pub fn go_on(listening: &mut Listening, registry: &Registry) -> Result<(), Error> {
///     if let Progress::Done((stream, peer)) = listening.ready(registry, Instant::now())? {
///         println!("{peer} is here");
///         drop(stream);
///     }
///     Ok(())
/// }
/// # let _ = (begin, go_on);
/// ```
///
/// It stands registered where the [`Binding`] was, and may take as long as the peer likes, or as
/// [`until`](Request::until) says. Dropping it closes the connection to the proxy, which then waits no longer.
pub type Listening<S = Socket> = Request<(Stream<S>, WireAddr), S>;

impl Request<Listening<Socket>, Socket> {
    /// Asks a proxy to wait for a connection of `peer`, the way that `config` says for a connection to `peer`. Takes as
    /// long as [`Connecting::start`](crate::Connecting::start) may.
    ///
    /// [`TargetAddr::UNSPECIFIED`] lets anybody connect. Its way is that of the address 0.0.0.0, which many a
    /// configuration keeps on this machine: [`start_through`](Self::start_through) takes any other.
    ///
    /// # Errors
    /// [`Error::Refused`], and [`Error::Direct`] where the way leads through no proxy:
    /// [`TcpListener`](mio::net::TcpListener) listens on this machine.
    pub fn start(config: &Config, peer: impl Into<TargetAddr>, now: Instant) -> Result<Self, Error> {
        let peer = peer.into();
        let route = config.route(&peer);
        Self::start_through(route, peer, plan::timeout(config, &route), now)
    }

    /// Asks a proxy of this route to wait for a connection of `peer`, within `timeout` for all up to its first reply.
    ///
    /// # Errors
    /// As those of [`start`](Self::start).
    pub fn start_through(
        route: Route<'_>,
        peer: impl Into<TargetAddr>,
        timeout: Duration,
        now: Instant,
    ) -> Result<Self, Error> {
        Self::through(route, Command::Bind(peer.into()), timeout, now, bound)
    }
}

impl<S: Read + Write + event::Source> Request<Listening<S>, S> {
    /// Asks the proxy at the other end of `stream` to wait for a connection of `peer`; see
    /// [`Connecting::over`](crate::Connecting::over).
    pub fn over(stream: S, peer: impl Into<TargetAddr>, offer: Offer) -> Self {
        Self::over_stream(stream, Command::Bind(peer.into()), offer, bound)
    }
}

impl<S> Request<(Stream<S>, WireAddr), S> {
    /// Where the peer has to connect (BND.ADDR).
    ///
    /// Where the proxy leaves the host open (`0.0.0.0`), its own address takes that place, if that is known: over a
    /// stream of the caller's, or a Unix socket, it is not. Unspecified once the request is over.
    pub fn bound_addr(&self) -> WireAddr {
        self.negotiation().map_or(WireAddr::UNSPECIFIED, |negotiation| negotiation.bound())
    }
}

fn bound<S: event::Source>(granted: Granted<'_, S>) -> Result<Listening<S>, (Error, S)> {
    granted.go_on(accepted)
}

fn accepted<S: event::Source>(mut granted: Granted<'_, S>) -> Result<(Stream<S>, WireAddr), (Error, S)> {
    if let Err(error) = granted.rearm() {
        return Err((error, granted.stream));
    }
    let peer = granted.peer().unwrap_or(WireAddr::UNSPECIFIED);
    let tunnel = granted.tunnel();
    Ok((Stream::new(granted.stream, tunnel), peer))
}

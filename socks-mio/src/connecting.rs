//! CONNECT: a stream to the target.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use mio::event;
use socks_adapter::{Error, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr};

use crate::request::{Granted, Request};
use crate::socket::Socket;
use crate::stream::Stream;

/// A connection to a target on its way: comes to a [`Stream`].
///
/// ```no_run
/// use std::io::Write;
/// use std::time::Instant;
///
/// use mio::{Events, Interest, Poll, Token};
/// use socks_mio::{Config, Connecting, Progress, ProxyUrl, TargetAddr};
///
/// let proxy: ProxyUrl = "socks5h://ann:s3cret@192.0.2.1".parse()?;
/// let target: TargetAddr = "mail.example:25".parse()?;
/// let mut poll = Poll::new()?;
/// let mut events = Events::with_capacity(64);
///
/// let mut connecting = Connecting::start(&Config::from_url(&proxy), target, Instant::now())?;
/// poll.registry().register(&mut connecting, Token(7), Interest::READABLE)?;
/// let mut stream = loop {
///     match connecting.ready(poll.registry(), Instant::now())? {
///         Progress::Done(stream) => break stream,
///         // Not for a proxy that is given by its address.
///         Progress::Resolve { host, .. } => return Err(format!("who is {host}?").into()),
///         Progress::Pending => {
///             let left = connecting.deadline().map(|at| at.saturating_duration_since(Instant::now()));
///             poll.poll(&mut events, left)?;
///         }
///     }
/// };
/// stream.write_all(b"QUIT\r\n")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Connecting<S = Socket> = Request<Stream<S>, S>;

impl Request<Stream<Socket>, Socket> {
    /// A connection to `target` the way that `config` says.
    ///
    /// All of it together takes [`Config::timeout`] at most, or as long as a server's `/timeout=` where that is longer.
    /// The stream is at the first byte of the target, and its peer is the proxy.
    ///
    /// # Errors
    /// [`Error::Refused`] where the configuration gives no way to the target. Nothing is sent before the first
    /// [`ready`](Self::ready); where the configuration names a proxy, nothing goes direct, come what may.
    pub fn start(config: &Config, target: impl Into<TargetAddr>, now: Instant) -> Result<Self, Error> {
        let target = target.into();
        let route = config.route(&target);
        Self::start_through(route, target, plan::timeout(config, &route), now)
    }

    /// A connection to `target` by a route that was asked for before, within `timeout` for all of it.
    ///
    /// For a login of its own, such as a circuit of Tor apart from all others:
    /// [`ProxyRule::with_credentials`](socks_config::ProxyRule::with_credentials).
    ///
    /// # Errors
    /// As those of [`start`](Self::start).
    pub fn start_through(
        route: Route<'_>,
        target: impl Into<TargetAddr>,
        timeout: Duration,
        now: Instant,
    ) -> Result<Self, Error> {
        Self::through(route, Command::Connect(target.into()), timeout, now, connected)
    }
}

impl<S: Read + Write + event::Source> Request<Stream<S>, S> {
    /// A connection to `target` through the proxy at the other end of `stream`, whatever that is: a socket with settings
    /// of its own, TLS, or the [`Stream`] of another proxy. It has to be connected, and must not block.
    ///
    /// The time it may take is for the caller to say: [`until`](Self::until).
    ///
    /// A stream that is registered already has told its events: ask [`ready`](Self::ready) at once. To have it told anew
    /// with the end, as [`Request`] says, [`reregister`](event::Source::reregister) this in its place.
    pub fn over(stream: S, target: impl Into<TargetAddr>, offer: Offer) -> Self {
        Self::over_stream(stream, Command::Connect(target.into()), offer, connected)
    }
}

fn connected<S: event::Source>(mut granted: Granted<'_, S>) -> Result<Stream<S>, (Error, S)> {
    match granted.rearm() {
        Ok(()) => {
            let tunnel = granted.tunnel();
            Ok(Stream::new(granted.stream, tunnel))
        }
        Err(error) => Err((error, granted.stream)),
    }
}

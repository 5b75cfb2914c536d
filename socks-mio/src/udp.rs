//! UDP ASSOCIATE: datagrams by way of a proxy.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token, event};
use socks_adapter::datagram::{DatagramError, Datagrams, MAX_RECEIVED};
use socks_adapter::{Error, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, Phase, TargetAddr, WireAddr};

use crate::drive::would_block;
use crate::request::{Granted, Request};
use crate::socket::Socket;

/// An association that a proxy is being asked for (RFC 1928 §7): comes to a [`UdpAssociation`].
pub type Associating<S = Socket> = Request<UdpAssociation<S>, S>;

/// A UDP socket whose datagrams go through a proxy (RFC 1928 §7).
///
/// ```no_run
/// use std::io;
/// use std::net::SocketAddr;
///
/// use socks_mio::UdpAssociation;
///
/// pub fn ask(association: &mut UdpAssociation) -> io::Result<()> {
///     association.send_to(b"\x12\x34\x01\x00", SocketAddr::from(([192, 0, 2, 53], 53)))
/// }
///
/// /// With each event of the token.
/// pub fn hear(association: &mut UdpAssociation) -> io::Result<()> {
///     let mut buf = [0; 1500];
///     loop {
///         match association.recv_from(&mut buf) {
///             Ok((len, peer)) => println!("{len} bytes of {peer}"),
///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
///             Err(error) => return Err(error),
///         }
///     }
/// }
/// # let _ = (ask, hear);
/// ```
///
/// It owns the connection to the proxy over which it was asked for. The association lasts as long as that does: dropping
/// this ends it, and when the proxy closes it, sending and receiving fail with [`DatagramError::Closed`]. As an
/// [`event::Source`] it is both of them under one token: whichever is readable, receive until that would block.
///
/// See [`Datagrams`] for what is dropped and how fragments are joined.
pub struct UdpAssociation<S = Socket> {
    control: S,
    bound: WireAddr,
    datagrams: Datagrams,
    socket: UdpSocket,
    /// To the relay, so that nobody else's datagrams get in and what became of ours is told. With the first datagram: an
    /// association that carries none needs no way to the relay.
    connected: bool,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl Request<UdpAssociation<Socket>, Socket> {
    /// Asks for an association with a proxy, the way that `config` says for `target`. Takes as long as
    /// [`Connecting::start`](crate::Connecting::start) may.
    ///
    /// The association carries datagrams to any target; whether each of them should go this way is for the caller to ask
    /// the configuration.
    ///
    /// # Errors
    /// [`Error::Refused`], and [`Error::Direct`] where the way leads through no proxy: that is for a [`UdpSocket`].
    pub fn start(config: &Config, target: impl Into<TargetAddr>, now: Instant) -> Result<Self, Error> {
        let target = target.into();
        let route = config.route(&target);
        Self::start_through(route, plan::timeout(config, &route), now)
    }

    /// Asks for an association with a proxy of this route, within `timeout`.
    ///
    /// # Errors
    /// As those of [`start`](Self::start).
    pub fn start_through(route: Route<'_>, timeout: Duration, now: Instant) -> Result<Self, Error> {
        Self::through(route, Command::UdpAssociate(TargetAddr::UNSPECIFIED), timeout, now, associated)
    }
}

impl<S: Read + Write + event::Source> Request<UdpAssociation<S>, S> {
    /// Asks for an association with the proxy at the other end of `control`; see
    /// [`Connecting::over`](crate::Connecting::over).
    ///
    /// `from` is where the datagrams are to be sent from, for proxies that want to be told ahead; nowhere behind a
    /// translation of addresses. `None` leaves it open. `proxy` is where they go if the proxy leaves the address of its
    /// relay open (`0.0.0.0`), as many do.
    pub fn over(control: S, from: Option<SocketAddr>, proxy: IpAddr, offer: Offer) -> Self {
        let told = from.map_or(TargetAddr::UNSPECIFIED, TargetAddr::from);
        Self::over_stream(control, Command::UdpAssociate(told), offer, associated).with_addrs(proxy, from)
    }
}

fn associated<S: event::Source>(mut granted: Granted<'_, S>) -> Result<UdpAssociation<S>, (Error, S)> {
    // A proxy on a Unix socket is on this machine.
    let proxy = granted.proxy().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let tunnel = granted.tunnel();
    let bound = tunnel.bound;
    let opened = Datagrams::new(tunnel, proxy).and_then(|datagrams| {
        let near = granted.near.map(|addr| addr.ip());
        let from = granted.from.unwrap_or_else(|| datagrams.local_addr(near));
        let mut socket = UdpSocket::bind(from).map_err(|error| Error::from_io(Phase::Reply, error))?;
        granted.with_registration(|control, registry, token, interests| {
            control.reregister(registry, token, Interest::READABLE)?;
            registry.register(&mut socket, token, interests)
        })?;
        Ok((datagrams, socket))
    });
    let control = granted.stream;
    match opened {
        Ok((datagrams, socket)) => {
            let (outgoing, incoming) = (Vec::new(), Vec::new());
            Ok(UdpAssociation { control, bound, datagrams, socket, connected: false, outgoing, incoming })
        }
        Err(error) => Err((error, control)),
    }
}

impl<S> UdpAssociation<S> {
    /// BND.ADDR of the proxy's reply, as it came.
    pub fn bound(&self) -> &WireAddr {
        &self.bound
    }

    /// Where the datagrams go: the address of the relay, never an unspecified one.
    pub fn relay(&self) -> SocketAddr {
        self.datagrams.relay()
    }

    /// The connection to the proxy. What is read from it is lost to the association.
    pub fn get_ref(&self) -> &S {
        &self.control
    }
}

impl<S: Read> UdpAssociation<S> {
    /// Sends one datagram to `target`, by way of the relay. All of it or nothing.
    ///
    /// # Errors
    /// Those of the system, [`io::ErrorKind::WouldBlock`] among them; and [`DatagramError`] inside an [`io::Error`]: the
    /// payload does not fit into one datagram, or the proxy has ended the association.
    pub fn send_to(&mut self, payload: &[u8], target: impl Into<TargetAddr>) -> io::Result<()> {
        self.look_at_control()?;
        self.datagrams.encode(payload, &target.into(), &mut self.outgoing)?;
        if !self.connected {
            self.socket.connect(self.relay())?;
            self.connected = true;
        }
        loop {
            match self.socket.send(&self.outgoing) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent.map(drop),
            }
        }
    }

    /// Puts the payload of one datagram into `buf`, and gives its length and who sent it.
    ///
    /// What came before the proxy ended the association is still received.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where there is none yet, and others of the system; and [`DatagramError`] inside an
    /// [`io::Error`]: the payload is longer than `buf` and was lost, or the proxy has ended the association.
    pub fn recv_from(&mut self, buf: &mut [u8]) -> io::Result<(usize, WireAddr)> {
        self.incoming.resize(MAX_RECEIVED, 0);
        loop {
            match self.socket.recv_from(&mut self.incoming) {
                Ok((len, from)) => {
                    let datagram = &self.incoming[..len];
                    if let Some(received) = self.datagrams.decode(datagram, from, Instant::now(), buf)? {
                        return Ok(received);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if error.kind() == io::ErrorKind::WouldBlock {
                        self.look_at_control()?;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Whether the proxy still holds the association. Nothing that it could say here has a meaning.
    fn look_at_control(&mut self) -> io::Result<()> {
        loop {
            let read = self.control.read(&mut [0; 64]);
            match read {
                Ok(0) => return Err(DatagramError::Closed.into()),
                Ok(_) => {}
                _ if would_block(&read) => return Ok(()),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::ConnectionReset | io::ErrorKind::TimedOut => {
                        return Err(DatagramError::Closed.into());
                    }
                    _ => return Err(error),
                },
            }
        }
    }
}

impl<S: event::Source> event::Source for UdpAssociation<S> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.control.register(registry, token, Interest::READABLE)?;
        self.socket.register(registry, token, interests).inspect_err(|_| {
            // Both or neither. What is told is the first that went wrong.
            let _ = self.control.deregister(registry);
        })
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.control.reregister(registry, token, Interest::READABLE)?;
        self.socket.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        let control = self.control.deregister(registry);
        self.socket.deregister(registry).and(control)
    }
}

impl<S> fmt::Debug for UdpAssociation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpAssociation").field("relay", &self.relay()).finish_non_exhaustive()
    }
}

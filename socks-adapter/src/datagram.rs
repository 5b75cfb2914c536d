//! UDP ASSOCIATE without its sockets: what to send to the relay, and what came from it (RFC 1928 §7).

use std::error;
use std::fmt;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use socks_proto::{AuthError, SecurityLayer, TargetAddr, WireAddr, udp};

use crate::answer;
use crate::error::Error;
use crate::fragments::Fragments;
use crate::negotiation::Tunnel;

/// The longest datagram that can be sent to the relay, header included: what IPv4 leaves of 65,535 bytes.
pub const MAX_SENT: usize = 65_507;
/// A buffer of this size takes whatever the relay can send.
pub const MAX_RECEIVED: usize = 65_535;

/// The datagrams of one association: framed on the way out, checked on the way in.
///
/// All of it works on `&self`, so that one thread or task may send while another receives.
///
/// **What is dropped:** datagrams from elsewhere than the relay, datagrams without a sound header, and fragments that
/// cannot be joined. **Fragments** are joined as RFC 1928 §7 allows: one sequence at a time, its positions counting from
/// 1, within five seconds of its first, into no more than a datagram can hold; whatever interrupts a sequence loses it.
/// Nothing is ever sent in fragments, as few relays take them.
///
/// Where the method that let the user in protects what follows (GSSAPI), each datagram is a protected message.
pub struct Datagrams {
    relay: SocketAddr,
    fragments: Mutex<Fragments>,
    layer: Option<Mutex<Box<dyn SecurityLayer>>>,
}

impl Datagrams {
    /// The datagrams of an association that was granted by a proxy at `proxy`.
    ///
    /// # Errors
    /// [`Error::UnusableAnswer`] where the relay's address is a name; see [`answer::relay`].
    pub fn new(tunnel: Tunnel, proxy: IpAddr) -> Result<Self, Error> {
        let relay = answer::relay(&tunnel.bound, proxy)?;
        let layer = tunnel.protection.map(|protection| Mutex::new(protection.into_layer()));
        Ok(Self { relay, fragments: Mutex::default(), layer })
    }

    /// Where datagrams are to be sent, and where they come from. Never an unspecified address.
    pub fn relay(&self) -> SocketAddr {
        self.relay
    }

    /// Where to send from, any port of it. The proxy expects the host that its connection comes from, so that address
    /// (`near`) is taken, unless it and the relay's are of different families, or one of them does not leave this machine.
    pub fn local_addr(&self, near: Option<IpAddr>) -> SocketAddr {
        let relay = self.relay.ip();
        let fits = |near: &IpAddr| near.is_ipv4() == relay.is_ipv4() && near.is_loopback() == relay.is_loopback();
        let any = || match relay {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        SocketAddr::new(near.filter(fits).unwrap_or_else(any), 0)
    }

    /// Makes `out` the datagram that carries `payload` to `target`, in place of what it holds. Empty after an error.
    ///
    /// # Errors
    /// [`DatagramError::PayloadTooLong`] where header and payload are no single datagram: nothing is ever cut. And
    /// [`DatagramError::Protection`].
    pub fn encode(&self, payload: &[u8], target: &TargetAddr, out: &mut Vec<u8>) -> Result<(), DatagramError> {
        out.clear();
        let header = udp::header_len(target);
        let too_long = |overhead: usize| DatagramError::PayloadTooLong {
            len: payload.len(),
            most: MAX_SENT.saturating_sub(overhead),
        };
        if payload.len() > MAX_SENT - header {
            return Err(too_long(header));
        }
        out.reserve(header + payload.len());
        udp::encode_header(target, out);
        out.extend_from_slice(payload);
        let Some(layer) = &self.layer else { return Ok(()) };
        let plain = mem::take(out);
        let wrapped = match lock(layer).wrap(&plain, out) {
            Ok(()) if out.len() > MAX_SENT => Err(too_long(out.len() - payload.len())),
            Ok(()) => Ok(()),
            Err(error) => Err(DatagramError::Protection(error)),
        };
        if wrapped.is_err() {
            // Nothing that could be sent by mistake.
            out.clear();
        }
        wrapped
    }

    /// Takes a datagram that came `from` there at `now`, puts its payload into `buf`, and says how long that is and who
    /// sent it. `None` where there is nothing for the application in it: go on with the next.
    ///
    /// # Errors
    /// [`DatagramError::BufferTooShort`] where the payload does not fit. It is lost, as any part of it would be of no use.
    pub fn decode(
        &self,
        datagram: &[u8],
        from: SocketAddr,
        now: Instant,
        buf: &mut [u8],
    ) -> Result<Option<(usize, WireAddr)>, DatagramError> {
        if !self.is_relay(from) {
            return Ok(None);
        }
        match &self.layer {
            None => self.unframe(datagram, now, buf),
            Some(layer) => match unwrap(&mut **lock(layer), datagram) {
                Some(plain) => self.unframe(&plain, now, buf),
                None => Ok(None),
            },
        }
    }

    fn is_relay(&self, from: SocketAddr) -> bool {
        from.port() == self.relay.port() && from.ip().to_canonical() == self.relay.ip().to_canonical()
    }

    fn unframe(
        &self,
        datagram: &[u8],
        now: Instant,
        buf: &mut [u8],
    ) -> Result<Option<(usize, WireAddr)>, DatagramError> {
        let Ok(datagram) = udp::decode(datagram) else { return Ok(None) };
        let mut fragments = lock(&self.fragments);
        match datagram.fragment() {
            None => {
                fragments.give_up();
                fill(buf, datagram.payload, datagram.peer)
            }
            Some(fragment) => match fragments.push(fragment, &datagram.peer, datagram.payload, now) {
                Some(payload) => fill(buf, &payload, datagram.peer),
                None => Ok(None),
            },
        }
    }
}

fn fill(buf: &mut [u8], payload: &[u8], peer: WireAddr) -> Result<Option<(usize, WireAddr)>, DatagramError> {
    let len = payload.len();
    let Some(room) = buf.get_mut(..len) else { return Err(DatagramError::BufferTooShort { len }) };
    room.copy_from_slice(payload);
    Ok(Some((len, peer)))
}

/// What is in a protected datagram. One that is not sound may come from anybody: it is dropped like others that are not.
fn unwrap(layer: &mut dyn SecurityLayer, datagram: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let unwrapped = layer.unwrap(datagram, &mut plain).ok()?;
    (unwrapped.consumed == datagram.len()).then_some(plain)
}

/// A panic elsewhere leaves nothing half done in what these guard.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams")
            .field("relay", &self.relay)
            .field("protected", &self.layer.is_some())
            .finish_non_exhaustive()
    }
}

/// Why a datagram was not sent, or not received. Inside the [`io::Error`] of an adapter ([`io::Error::get_ref`]), with:
///
/// | what happened                                | [`io::ErrorKind`]   |
/// |----------------------------------------------|---------------------|
/// | the payload, or the buffer, does not fit     | `InvalidInput`      |
/// | the proxy closed the control connection      | `ConnectionAborted` |
/// | the protection failed                        | `InvalidData`       |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// Header and payload do not fit into one datagram. Nothing was sent.
    PayloadTooLong {
        /// How long the payload is.
        len: usize,
        /// How long it may be, to this target.
        most: usize,
    },
    /// A datagram came whose payload does not fit into the buffer. It is lost.
    BufferTooShort {
        /// How long the payload was.
        len: usize,
    },
    /// The proxy closed the control connection, which ends the association.
    Closed,
    /// The layer that protects this association failed.
    Protection(AuthError),
}

impl DatagramError {
    /// The kind that this error has as an [`io::Error`].
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::PayloadTooLong { .. } | Self::BufferTooShort { .. } => io::ErrorKind::InvalidInput,
            Self::Closed => io::ErrorKind::ConnectionAborted,
            Self::Protection(_) => io::ErrorKind::InvalidData,
        }
    }
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PayloadTooLong { len, most } => write!(f, "payload of {len} bytes, where {most} fit into a datagram"),
            Self::BufferTooShort { len } => write!(f, "the buffer is too short for a payload of {len} bytes"),
            Self::Closed => f.write_str("the proxy has ended the association"),
            Self::Protection(error) => error.fmt(f),
        }
    }
}

impl error::Error for DatagramError {}

impl From<DatagramError> for io::Error {
    fn from(error: DatagramError) -> Self {
        Self::new(error.kind(), error)
    }
}

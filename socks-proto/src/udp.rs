//! Datagrams through UDP ASSOCIATE (RFC 1928 §7).
//!
//! ```
//! use socks_proto::{TargetAddr, udp};
//!
//! let target: TargetAddr = "192.0.2.1:53".parse()?;
//! let mut datagram = Vec::with_capacity(udp::header_len(&target) + 5);
//! udp::encode_header(&target, &mut datagram);
//! datagram.extend_from_slice(b"query");
//!
//! let received = udp::decode(&datagram)?;
//! assert_eq!((received.peer, received.payload), (target.into(), &b"query"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use bytes::BufMut;

use crate::address::{TargetAddr, WireAddr};
use crate::error::Malformed;
use crate::wire::{Status, address};

/// The longest header: a name of 255 octets.
pub const MAX_HEADER_LEN: usize = 3 + address::MAX_LEN;

/// A datagram as the relay sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// FRAG as it came: 0 for a whole datagram; see [`fragment`](Self::fragment).
    pub frag: u8,
    /// Where it comes from (on the way back) or is to go (on the way out).
    pub peer: WireAddr,
    /// The user data, to the end of the datagram.
    pub payload: &'a [u8],
}

/// The place of a fragment in its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// 1 to 127; 0 only in a last fragment that says so against the RFC.
    pub position: u8,
    /// Whether it ends the sequence.
    pub last: bool,
}

impl Datagram<'_> {
    /// `None` for a whole datagram. Who does not join fragments must drop them (RFC 1928 §7).
    pub fn fragment(&self) -> Option<Fragment> {
        (self.frag != 0).then_some(Fragment { position: self.frag & 0x7f, last: self.frag & 0x80 != 0 })
    }
}

/// How many bytes [`encode_header`] writes for this target.
pub fn header_len(target: &TargetAddr) -> usize {
    3 + address::encoded_len(target)
}

/// Writes the header of a whole datagram to `target`; the payload follows it.
///
/// # Panics
/// Where `out` has less room than [`header_len`]. A `Vec` grows.
pub fn encode_header(target: &TargetAddr, out: &mut impl BufMut) {
    out.put_slice(&[0, 0, 0]);
    address::encode(target, out);
}

/// Takes a datagram of the relay apart. RSV is not looked at.
///
/// # Errors
/// [`DatagramError`]: drop it, the next one may be sound.
pub fn decode(datagram: &[u8]) -> Result<Datagram<'_>, DatagramError> {
    let [_, _, frag, ref rest @ ..] = *datagram else { return Err(DatagramError::Short { len: datagram.len() }) };
    match address::decode(rest) {
        Ok(Status::Complete { value: peer, len }) => Ok(Datagram { frag, peer: peer.into(), payload: &rest[len..] }),
        Ok(Status::Partial { .. }) => Err(DatagramError::Short { len: datagram.len() }),
        Err(what) => Err(DatagramError::Malformed(what)),
    }
}

/// Why a datagram is none of SOCKS 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// It ends inside its header.
    Short {
        /// How long it is.
        len: usize,
    },
    /// Its address is of an unknown type.
    Malformed(Malformed),
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { len } => write!(f, "datagram of {len} bytes ends inside its header"),
            Self::Malformed(what) => what.fmt(f),
        }
    }
}

impl core::error::Error for DatagramError {}

//! ATYP, address and port, as they stand in requests, replies and datagrams (RFC 1928 §5).

use core::net::{IpAddr, SocketAddr};

use bytes::BufMut;

use super::Status;
use crate::address::{DomainName, TargetAddr, WireAddr};
use crate::code_point::atyp;
use crate::error::Malformed;

/// The shortest form: type 3 with no octets.
pub(crate) const MIN_LEN: usize = 1 + 1 + 2;
/// The longest form: type 3 with 255 octets.
pub(crate) const MAX_LEN: usize = 1 + 1 + 255 + 2;

/// An address where it stands: its name is not copied. Of no octets, it is [`WireAddr::Nameless`].
#[derive(Clone, Copy)]
pub(crate) enum AddrRef<'a> {
    Ip(SocketAddr),
    Name(&'a [u8], u16),
}

impl<'a> From<&'a WireAddr> for AddrRef<'a> {
    #[inline]
    fn from(addr: &'a WireAddr) -> Self {
        match addr {
            WireAddr::Ip(addr) => Self::Ip(*addr),
            WireAddr::Name(name, port) => Self::Name(name.as_bytes(), *port),
            WireAddr::Nameless(port) => Self::Name(&[], *port),
        }
    }
}

impl<'a> From<&'a TargetAddr> for AddrRef<'a> {
    #[inline]
    fn from(target: &'a TargetAddr) -> Self {
        match target {
            TargetAddr::Ip(addr) => Self::Ip(*addr),
            TargetAddr::Name(name, port) => Self::Name(name.as_bytes(), *port),
        }
    }
}

impl From<AddrRef<'_>> for WireAddr {
    #[inline]
    fn from(addr: AddrRef<'_>) -> Self {
        match addr {
            AddrRef::Ip(addr) => Self::Ip(addr),
            AddrRef::Name(octets, port) => match DomainName::new(octets) {
                Ok(name) => Self::Name(name, port),
                // No octets at all: the one length that a DomainName cannot have here.
                Err(_) => Self::Nameless(port),
            },
        }
    }
}

pub(crate) fn encoded_len<'a>(addr: impl Into<AddrRef<'a>>) -> usize {
    match addr.into() {
        AddrRef::Ip(SocketAddr::V4(_)) => 1 + 4 + 2,
        AddrRef::Ip(SocketAddr::V6(_)) => 1 + 16 + 2,
        AddrRef::Name(octets, _) => MIN_LEN + octets.len(),
    }
}

#[inline]
pub(crate) fn encode<'a>(addr: impl Into<AddrRef<'a>>, out: &mut impl BufMut) {
    let port = match addr.into() {
        AddrRef::Ip(SocketAddr::V4(v4)) => {
            out.put_u8(atyp::IPV4);
            out.put_slice(&v4.ip().octets());
            v4.port()
        }
        AddrRef::Ip(SocketAddr::V6(v6)) => {
            out.put_u8(atyp::IPV6);
            out.put_slice(&v6.ip().octets());
            v6.port()
        }
        AddrRef::Name(octets, port) => {
            // A name has at most 255 octets.
            out.put_slice(&[atyp::NAME, octets.len() as u8]);
            out.put_slice(octets);
            port
        }
    };
    out.put_slice(&port.to_be_bytes());
}

/// How long the address at the front of `input` is, or at least, where it does not say so yet.
#[inline]
pub(crate) fn len(input: &[u8]) -> Result<usize, Malformed> {
    match *input {
        [] | [atyp::NAME] => Ok(MIN_LEN),
        [atyp::IPV4, ..] => Ok(1 + 4 + 2),
        [atyp::IPV6, ..] => Ok(1 + 16 + 2),
        [atyp::NAME, len, ..] => Ok(MIN_LEN + usize::from(len)),
        [other, ..] => Err(Malformed::AddressType(other)),
    }
}

/// Decodes an address at the front of `input`.
#[inline]
pub(crate) fn decode(input: &[u8]) -> Result<Status<AddrRef<'_>>, Malformed> {
    let len = len(input)?;
    let value = match input.get(..len) {
        Some(&[atyp::IPV4, a, b, c, d, high, low]) => {
            AddrRef::Ip(SocketAddr::new(IpAddr::from([a, b, c, d]), u16::from_be_bytes([high, low])))
        }
        Some([atyp::NAME, _, octets @ .., high, low]) => AddrRef::Name(octets, u16::from_be_bytes([*high, *low])),
        Some([_, octets @ .., high, low]) => match <[u8; 16]>::try_from(octets) {
            Ok(octets) => AddrRef::Ip(SocketAddr::new(IpAddr::from(octets), u16::from_be_bytes([*high, *low]))),
            Err(_) => return Err(Malformed::Length),
        },
        _ => return Ok(Status::partial(len, input.len())),
    };
    Ok(Status::Complete { value, len })
}

//! ATYP, address and port, as they stand in requests, replies and datagrams (RFC 1928 §5).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{Buf, BufMut};

use super::Status;
use crate::address::{DomainName, TargetAddr, WireAddr};
use crate::code_point::atyp;
use crate::error::Malformed;

/// The shortest form: type 3 with no octets.
pub(crate) const MIN_LEN: usize = 1 + 1 + 2;
/// The longest form: type 3 with 255 octets.
pub(crate) const MAX_LEN: usize = 1 + 1 + 255 + 2;

pub(crate) fn encoded_len(target: &TargetAddr) -> usize {
    match target {
        TargetAddr::Ip(SocketAddr::V4(_)) => 1 + 4 + 2,
        TargetAddr::Ip(SocketAddr::V6(_)) => 1 + 16 + 2,
        TargetAddr::Name(name, _) => MIN_LEN + name.as_bytes().len(),
    }
}

#[cfg(feature = "server-codec")]
pub(crate) fn encode(addr: &WireAddr, out: &mut impl BufMut) {
    match addr {
        WireAddr::Ip(addr) => encode_ip(*addr, out),
        WireAddr::Name(name, port) => encode_name(name, *port, out),
        WireAddr::Nameless(port) => {
            out.put_slice(&[atyp::NAME, 0]);
            out.put_u16(*port);
        }
    }
}

pub(crate) fn encode_target(target: &TargetAddr, out: &mut impl BufMut) {
    match target {
        TargetAddr::Ip(addr) => encode_ip(*addr, out),
        TargetAddr::Name(name, port) => encode_name(name, *port, out),
    }
}

pub(crate) fn encode_ip(addr: SocketAddr, out: &mut impl BufMut) {
    match addr {
        SocketAddr::V4(v4) => {
            out.put_u8(atyp::IPV4);
            out.put_slice(&v4.ip().octets());
        }
        SocketAddr::V6(v6) => {
            out.put_u8(atyp::IPV6);
            out.put_slice(&v6.ip().octets());
        }
    }
    out.put_u16(addr.port());
}

pub(crate) fn encode_name(name: &DomainName, port: u16, out: &mut impl BufMut) {
    out.put_u8(atyp::NAME);
    // A DomainName has at most 255 octets.
    out.put_u8(name.as_bytes().len() as u8);
    out.put_slice(name.as_bytes());
    out.put_u16(port);
}

/// Decodes an address at the front of `input`.
pub(crate) fn decode(input: &[u8]) -> Result<Status<WireAddr>, Malformed> {
    let total = match *input {
        [] => MIN_LEN,
        [atyp::IPV4, ..] => 1 + 4 + 2,
        [atyp::IPV6, ..] => 1 + 16 + 2,
        [atyp::NAME] => MIN_LEN,
        [atyp::NAME, len, ..] => MIN_LEN + usize::from(len),
        [other, ..] => return Err(Malformed::AddressType(other)),
    };
    let Some(mut whole) = input.get(..total).filter(|whole| !whole.is_empty()) else {
        return Ok(Status::partial(total, input.len()));
    };
    let value = match whole.get_u8() {
        atyp::IPV4 => {
            let ip = IpAddr::V4(Ipv4Addr::from(whole.get_u32()));
            WireAddr::Ip(SocketAddr::new(ip, whole.get_u16()))
        }
        atyp::IPV6 => {
            let ip = IpAddr::V6(Ipv6Addr::from(whole.get_u128()));
            WireAddr::Ip(SocketAddr::new(ip, whole.get_u16()))
        }
        _ => {
            let len = usize::from(whole.get_u8());
            let (octets, mut port) = whole.split_at(len);
            match DomainName::new(octets) {
                Ok(name) => WireAddr::Name(name, port.get_u16()),
                // No octets at all: the one length that a DomainName cannot have here.
                Err(_) => WireAddr::Nameless(port.get_u16()),
            }
        }
    };
    Ok(Status::Complete { value, len: total })
}

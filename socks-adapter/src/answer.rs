//! What a granted request says where its BND.ADDR is the answer.

use std::net::{IpAddr, SocketAddr};

use socks_proto::{DomainName, WireAddr};

use crate::error::Error;

/// The address that Tor's RESOLVE found.
///
/// # Errors
/// [`Error::UnusableAnswer`] where the answer is a name.
pub fn address(bound: &WireAddr) -> Result<IpAddr, Error> {
    bound.socket_addr().map(|addr| addr.ip()).ok_or_else(|| unusable(bound))
}

/// The name that Tor's RESOLVE_PTR found.
///
/// # Errors
/// [`Error::UnusableAnswer`] where the answer is an address, or a name without octets.
pub fn name(bound: &WireAddr) -> Result<DomainName, Error> {
    match bound {
        WireAddr::Name(name, _) => Ok(*name),
        _ => Err(unusable(bound)),
    }
}

/// Where the relay of UDP ASSOCIATE takes datagrams, for a proxy at `proxy`.
///
/// A proxy that leaves the host open (`0.0.0.0`, `::`) means itself.
///
/// # Errors
/// [`Error::UnusableAnswer`] where it is a name, which nobody but the proxy could resolve as it meant it, or port 0.
pub fn relay(bound: &WireAddr, proxy: IpAddr) -> Result<SocketAddr, Error> {
    bound.or_host(proxy).filter(|relay| relay.port() != 0).ok_or_else(|| unusable(bound))
}

fn unusable(bound: &WireAddr) -> Error {
    Error::UnusableAnswer(Box::new(*bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> WireAddr {
        WireAddr::Ip(text.parse().expect("an address"))
    }

    fn named() -> WireAddr {
        WireAddr::Name("exit.example".try_into().expect("a name"), 1080)
    }

    #[test]
    fn only_an_address_is_an_address_and_only_a_name_a_name() {
        assert_eq!(address(&ip("192.0.2.7:0")).expect("it is one"), IpAddr::from([192, 0, 2, 7]));
        assert_eq!(name(&named()).expect("it is one").as_str(), Some("exit.example"));
        for wrong in [address(&named()).err(), name(&ip("192.0.2.7:0")).err(), name(&WireAddr::Nameless(7)).err()] {
            assert!(matches!(wrong, Some(Error::UnusableAnswer(_))), "{wrong:?}");
        }
    }

    #[test]
    fn a_relay_that_is_left_open_is_at_the_proxy() {
        let proxy = IpAddr::from([192, 0, 2, 1]);
        let at = |bound| relay(&bound, proxy).ok().map(|relay| relay.to_string());
        assert_eq!(at(ip("198.51.100.1:9")).as_deref(), Some("198.51.100.1:9"));
        assert_eq!(at(ip("0.0.0.0:9")).as_deref(), Some("192.0.2.1:9"));
        assert_eq!(at(ip("[::]:9")).as_deref(), Some("192.0.2.1:9"));
        assert_eq!(at(WireAddr::Nameless(9)).as_deref(), Some("192.0.2.1:9"));
        assert_eq!(at(named()), None);
        assert_eq!(at(ip("198.51.100.1:0")), None);
    }
}

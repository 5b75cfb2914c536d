//! What a program wants to reach.

use std::net::{IpAddr, SocketAddr};

use socks_proto::TargetAddr;

/// A host and a port, for which [`Config::route`](crate::Config::route) finds the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The host.
    pub host: Host<'a>,
    /// The port, in host byte order; 0 where none is known, as when binding any port.
    pub port: u16,
}

/// The host of a [`Destination`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// An address. IPv4-mapped IPv6 addresses count as IPv4.
    Ip(IpAddr),
    /// A name of any octets. ASCII letters match in either case, and one trailing dot does not count; a numeric
    /// address written as a name is treated as the address it is.
    Name(&'a [u8]),
}

impl From<SocketAddr> for Destination<'_> {
    fn from(addr: SocketAddr) -> Self {
        Self { host: Host::Ip(addr.ip()), port: addr.port() }
    }
}

impl From<(IpAddr, u16)> for Destination<'_> {
    fn from((ip, port): (IpAddr, u16)) -> Self {
        Self { host: Host::Ip(ip), port }
    }
}

impl<'a> From<(&'a str, u16)> for Destination<'a> {
    fn from((name, port): (&'a str, u16)) -> Self {
        Self { host: Host::Name(name.as_bytes()), port }
    }
}

impl<'a> From<&'a TargetAddr> for Destination<'a> {
    fn from(target: &'a TargetAddr) -> Self {
        match target {
            TargetAddr::Ip(addr) => (*addr).into(),
            TargetAddr::Name(name, port) => Self { host: Host::Name(name.as_bytes()), port: *port },
        }
    }
}

//! What a client asks of the proxy.

use core::net::IpAddr;

use crate::address::{DomainName, TargetAddr};

/// A request (RFC 1928 §4), or one of the two that Tor adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Connect to the target.
    Connect(TargetAddr),
    /// Wait for one connection from the target, or from whoever comes where it is [`TargetAddr::UNSPECIFIED`].
    Bind(TargetAddr),
    /// Relay datagrams that come from this address of the client, or from any where it is
    /// [`TargetAddr::UNSPECIFIED`].
    UdpAssociate(TargetAddr),
    /// Tor: the address of a name. The reply's BND.ADDR has it.
    Resolve(DomainName),
    /// Tor: the name of an address. The reply's BND.ADDR has it.
    ResolvePtr(IpAddr),
}

impl Command {
    /// CMD on the wire.
    pub fn code(&self) -> CommandCode {
        match self {
            Self::Connect(_) => CommandCode::CONNECT,
            Self::Bind(_) => CommandCode::BIND,
            Self::UdpAssociate(_) => CommandCode::UDP_ASSOCIATE,
            Self::Resolve(_) => CommandCode::RESOLVE,
            Self::ResolvePtr(_) => CommandCode::RESOLVE_PTR,
        }
    }

    /// DST.ADDR and DST.PORT on the wire. The two of Tor have port 0.
    pub fn target(&self) -> TargetAddr {
        match *self {
            Self::Connect(target) | Self::Bind(target) | Self::UdpAssociate(target) => target,
            Self::Resolve(name) => TargetAddr::Name(name, 0),
            Self::ResolvePtr(ip) => TargetAddr::from((ip, 0)),
        }
    }
}

/// CMD as a number; unknown ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandCode(pub u8);

impl CommandCode {
    /// CONNECT.
    pub const CONNECT: Self = Self(0x01);
    /// BIND.
    pub const BIND: Self = Self(0x02);
    /// UDP ASSOCIATE.
    pub const UDP_ASSOCIATE: Self = Self(0x03);
    /// Tor's RESOLVE.
    pub const RESOLVE: Self = Self(0xf0);
    /// Tor's RESOLVE_PTR.
    pub const RESOLVE_PTR: Self = Self(0xf1);
}

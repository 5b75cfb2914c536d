//! Names, and what went wrong as a reply code.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

use rustix::io::Errno;
use socks_proto::{DomainName, ReplyCode, WireAddr};

use super::ProxyConfig;

/// Under these no name exists outside of [`ProxyConfig::hosts`] (RFC 6761, RFC 7686): the system is not asked.
const LOCAL_ONLY: [&str; 4] = ["example", "invalid", "onion", "test"];

impl ProxyConfig {
    /// The addresses to try, in this order.
    pub(super) fn resolve(&self, target: &WireAddr) -> Result<Vec<SocketAddr>, ReplyCode> {
        match target {
            WireAddr::Ip(addr) => Ok(vec![*addr]),
            WireAddr::Name(name, port) => self.resolve_name(name, *port),
            _ => Err(ReplyCode::HOST_UNREACHABLE),
        }
    }

    fn resolve_name(&self, name: &DomainName, port: u16) -> Result<Vec<SocketAddr>, ReplyCode> {
        let name = name.as_str().ok_or(ReplyCode::HOST_UNREACHABLE)?;
        let known: Vec<_> = self
            .hosts
            .iter()
            .filter(|(host, _)| host.eq_ignore_ascii_case(name))
            .map(|(_, ip)| SocketAddr::new(*ip, port))
            .collect();
        if !known.is_empty() {
            return Ok(known);
        }
        let top = name.rsplit('.').next().unwrap_or(name);
        if LOCAL_ONLY.iter().any(|local| local.eq_ignore_ascii_case(top)) {
            return Err(ReplyCode::HOST_UNREACHABLE);
        }
        match (name, port).to_socket_addrs() {
            Ok(found) => Ok(found.collect()),
            Err(_) => Err(ReplyCode::HOST_UNREACHABLE),
        }
    }

    /// The name of an address, for Tor's RESOLVE_PTR: only of [`ProxyConfig::hosts`].
    pub(super) fn name_of(&self, target: &WireAddr) -> Result<WireAddr, ReplyCode> {
        let ip = target.socket_addr().ok_or(ReplyCode::ADDRESS_TYPE_NOT_SUPPORTED)?.ip();
        let host = self.hosts.iter().find(|(_, known)| *known == ip).map(|(host, _)| host);
        let name = host.and_then(|host| DomainName::new(host).ok()).ok_or(ReplyCode::HOST_UNREACHABLE)?;
        Ok(WireAddr::Name(name, 0))
    }

    /// What to answer for an address of ours.
    pub(super) fn answer(&self, bound: SocketAddr) -> WireAddr {
        match (self.answer_unspecified, WireAddr::UNSPECIFIED) {
            (true, WireAddr::Ip(unspecified)) => WireAddr::Ip(SocketAddr::new(unspecified.ip(), bound.port())),
            _ => WireAddr::Ip(bound),
        }
    }
}

/// The reply code for an error of connecting, binding or listening.
pub(super) fn reply_code(error: &io::Error) -> ReplyCode {
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => ReplyCode::CONNECTION_REFUSED,
        Some(Errno::NETUNREACH) => ReplyCode::NETWORK_UNREACHABLE,
        Some(Errno::HOSTUNREACH) => ReplyCode::HOST_UNREACHABLE,
        Some(Errno::TIMEDOUT) => ReplyCode::TTL_EXPIRED,
        Some(Errno::ACCESS | Errno::PERM) => ReplyCode::NOT_ALLOWED,
        Some(Errno::AFNOSUPPORT) => ReplyCode::ADDRESS_TYPE_NOT_SUPPORTED,
        _ if error.kind() == ErrorKind::TimedOut => ReplyCode::TTL_EXPIRED,
        _ => ReplyCode::GENERAL_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_meaning_on_the_wire() {
        let code = |errno: Errno| reply_code(&errno.into()).0;
        let told = [Errno::CONNREFUSED, Errno::NETUNREACH, Errno::HOSTUNREACH, Errno::TIMEDOUT, Errno::IO].map(code);
        assert_eq!(told, [5, 3, 4, 6, 1]);
        assert_eq!(reply_code(&ErrorKind::TimedOut.into()).0, 6);
    }

    #[test]
    fn names_of_tests_are_not_asked_for_outside() {
        let config = ProxyConfig { hosts: vec![("a.test".into(), [192, 0, 2, 1].into())], ..ProxyConfig::default() };
        let resolve = |name: &str| config.resolve(&WireAddr::Name(name.try_into().unwrap(), 7));
        assert_eq!(resolve("A.test"), Ok(vec!["192.0.2.1:7".parse().unwrap()]));
        assert_eq!(resolve("b.test"), Err(ReplyCode::HOST_UNREACHABLE));
    }
}

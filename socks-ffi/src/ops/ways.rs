//! Ways out that are no TCP connect: watched where a name, or anything at all, must not get past the proxy.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use socks_config::Route;

use super::connect::route;
use crate::names;
use crate::sys::{resolve, socket};

/// Ports at which names are asked for: DNS, multicast DNS, LLMNR, and DNS over TLS.
const RESOLVER_PORTS: [u16; 4] = [53, 5353, 5355, 853];

/// Folders of sockets by which local services are asked for names, below `/run` or `/var/run`.
const RESOLVER_SOCKETS: [&[u8]; 3] = [b"nscd/", b"systemd/resolve/", b"avahi-daemon/"];

/// Whether a resolver would be told a name that is the proxy's to know (`dns remote`).
pub(crate) fn leads_to_resolver(to: SocketAddr) -> bool {
    RESOLVER_PORTS.contains(&to.port()) && !names::are_local() && !resolve::is_inside()
}

/// Whether a datagram may go there, by a socket that is no TCP socket; one that is has its own rules.
///
/// # Errors
/// ECONNREFUSED for a resolver, EHOSTUNREACH for an address that stands for a name, EACCES for what the configuration,
/// which is `strict` or has errors, does not let out by itself, and what the kernel says instead of the kind of socket.
pub(crate) fn datagram(fd: BorrowedFd<'_>, to: SocketAddr) -> Result<(), Errno> {
    if !names::is_guarded() || resolve::is_inside() {
        return Ok(());
    }
    if names::is_name(to.ip()) {
        return Err(Errno::HOSTUNREACH);
    }
    if leads_to_resolver(to) {
        return Err(Errno::CONNREFUSED);
    }
    match route(to) {
        Route::Direct => Ok(()),
        _ if socket::is_tcp(fd)? => Ok(()),
        // There is a proxy, and datagrams go past it as ever, unless everything is to be kept in.
        Route::Proxy(_) if !names::keeps_in() => Ok(()),
        _ => Err(Errno::ACCESS),
    }
}

/// Whether a Unix socket may be connected to: not one by which a local service is asked for names.
///
/// # Errors
/// ECONNREFUSED, as if the service did not run.
pub(crate) fn unix(path: &[u8]) -> Result<(), Errno> {
    let below = path.strip_prefix(b"/var").unwrap_or(path).strip_prefix(b"/run/");
    let is_resolver = below.is_some_and(|below| RESOLVER_SOCKETS.iter().any(|folder| below.starts_with(folder)));
    if is_resolver && !names::are_local() && !resolve::is_inside() { Err(Errno::CONNREFUSED) } else { Ok(()) }
}

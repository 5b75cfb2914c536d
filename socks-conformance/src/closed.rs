//! A port where nobody listens, and nobody else can.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

/// A port of the loopback that is bound and not listened on: connects to it are refused.
///
/// Other than a port that was free a moment ago, it cannot be given to another process meanwhile, as long as this
/// value lives.
#[derive(Debug)]
pub struct ClosedPort {
    _held: OwnedFd,
    addr: SocketAddr,
}

impl ClosedPort {
    /// Takes a port.
    ///
    /// # Errors
    /// There is none.
    pub fn new() -> io::Result<Self> {
        let held = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&held, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let addr = getsockname(&held)?.try_into().map_err(|_| io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { _held: held, addr })
    }

    /// Its address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

//! One connect, to ask from inside a namespace whether a server listens; one datagram, for a recorder to see.

use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::Result;

pub(super) fn connect(address: SocketAddr) -> Result<()> {
    TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    Ok(())
}

pub(super) fn mark(address: SocketAddr) -> Result<()> {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.send_to(&[], address)?;
    Ok(())
}

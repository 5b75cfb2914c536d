//! One connect, to ask from inside a namespace whether a server listens.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;

pub(super) fn connect(address: SocketAddr) -> Result<()> {
    TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    Ok(())
}

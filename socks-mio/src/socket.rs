//! A socket of either family that a proxy may listen on.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token, event, net::TcpStream};
use socks_adapter::plan::Place;

/// The connection to a proxy, or to the target itself where the route is direct.
#[derive(Debug)]
#[non_exhaustive]
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a socket in the file system (`unix:/path`).
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls the same method of whichever socket it is.
macro_rules! either {
    ($socket:expr, $stream:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($stream) => $call,
            #[cfg(unix)]
            Socket::Unix($stream) => $call,
        }
    };
}

impl Socket {
    /// Begins a connect and does not wait for it. A Unix socket whose listener has no room is an error: there would be
    /// no event to wait for.
    pub(crate) fn open(place: Place<'_>) -> io::Result<Self> {
        match place {
            Place::Tcp(addr) => TcpStream::connect(addr).map(Self::Tcp),
            #[cfg(unix)]
            Place::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            #[cfg(not(unix))]
            Place::Unix(_) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "a Unix socket, which this system does not have"))
            }
        }
    }

    /// Whether the connect has come to its end, and well.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = either!(self, stream => stream.take_error())? {
            return Err(error);
        }
        match either!(self, stream => stream.peer_addr().map(drop)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            // What macOS says of a connect that has failed, where the error itself went elsewhere.
            Err(error) => Err(error),
        }
    }

    /// Our end, where it has an IP address.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// The plain [`TcpStream`]. It stays registered as it is.
    ///
    /// # Errors
    /// Gives a socket of another family back.
    pub fn into_tcp(self) -> Result<TcpStream, Self> {
        match self {
            Self::Tcp(stream) => Ok(stream),
            #[cfg(unix)]
            other @ Self::Unix(_) => Err(other),
        }
    }

    /// See [`TcpStream::shutdown`].
    ///
    /// # Errors
    /// Those of the system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        either!(self, stream => stream.shutdown(how))
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.read(buf))
    }

    fn read_vectored(&mut self, bufs: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.read_vectored(bufs))
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        either!(self, stream => stream.write(buf))
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.write_vectored(bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        either!(self, stream => stream.flush())
    }
}

impl event::Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        either!(self, stream => stream.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        either!(self, stream => stream.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        either!(self, stream => stream.deregister(registry))
    }
}

#[cfg(unix)]
impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        either!(self, stream => stream.as_fd())
    }
}

#[cfg(unix)]
impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        either!(self, stream => stream.as_raw_fd())
    }
}

//! A connected socket of either family that a proxy may listen on.

use std::future::{self, Future};
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

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

/// What the way to a proxy needs of a socket.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Unpin + Send + Sized {
    fn tcp(stream: TcpStream) -> Self;
    fn unix(path: &Path) -> impl Future<Output = io::Result<Self>> + Send;
}

impl Connection for TcpStream {
    fn tcp(stream: TcpStream) -> Self {
        stream
    }

    fn unix(_: &Path) -> impl Future<Output = io::Result<Self>> + Send {
        future::ready(Err(io::Error::new(io::ErrorKind::Unsupported, "a Unix socket, where a TCP stream is asked for")))
    }
}

impl Connection for Socket {
    fn tcp(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }

    #[cfg(unix)]
    async fn unix(path: &Path) -> io::Result<Self> {
        UnixStream::connect(path).await.map(Self::Unix)
    }

    #[cfg(not(unix))]
    fn unix(_: &Path) -> impl Future<Output = io::Result<Self>> + Send {
        future::ready(Err(io::Error::new(io::ErrorKind::Unsupported, "a Unix socket, which this system does not have")))
    }
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
    /// The plain [`TcpStream`].
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

    /// Our end, where it has an IP address.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        either!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
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

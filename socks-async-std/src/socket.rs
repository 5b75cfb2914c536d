//! A connected socket of either family that a proxy may listen on.

use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};

/// The connection to a proxy, or to the target itself where the route is direct.
///
/// Closing it ([`AsyncWrite::poll_close`]) shuts down the writing half; what the peer still says can be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Socket {
    /// Over TCP.
    Tcp(Async<TcpStream>),
    /// Over a socket in the file system (`unix:/path`).
    #[cfg(unix)]
    Unix(Async<UnixStream>),
}

/// What the way to a proxy needs of a socket.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Unpin + Send + Sized {
    fn tcp(stream: Async<TcpStream>) -> Self;
    fn unix(path: &Path) -> impl Future<Output = io::Result<Self>> + Send;
}

impl Connection for Async<TcpStream> {
    fn tcp(stream: Async<TcpStream>) -> Self {
        stream
    }

    async fn unix(_: &Path) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a Unix socket, where a TCP stream is asked for"))
    }
}

impl Connection for Socket {
    fn tcp(stream: Async<TcpStream>) -> Self {
        Self::Tcp(stream)
    }

    #[cfg(unix)]
    async fn unix(path: &Path) -> io::Result<Self> {
        Async::<UnixStream>::connect(path).await.map(Self::Unix)
    }

    #[cfg(not(unix))]
    async fn unix(_: &Path) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a Unix socket, which this system does not have"))
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
    /// The plain TCP stream.
    ///
    /// # Errors
    /// Gives a socket of another family back.
    pub fn into_tcp(self) -> Result<Async<TcpStream>, Self> {
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
        either!(self, stream => stream.get_ref().shutdown(how))
    }

    /// Waits until there is something to read, which for a [`Listener`](crate::Listener) is something to accept.
    ///
    /// # Errors
    /// Those of the system.
    ///
    /// # Cancel safety
    /// Nothing is read, so dropping the future loses nothing.
    pub async fn readable(&self) -> io::Result<()> {
        either!(self, stream => stream.readable().await)
    }

    /// Our end, where it has an IP address.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.get_ref().local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [io::IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_read_vectored(cx, bufs))
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

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // `Async` would only flush, and the peer would not know.
        Poll::Ready(self.shutdown(Shutdown::Write))
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

#[cfg(unix)]
impl TryFrom<Socket> for OwnedFd {
    type Error = io::Error;

    /// Takes the socket from the reactor. It stays non-blocking.
    fn try_from(socket: Socket) -> io::Result<Self> {
        either!(socket, stream => stream.try_into())
    }
}

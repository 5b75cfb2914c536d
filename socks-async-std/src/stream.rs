//! A stream to the target, once the proxy has answered.

use std::fmt;
use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use socks_adapter::{Protection, Tunnel};
use socks_proto::{MethodId, WireAddr};

/// A connection to the target through a proxy: bytes in, bytes out.
///
/// Where the method that let the user in protects what follows (GSSAPI), reading and writing go through that
/// protection; flush after the last write before an answer is waited for, as a part of it may not have left. In all other
/// cases this is the plain stream, and [`into_inner`](Self::into_inner) gives it.
///
/// Closing it closes the stream beneath, which for a [`Socket`](crate::Socket) is the writing half alone; what the target
/// still says can be read.
pub struct Stream<S> {
    inner: S,
    bound: WireAddr,
    method: MethodId,
    protection: Option<Box<Protection>>,
}

impl<S> Stream<S> {
    #[inline]
    pub(crate) fn new(inner: S, tunnel: Tunnel) -> Self {
        Self { inner, bound: tunnel.bound, method: tunnel.method, protection: tunnel.protection }
    }

    /// The address from which the target sees the connection come, as far as the proxy tells (BND.ADDR).
    pub fn bound(&self) -> &WireAddr {
        &self.bound
    }

    /// The method by which the proxy let the user in.
    pub fn method(&self) -> MethodId {
        self.method
    }

    /// Whether what is written here leaves protected, so that the stream beneath must be left alone.
    pub fn is_protected(&self) -> bool {
        self.protection.is_some()
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The stream beneath, for its settings; with a protection in force its bytes are not the application's.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The stream beneath, at the first byte that belongs to the application.
    ///
    /// # Errors
    /// Gives this stream back where its bytes are protected, since the one beneath is of no use alone.
    // What is given back is the whole connection by purpose.
    #[allow(clippy::result_large_err)]
    pub fn into_inner(self) -> Result<S, Self> {
        if self.is_protected() { Err(self) } else { Ok(self.inner) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let Self { inner, protection, .. } = self.get_mut();
        let Some(protection) = protection else { return Pin::new(inner).poll_read(cx, buf) };
        protection.read(buf, |wire| Pin::new(&mut *inner).poll_read(cx, wire))
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [io::IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_protected() {
            let first = bufs.iter_mut().find(|buf| !buf.is_empty());
            return first.map_or(Poll::Ready(Ok(0)), |buf| self.as_mut().poll_read(cx, buf));
        }
        Pin::new(&mut self.inner).poll_read_vectored(cx, bufs)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Self { inner, protection, .. } = self.get_mut();
        match protection {
            None => Pin::new(inner).poll_write(cx, buf),
            Some(protection) => protection.write(buf, |wire| Pin::new(&mut *inner).poll_write(cx, wire)),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_protected() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return first.map_or(Poll::Ready(Ok(0)), |buf| self.as_mut().poll_write(cx, buf));
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_protected(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_protected(cx))?;
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

impl<S: AsyncWrite + Unpin> Stream<S> {
    /// Hands what the protection has taken to the stream beneath.
    fn poll_send_protected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, protection, .. } = self;
        match protection {
            None => Poll::Ready(Ok(())),
            Some(protection) => protection.flush(|wire| Pin::new(&mut *inner).poll_write(cx, wire)),
        }
    }
}

#[cfg(unix)]
impl<S: AsFd> AsFd for Stream<S> {
    /// The descriptor of the stream beneath; with a protection in force its bytes are not the application's.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

#[cfg(unix)]
impl<S: AsRawFd> AsRawFd for Stream<S> {
    /// As [`as_fd`](AsFd::as_fd).
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

impl<S> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("bound", &self.bound)
            .field("method", &self.method)
            .field("protected", &self.is_protected())
            .finish_non_exhaustive()
    }
}

//! A stream to the target, once the proxy has answered.

use std::fmt;
use std::io::{self, Read, Write};
use std::task::Poll;

use socks_adapter::{Protection, Tunnel};
use socks_proto::{MethodId, WireAddr};

/// A connection to the target through a proxy: bytes in, bytes out.
///
/// Where the method that let the user in protects what follows (GSSAPI), reading and writing go through that
/// protection. In all other cases this is the plain stream, and [`into_inner`](Self::into_inner) gives it.
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

impl<S: Read> Read for Stream<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Self { inner, protection, .. } = self;
        match protection {
            None => inner.read(buf),
            Some(protection) => now(protection.read(buf, |wire| Poll::Ready(inner.read(wire)))),
        }
    }

    fn read_vectored(&mut self, bufs: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        match self.protection {
            None => self.inner.read_vectored(bufs),
            Some(_) => bufs.iter_mut().find(|buf| !buf.is_empty()).map_or(Ok(0), |buf| self.read(buf)),
        }
    }
}

impl<S: Write> Write for Stream<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let Self { inner, protection, .. } = self;
        match protection {
            None => inner.write(buf),
            Some(protection) => now(protection.write(buf, |wire| Poll::Ready(inner.write(wire)))),
        }
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match self.protection {
            None => self.inner.write_vectored(bufs),
            Some(_) => bufs.iter().find(|buf| !buf.is_empty()).map_or(Ok(0), |buf| self.write(buf)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let Self { inner, protection, .. } = self;
        if let Some(protection) = protection {
            now(protection.flush(|wire| Poll::Ready(inner.write(wire))))?;
        }
        inner.flush()
    }
}

/// What has come of an operation whose reads and writes are never pending.
fn now<T>(outcome: Poll<io::Result<T>>) -> io::Result<T> {
    match outcome {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
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

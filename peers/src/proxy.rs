//! A proxy in memory that has said all of its part before it is asked.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::{Interest, Registry, Token, event};
use socks_peers::case::Case;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counts how often it is read from and written to.
#[derive(Debug)]
pub(crate) struct Proxy {
    says: &'static [u8],
    pub(crate) reads: usize,
    pub(crate) writes: usize,
}

impl Proxy {
    pub(crate) fn new(case: Case) -> Self {
        Self { says: black_box(case.script()), reads: 0, writes: 0 }
    }

    /// # Panics
    /// Some of what it says was not read.
    pub(crate) fn finished(&self) {
        assert!(self.says.is_empty(), "{} octets were not read", self.says.len());
    }
}

impl Read for Proxy {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        self.says.read(buf)
    }
}

impl Write for Proxy {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        Ok(black_box(buf).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Proxy {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let proxy = self.get_mut();
        proxy.reads += 1;
        let (now, later) = proxy.says.split_at(proxy.says.len().min(buf.remaining()));
        buf.put_slice(now);
        proxy.says = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Proxy {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Write::write(self.get_mut(), buf))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl futures_lite::AsyncRead for Proxy {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Read::read(self.get_mut(), buf))
    }
}

impl futures_lite::AsyncWrite for Proxy {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Write::write(self.get_mut(), buf))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// As mio wants it: its own, and a source of events, of which there are none as nothing has to wait.
pub(crate) struct Lent<'a>(pub(crate) &'a mut Proxy);

impl Read for Lent<'_> {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Lent<'_> {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl event::Source for Lent<'_> {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}

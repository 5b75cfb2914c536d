//! A stream to the target, once the proxy has answered.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};

use socks_proto::{Established, MethodId, SecurityLayer, WireAddr};

/// The most that one protected message is asked to hold; a larger write is a short one.
const MAX_PLAIN: usize = 16 * 1024;

/// A connection to the target through a proxy: bytes in, bytes out.
///
/// Where the method that let the user in protects what follows (GSSAPI), reading and writing go through that
/// protection. In all other cases this is the plain stream, and [`into_inner`](Self::into_inner) gives it.
pub struct Stream<S> {
    inner: S,
    bound: WireAddr,
    method: MethodId,
    protection: Option<Protection>,
}

struct Protection {
    layer: Box<dyn SecurityLayer>,
    /// What of the peer's messages is not whole yet.
    wire: Vec<u8>,
    /// What was in them and is not read yet.
    plain: VecDeque<u8>,
    /// Our messages, and how much of them has left.
    out: Vec<u8>,
    out_start: usize,
}

impl<S> Stream<S> {
    pub(crate) fn new(inner: S, established: Established) -> Self {
        let protection = established.layer.map(|layer| Protection {
            layer,
            wire: Vec::new(),
            plain: established.early.into(),
            out: Vec::new(),
            out_start: 0,
        });
        Self { inner, bound: established.bound, method: established.method, protection }
    }

    /// A stream that no proxy is involved in; the target sees it come from `local`.
    pub(crate) fn direct(inner: S, local: WireAddr) -> Self {
        Self { inner, bound: local, method: MethodId::NONE, protection: None }
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
        match &mut self.protection {
            None => self.inner.read(buf),
            Some(protection) => protection.read(&mut self.inner, buf),
        }
    }

    fn read_vectored(&mut self, bufs: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        match &mut self.protection {
            None => self.inner.read_vectored(bufs),
            Some(protection) => {
                let first = bufs.iter_mut().find(|buf| !buf.is_empty());
                first.map_or(Ok(0), |buf| protection.read(&mut self.inner, buf))
            }
        }
    }
}

impl<S: Write> Write for Stream<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.protection {
            None => self.inner.write(buf),
            Some(protection) => protection.write(&mut self.inner, buf),
        }
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.protection {
            None => self.inner.write_vectored(bufs),
            Some(protection) => {
                let first = bufs.iter().find(|buf| !buf.is_empty());
                first.map_or(Ok(0), |buf| protection.write(&mut self.inner, buf))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(protection) = &mut self.protection {
            protection.send(&mut self.inner)?;
        }
        self.inner.flush()
    }
}

impl Protection {
    fn read(&mut self, inner: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut chunk = [0; 4096];
        while self.plain.is_empty() {
            match inner.read(&mut chunk)? {
                0 if self.wire.is_empty() => return Ok(0),
                0 => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends in a protected message"));
                }
                n => self.wire.extend_from_slice(&chunk[..n]),
            }
            let mut plain = Vec::new();
            let unwrapped = self.layer.unwrap(&self.wire, &mut plain).map_err(invalid_data)?;
            self.wire.drain(..unwrapped.consumed);
            self.plain.extend(plain);
        }
        self.plain.read(buf)
    }

    fn write(&mut self, inner: &mut impl Write, buf: &[u8]) -> io::Result<usize> {
        self.send(inner)?;
        let taken = &buf[..buf.len().min(MAX_PLAIN)];
        self.layer.wrap(taken, &mut self.out).map_err(invalid_data)?;
        match self.send(inner) {
            // A message cannot be taken back: it leaves with the next write or flush, and these bytes are in it.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            sent => sent?,
        }
        Ok(taken.len())
    }

    /// Sends what was wrapped and has not left.
    fn send(&mut self, inner: &mut impl Write) -> io::Result<()> {
        while self.out_start < self.out.len() {
            match inner.write(&self.out[self.out_start..])? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => self.out_start += n,
            }
        }
        self.out.clear();
        self.out_start = 0;
        Ok(())
    }
}

fn invalid_data(error: socks_proto::AuthError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
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

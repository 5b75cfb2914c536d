//! The buffers around a security layer (RFC 1961 §5): plain bytes on one side, protected messages on the other.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, ready};

use socks_proto::SecurityLayer;

/// The most that one protected message is asked to hold; a larger write is a short one.
const MAX_PLAIN: usize = 16 * 1024;
/// How much is read at once.
const CHUNK: usize = 4096;

/// Protection of a stream, where the method that let the user in agreed on some (GSSAPI).
///
/// It does no I/O: each operation is given the read or write of the stream beneath, which says [`Poll::Pending`] or
/// [`io::ErrorKind::WouldBlock`] where it cannot go on. Blocking and non-blocking streams wrap theirs in
/// [`Poll::Ready`], so that `Pending` never comes back to them.
///
/// After an error of the layer, or an end of the stream within a message, reading fails for ever: what follows could
/// not be trusted.
pub struct Protection {
    /// Never locked: the mutex makes streams [`Sync`], as those without a layer are, and with them errors that hold one.
    layer: Mutex<Box<dyn SecurityLayer>>,
    /// What of the peer's messages is not whole yet.
    wire: Vec<u8>,
    /// What was in them and is not read yet.
    plain: VecDeque<u8>,
    /// Our messages, and how much of them has left.
    out: Vec<u8>,
    out_start: usize,
    failed: bool,
}

impl Protection {
    /// The protection of all that follows a handshake; `early` are plain bytes that came with its last message.
    pub fn new(layer: Box<dyn SecurityLayer>, early: Vec<u8>) -> Self {
        Self {
            layer: Mutex::new(layer),
            wire: Vec::new(),
            plain: early.into(),
            out: Vec::new(),
            out_start: 0,
            failed: false,
        }
    }

    /// Reads plain bytes into `buf`: 0 at the end of the stream beneath, or for an empty `buf`.
    ///
    /// # Errors
    /// Those of `read`; [`io::ErrorKind::UnexpectedEof`] where the stream ends within a message; and
    /// [`io::ErrorKind::InvalidData`] where a message is not protected as was agreed on.
    pub fn read(
        &mut self,
        buf: &mut [u8],
        mut read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut chunk = [0; CHUNK];
        while self.plain.is_empty() {
            if self.failed {
                return Poll::Ready(Err(broken()));
            }
            match ready!(read(&mut chunk))? {
                0 => return Poll::Ready(self.end()),
                n => self.receive(&chunk[..n])?,
            }
        }
        Poll::Ready(self.plain.read(buf))
    }

    /// Protects the first bytes of `buf` and writes them; says how many it took.
    ///
    /// What was taken before leaves first. A message cannot be taken back: where the stream beneath has no room for all
    /// of it, these bytes count as written, and the rest leaves with the next write or flush.
    ///
    /// # Errors
    /// Those of `write`, and [`io::ErrorKind::InvalidData`] where the layer fails.
    pub fn write(
        &mut self,
        buf: &[u8],
        mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.flush(&mut write))?;
        let taken = &buf[..buf.len().min(MAX_PLAIN)];
        if taken.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let layer = self.layer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = layer.wrap(taken, &mut self.out) {
            // Half a message would be the end of the stream for the peer.
            self.out.clear();
            return Poll::Ready(Err(invalid_data(error)));
        }
        match self.flush(&mut write) {
            Poll::Ready(Err(error))
                if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
            {
                Poll::Ready(Err(error))
            }
            _ => Poll::Ready(Ok(taken.len())),
        }
    }

    /// Writes what was taken and has not left. The stream beneath is for the caller to flush.
    ///
    /// # Errors
    /// Those of `write`, and [`io::ErrorKind::WriteZero`] where that takes nothing.
    pub fn flush(&mut self, mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>) -> Poll<io::Result<()>> {
        while self.out_start < self.out.len() {
            match ready!(write(&self.out[self.out_start..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.out_start = (self.out_start + n).min(self.out.len()),
            }
        }
        self.out.clear();
        self.out_start = 0;
        Poll::Ready(Ok(()))
    }

    /// The layer alone, for datagrams, which need no buffers.
    pub fn into_layer(self) -> Box<dyn SecurityLayer> {
        self.layer.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.extend_from_slice(bytes);
        let mut plain = Vec::new();
        let layer = self.layer.get_mut().unwrap_or_else(PoisonError::into_inner);
        let unwrapped = layer.unwrap(&self.wire, &mut plain).map_err(|error| {
            self.failed = true;
            invalid_data(error)
        })?;
        self.wire.drain(..unwrapped.consumed.min(self.wire.len()));
        self.plain.extend(plain);
        Ok(())
    }

    fn end(&mut self) -> io::Result<usize> {
        if self.wire.is_empty() {
            return Ok(0);
        }
        self.failed = true;
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends in a protected message"))
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the protection of this stream has failed before")
}

pub(crate) fn invalid_data(error: socks_proto::AuthError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection").field("unsent", &(self.out.len() - self.out_start)).finish_non_exhaustive()
    }
}

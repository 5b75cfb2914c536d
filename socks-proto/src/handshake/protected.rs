//! A stream inside a security layer (RFC 1961 §5): messages in, plain bytes out.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use crate::auth::method::{AuthError, SecurityLayer};

/// The layer, the bytes of an unfinished message, and plain bytes that nobody looked at yet.
pub(super) struct Protected {
    layer: Box<dyn SecurityLayer>,
    wire: Vec<u8>,
    plain: Vec<u8>,
    at_least: NonZeroUsize,
}

impl Protected {
    pub(super) fn new(mut layer: Box<dyn SecurityLayer>) -> Result<Self, AuthError> {
        // Nothing is there yet, so this asks how much the first message owes at least.
        let at_least = layer.unwrap(&[], &mut Vec::new())?.at_least;
        Ok(Self { layer, wire: Vec::new(), plain: Vec::new(), at_least })
    }

    /// The least number of bytes that the message at hand still owes.
    pub(super) fn at_least(&self) -> NonZeroUsize {
        self.at_least
    }

    /// Takes what the message at hand owes, no more, and says how much that was.
    pub(super) fn receive(&mut self, input: &[u8]) -> Result<usize, AuthError> {
        let taken = input.len().min(self.at_least.get());
        self.wire.extend_from_slice(&input[..taken]);
        let unwrapped = self.layer.unwrap(&self.wire, &mut self.plain)?;
        self.wire.drain(..unwrapped.consumed.min(self.wire.len()));
        self.at_least = unwrapped.at_least;
        Ok(taken)
    }

    pub(super) fn take_plain(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.plain)
    }

    /// Gives plain bytes back that belong to what follows.
    pub(super) fn put_back(&mut self, plain: Vec<u8>) {
        self.plain = plain;
    }

    /// The layer, and the plain bytes that came early.
    pub(super) fn into_parts(self) -> (Box<dyn SecurityLayer>, Vec<u8>) {
        (self.layer, self.plain)
    }
}

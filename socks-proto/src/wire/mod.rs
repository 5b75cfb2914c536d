//! The messages, each encoder beside its decoder. Encoders write to any `BufMut`, decoders read slices.

pub(crate) mod address;
pub(crate) mod greeting;
#[cfg(feature = "gssapi")]
pub(crate) mod gssapi;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod userpass;

use core::num::NonZeroUsize;

/// How far a decoder came.
// Public only with the codec of the other half.
#[cfg_attr(not(feature = "server-codec"), allow(unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status<T> {
    /// The message is whole and took `len` bytes of the input; what follows belongs to somebody else.
    Complete {
        /// What the message says.
        value: T,
        /// How many bytes of the input it took.
        len: usize,
    },
    /// The message goes on: at least this many bytes are still to come, however it continues.
    Partial {
        /// A lower bound that is safe to read: never more than the peer owes.
        at_least: NonZeroUsize,
    },
}

impl<T> Status<T> {
    /// `Partial` where `have` of `total` bytes are there.
    ///
    /// Callers have `have < total`; the fall-back of 1 keeps the arithmetic total.
    pub(crate) fn partial(total: usize, have: usize) -> Self {
        let at_least = NonZeroUsize::new(total.saturating_sub(have)).unwrap_or(NonZeroUsize::MIN);
        Self::Partial { at_least }
    }
}

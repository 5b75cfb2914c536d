//! What a method of authentication other than none and username/password has to bring.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use crate::error::{AuthFailure, Malformed, MechanismError};

/// A method's own exchange, between the choice of the method and the request.
///
/// It performs no I/O: it appends what is to be sent to `out` and is given what came.
pub trait AuthMethod: Send {
    /// The proxy chose this method: appends the first message, if the client speaks first.
    ///
    /// # Errors
    /// [`AuthError`] ends the handshake.
    fn start(&mut self, out: &mut Vec<u8>) -> Result<AuthStatus, AuthError>;

    /// Takes bytes of the proxy, never more than the last `at_least`, and appends what is to be sent in return.
    ///
    /// # Errors
    /// [`AuthError`] ends the handshake.
    fn receive(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<AuthStatus, AuthError>;

    /// After [`AuthStatus::Done`]: the protection for all that follows, if some was agreed on.
    fn into_layer(self: Box<Self>) -> Option<Box<dyn SecurityLayer>> {
        None
    }
}

/// Where an [`AuthMethod`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthStatus {
    /// The proxy owes at least this many bytes.
    Need {
        /// A lower bound: reading no more can never take a byte that belongs to what follows.
        at_least: NonZeroUsize,
    },
    /// The user is in.
    Done,
}

/// Why an [`AuthMethod`] gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The user was not let in.
    Failed(AuthFailure),
    /// The proxy broke the method's protocol.
    Malformed(Malformed),
}

impl From<AuthFailure> for AuthError {
    fn from(failure: AuthFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Malformed> for AuthError {
    fn from(what: Malformed) -> Self {
        Self::Malformed(what)
    }
}

impl From<MechanismError> for AuthError {
    fn from(error: MechanismError) -> Self {
        Self::Failed(AuthFailure::Mechanism(error))
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Malformed(what) => what.fmt(f),
        }
    }
}

impl core::error::Error for AuthError {}

/// Protection of everything after the authentication, request and replies included (RFC 1961 §5).
pub trait SecurityLayer: Send {
    /// Appends `plain` to `out` as protected messages, as many as it takes.
    ///
    /// # Errors
    /// The mechanism failed; the connection is of no more use.
    fn wrap(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), AuthError>;

    /// Takes the whole messages at the front of `input` and appends what they hold to `out`.
    ///
    /// # Errors
    /// The peer broke the protocol, or a message does not have the protection agreed on.
    fn unwrap(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Unwrapped, AuthError>;
}

/// How far [`SecurityLayer::unwrap`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwrapped {
    /// How many bytes of the input were whole messages.
    pub consumed: usize,
    /// How many bytes are missing, at least, until the next message is whole.
    pub at_least: NonZeroUsize,
}

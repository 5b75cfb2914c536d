//! What can go wrong, in which phase, and whose fault it is.

use alloc::string::String;
use core::fmt;

use crate::code_point::{MethodId, ReplyCode};

/// Where a handshake stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Greeting and choice of a method (RFC 1928 §3).
    Method,
    /// The chosen method's own exchange (RFC 1929, RFC 1961).
    Authentication,
    /// Request and (first) reply (RFC 1928 §4 and §6).
    Reply,
    /// BIND's second reply: somebody connected (RFC 1928 §6).
    SecondReply,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "method negotiation",
            Self::Authentication => "authentication",
            Self::Reply => "reply to the request",
            Self::SecondReply => "second reply to BIND",
        })
    }
}

/// Why a handshake failed. No variant carries a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The proxy takes none of the methods that were offered.
    NoAcceptableMethod,
    /// The proxy, or the security context, did not let the user in.
    Authenticate(AuthFailure),
    /// The proxy answered the request with this code.
    Refused {
        /// Which reply it was: [`Phase::Reply`] or [`Phase::SecondReply`].
        phase: Phase,
        /// REP as it came.
        code: ReplyCode,
    },
    /// The proxy broke the protocol.
    Malformed {
        /// Where.
        phase: Phase,
        /// How.
        what: Malformed,
    },
    /// The proxy closed the connection before its part was said.
    Eof {
        /// What it left unsaid.
        phase: Phase,
    },
}

impl Error {
    /// The phase in which it happened.
    pub fn phase(&self) -> Phase {
        match self {
            Self::NoAcceptableMethod => Phase::Method,
            Self::Authenticate(_) => Phase::Authentication,
            Self::Refused { phase, .. } | Self::Malformed { phase, .. } | Self::Eof { phase } => *phase,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAcceptableMethod => f.write_str("the proxy accepts none of the methods offered"),
            Self::Authenticate(failure) => failure.fmt(f),
            Self::Refused { phase: Phase::SecondReply, code } => write!(f, "the proxy gave up waiting: {code}"),
            Self::Refused { code, .. } => write!(f, "the proxy refused: {code}"),
            Self::Malformed { phase, what } => write!(f, "{what} ({phase})"),
            Self::Eof { phase } => write!(f, "the proxy closed the connection ({phase})"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Authenticate(AuthFailure::Mechanism(error)) => Some(error),
            _ => None,
        }
    }
}

/// How authentication failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthFailure {
    /// The proxy refused the login, with this STATUS (RFC 1929 §2), never 0.
    LoginRefused {
        /// STATUS as it came.
        status: u8,
    },
    /// The proxy refused the security context (RFC 1961 §3: message type 0xff).
    ContextRefused,
    /// The proxy wants less protection than was asked for (RFC 1961 §4).
    ProtectionTooWeak {
        /// The level that the proxy named.
        level: u8,
    },
    /// The mechanism behind the method failed on our side or did not accept what the proxy sent.
    Mechanism(MechanismError),
}

impl fmt::Display for AuthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginRefused { status } => write!(f, "the proxy refused the login (status {status:#04x})"),
            Self::ContextRefused => f.write_str("the proxy refused the security context"),
            Self::ProtectionTooWeak { level } => {
                write!(f, "the proxy wants protection level {level}, less than was asked for")
            }
            Self::Mechanism(error) => error.fmt(f),
        }
    }
}

/// A security mechanism failed: GSSAPI's two status words and their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MechanismError {
    /// GSSAPI's major status, or the method's own number.
    pub major: u32,
    /// GSSAPI's minor status, 0 where there is none.
    pub minor: u32,
    /// What the mechanism says of it. Must not hold a secret.
    pub message: String,
}

impl fmt::Display for MechanismError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (major {:#x}, minor {:#x})", self.message, self.major, self.minor)
    }
}

impl core::error::Error for MechanismError {}

/// What of a message was against the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// VER has a value that it cannot have here.
    Version(u8),
    /// The proxy chose a method that was not offered.
    MethodNotOffered(MethodId),
    /// ATYP of a success reply is none of 1, 3 and 4, so that nobody can tell where the reply ends.
    AddressType(u8),
    /// MTYP is not the one expected (RFC 1961).
    MessageType(u8),
    /// A token is empty or longer than its message can say.
    TokenLength(usize),
    /// The protection level is unknown (RFC 1961 §4).
    ProtectionLevel(u8),
    /// A message says that it holds more than it does, or less.
    Length,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(0x00) => f.write_str("version 0x00: this looks like a SOCKS 4 server"),
            Self::Version(b'H') => f.write_str("version 0x48: this looks like an HTTP server"),
            Self::Version(version) => write!(f, "version {version:#04x} where a SOCKS 5 server says 0x05"),
            Self::MethodNotOffered(method) => write!(f, "the proxy chose a method that was not offered: {method}"),
            Self::AddressType(atyp) => write!(f, "unknown address type {atyp:#04x}"),
            Self::MessageType(mtyp) => write!(f, "unexpected message type {mtyp:#04x}"),
            Self::TokenLength(len) => write!(f, "token of {len} bytes"),
            Self::ProtectionLevel(level) => write!(f, "unknown protection level {level:#04x}"),
            Self::Length => f.write_str("message of the wrong length"),
        }
    }
}

impl core::error::Error for Malformed {}

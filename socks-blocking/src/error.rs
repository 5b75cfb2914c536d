//! What can go wrong on the way to a target, and where.

use std::error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use socks_config::{Endpoint, Refusal};
use socks_proto::{AuthFailure, Phase, ReplyCode};

/// Why there is no connection to the target.
///
/// `From<Error> for io::Error` keeps this error inside ([`io::Error::get_ref`]) and gives it a kind:
///
/// | what happened                                             | [`io::ErrorKind`]                       |
/// |-----------------------------------------------------------|-----------------------------------------|
/// | no server could be reached                                | that of the last attempt                |
/// | no acceptable method, login refused, reply 0x02           | `PermissionDenied`                      |
/// | the configuration does not allow it                       | `PermissionDenied`                      |
/// | reply 0x01, 0x05, or one that RFC 1928 does not list      | `ConnectionRefused`                     |
/// | reply 0x03, 0x04                                          | `NetworkUnreachable`, `HostUnreachable` |
/// | reply 0x06; the deadline is over                          | `TimedOut`                              |
/// | reply 0x07, 0x08                                          | `Unsupported`                           |
/// | the proxy closed before its answer was complete           | `ConnectionReset`                       |
/// | the proxy broke the protocol                              | `InvalidData`                           |
/// | reading or writing failed                                 | that of the stream's error              |
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// None of the servers of the route, or the target itself where the route is direct, could be reached.
    CouldNotReach(Unreachable),
    /// The proxy said no, or something that is not SOCKS 5, or closed the connection.
    Handshake(socks_proto::Error),
    /// A proxy was reached and then the time was over.
    TimedOut {
        /// What the proxy left unanswered.
        phase: Phase,
    },
    /// The configuration gives no way to the target. Nothing was sent anywhere.
    Refused(Refusal),
    /// Reading from the proxy or writing to it failed.
    Io {
        /// What was being done.
        phase: Phase,
        /// How it failed.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn from_io(phase: Phase, source: io::Error) -> Self {
        match source.kind() {
            // A socket's timeout is one or the other, as the platform likes.
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut { phase },
            _ => Self::Io { phase, source },
        }
    }

    /// Whether it came before the proxy had answered anything: it took the connection and no more, which is what a
    /// server does that is dead, stopping or full.
    pub(crate) fn before_any_answer(&self) -> bool {
        match self {
            Self::Handshake(socks_proto::Error::Eof { phase }) | Self::TimedOut { phase } | Self::Io { phase, .. } => {
                *phase == Phase::Method
            }
            _ => false,
        }
    }

    /// The kind that this error has as an [`io::Error`].
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::CouldNotReach(unreachable) => {
                unreachable.tried.last().map_or(io::ErrorKind::NotFound, |attempt| attempt.error.kind())
            }
            Self::Handshake(error) => handshake_kind(error),
            Self::TimedOut { .. } => io::ErrorKind::TimedOut,
            Self::Refused(_) => io::ErrorKind::PermissionDenied,
            Self::Io { source, .. } => source.kind(),
        }
    }
}

fn handshake_kind(error: &socks_proto::Error) -> io::ErrorKind {
    use socks_proto::Error as E;
    match error {
        E::NoAcceptableMethod => io::ErrorKind::PermissionDenied,
        E::Authenticate(AuthFailure::Mechanism(_)) => io::ErrorKind::Other,
        E::Authenticate(_) => io::ErrorKind::PermissionDenied,
        E::Refused { code, .. } => match *code {
            ReplyCode::NOT_ALLOWED => io::ErrorKind::PermissionDenied,
            ReplyCode::NETWORK_UNREACHABLE => io::ErrorKind::NetworkUnreachable,
            ReplyCode::HOST_UNREACHABLE => io::ErrorKind::HostUnreachable,
            ReplyCode::TTL_EXPIRED => io::ErrorKind::TimedOut,
            ReplyCode::COMMAND_NOT_SUPPORTED | ReplyCode::ADDRESS_TYPE_NOT_SUPPORTED => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::ConnectionRefused,
        },
        E::Malformed { .. } => io::ErrorKind::InvalidData,
        E::Eof { .. } => io::ErrorKind::ConnectionReset,
        _ => io::ErrorKind::Other,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CouldNotReach(unreachable) => unreachable.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::TimedOut { phase } => write!(f, "the proxy did not answer in time ({phase})"),
            Self::Refused(refusal) => write!(f, "not allowed to go there: {refusal}"),
            Self::Io { phase, .. } => write!(f, "the connection to the proxy failed ({phase})"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::CouldNotReach(unreachable) => unreachable.source(),
            // Display says what the error itself says, so what comes next is its own cause.
            Self::Handshake(error) => error.source(),
            Self::Io { source, .. } => Some(source),
            Self::TimedOut { .. } | Self::Refused(_) => None,
        }
    }
}

impl From<socks_proto::Error> for Error {
    fn from(error: socks_proto::Error) -> Self {
        Self::Handshake(error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

/// Everything that was tried, in order. The [`source`](error::Error::source) is the cause of the last.
#[derive(Debug)]
pub struct Unreachable {
    pub(crate) tried: Vec<Attempt>,
}

impl Unreachable {
    /// One entry for each address of each server, or for a server whose name has none.
    pub fn tried(&self) -> &[Attempt] {
        &self.tried
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not reach ")?;
        for (i, attempt) in self.tried.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            attempt.fmt(f)?;
        }
        Ok(())
    }
}

impl error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.tried.last().map(|attempt| &attempt.error as _)
    }
}

/// One server at one address that could not be reached, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The server as it is configured; the target itself where the route is direct.
    pub endpoint: Endpoint,
    /// The address that was tried. `None` for a name that could not be resolved and for a Unix socket.
    pub addr: Option<SocketAddr>,
    /// How it failed. Holds an [`Error`] where the server took the connection and then never answered.
    pub error: io::Error,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.endpoint)?;
        if let Some(addr) = self.addr {
            let (endpoint, addr) = (self.endpoint.to_string(), addr.to_string());
            if endpoint != addr {
                write!(f, " at {addr}")?;
            }
        }
        write!(f, ": {}", self.error)
    }
}

/// A handshake over a caller's stream that failed, and the stream.
pub struct ConnectError<S> {
    error: Error,
    stream: S,
}

impl<S> ConnectError<S> {
    pub(crate) fn new(error: Error, stream: S) -> Self {
        Self { error, stream }
    }

    /// Why it failed.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Why it failed, without the stream.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// The stream, as far as the handshake came with it: of no use for another one unless the proxy never saw this.
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// Both.
    pub fn into_parts(self) -> (Error, S) {
        (self.error, self.stream)
    }
}

impl<S> fmt::Debug for ConnectError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<S> fmt::Display for ConnectError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<S> error::Error for ConnectError<S> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.error.source()
    }
}

impl<S> From<ConnectError<S>> for Error {
    fn from(error: ConnectError<S>) -> Self {
        error.error
    }
}

impl<S> From<ConnectError<S>> for io::Error {
    fn from(error: ConnectError<S>) -> Self {
        error.error.into()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn reply_codes_have_the_kinds_of_the_table() {
        use io::ErrorKind as K;
        let kinds = [
            (0x01, K::ConnectionRefused),
            (0x02, K::PermissionDenied),
            (0x03, K::NetworkUnreachable),
            (0x04, K::HostUnreachable),
            (0x05, K::ConnectionRefused),
            (0x06, K::TimedOut),
            (0x07, K::Unsupported),
            (0x08, K::Unsupported),
            (0xf2, K::ConnectionRefused),
        ];
        for (code, kind) in kinds {
            let error = socks_proto::Error::Refused { phase: Phase::Reply, code: ReplyCode(code) };
            assert_eq!(Error::from(error).kind(), kind, "reply {code:#04x}");
        }
    }

    #[test]
    fn every_attempt_is_told_and_the_last_is_the_source() {
        let endpoint = "gate.example:1080".parse::<socks_config::Server>().expect("a server").endpoint;
        let attempt = |addr: &str, kind: io::ErrorKind| Attempt {
            endpoint: endpoint.clone(),
            addr: Some(addr.parse().expect("an address")),
            error: kind.into(),
        };
        let tried = vec![
            attempt("192.0.2.1:1080", io::ErrorKind::TimedOut),
            attempt("192.0.2.2:1080", io::ErrorKind::ConnectionRefused),
        ];
        let error = Error::CouldNotReach(Unreachable { tried });
        assert_eq!(
            error.to_string(),
            "could not reach gate.example:1080 at 192.0.2.1:1080: timed out; \
             gate.example:1080 at 192.0.2.2:1080: connection refused"
        );
        assert_eq!(error.source().expect("a cause").to_string(), "connection refused");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
    }
}

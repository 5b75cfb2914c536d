//! What can go wrong on the way to a target, and where.

use std::error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use socks_config::{Endpoint, Refusal};
use socks_proto::{AuthFailure, Phase, ReplyCode, WireAddr};

/// Why a request to a proxy came to nothing. All adapters speak of failures in these terms:
///
/// | what happened                                      | how it is said                                          |
/// |----------------------------------------------------|---------------------------------------------------------|
/// | no proxy could be reached                          | [`CouldNotReach`](Self::CouldNotReach), with each cause |
/// | it takes none of the methods offered               | [`Handshake`](Self::Handshake): `NoAcceptableMethod`    |
/// | it did not let the user in                         | [`Handshake`](Self::Handshake): `Authenticate`          |
/// | it answered with reply code N                      | [`Handshake`](Self::Handshake): `Refused`               |
/// | it broke the protocol                              | [`Handshake`](Self::Handshake): `Malformed`             |
/// | it closed before its answer was complete           | [`Handshake`](Self::Handshake): `Eof`                   |
/// | it said yes, and then nothing that is of any use   | [`UnusableAnswer`](Self::UnusableAnswer)                |
/// | it did not answer in time                          | [`TimedOut`](Self::TimedOut)                            |
/// | reading from it or writing to it failed            | [`Io`](Self::Io)                                        |
/// | the configuration does not allow it                | [`Refused`](Self::Refused)                              |
/// | it needs a proxy, and the way leads through none   | [`Direct`](Self::Direct)                                |
///
/// `From<Error> for io::Error` keeps this error inside ([`io::Error::get_ref`]) and gives it a kind:
///
/// | what happened                                             | [`io::ErrorKind`]                       |
/// |-----------------------------------------------------------|-----------------------------------------|
/// | no proxy could be reached                                 | that of the last attempt                |
/// | no acceptable method, login refused, reply 0x02           | `PermissionDenied`                      |
/// | the security context failed on our side                   | `Other`                                 |
/// | reply 0x01, 0x05, or one that RFC 1928 does not list      | `ConnectionRefused`                     |
/// | reply 0x03                                                | `NetworkUnreachable`                    |
/// | reply 0x04                                                | `HostUnreachable`                       |
/// | reply 0x06; the deadline is over                          | `TimedOut`                              |
/// | reply 0x07, 0x08; the way leads through no proxy          | `Unsupported`                           |
/// | the proxy closed before its answer was complete           | `ConnectionReset`                       |
/// | the proxy broke the protocol, or its answer is of no use  | `InvalidData`                           |
/// | reading or writing failed                                 | that of the stream's error              |
/// | the configuration does not allow it                       | `PermissionDenied`                      |
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
    /// The proxy granted the request, with an address that says nothing here: a name for the UDP relay, or no address
    /// (no name) for a name (an address) that was to be resolved.
    UnusableAnswer(Box<WireAddr>),
    /// Only a proxy can do this, and the configuration sends it through none. Nothing was sent anywhere.
    Direct,
}

impl Error {
    /// A failed read or write in this phase. One that would block was given the time it may take: that is a timeout.
    pub fn from_io(phase: Phase, source: io::Error) -> Self {
        match source.kind() {
            // A socket's timeout is one or the other, as the platform likes.
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut { phase },
            _ => Self::Io { phase, source },
        }
    }

    /// Whether it came before the proxy had answered anything: it took the connection and no more, which is what a
    /// server does that is dead, stopping or full.
    pub fn before_any_answer(&self) -> bool {
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
            Self::UnusableAnswer(_) => io::ErrorKind::InvalidData,
            Self::Direct => io::ErrorKind::Unsupported,
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
            Self::UnusableAnswer(bound) => write!(f, "the proxy granted it, but its answer is of no use: {bound}"),
            Self::Direct => f.write_str("this needs a proxy, and the configuration names none for it"),
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
            Self::TimedOut { .. } | Self::Refused(_) | Self::UnusableAnswer(_) | Self::Direct => None,
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
    tried: Vec<Attempt>,
}

impl Unreachable {
    pub(crate) fn new(tried: Vec<Attempt>) -> Self {
        Self { tried }
    }

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
    /// Why a handshake over this stream failed.
    pub fn new(error: Error, stream: S) -> Self {
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

    /// Each row of the table of kinds, in its order.
    #[test]
    fn every_failure_has_the_kind_of_the_table() {
        use io::ErrorKind as K;
        use socks_proto::{Error as E, Malformed, MechanismError};
        let phase = Phase::Reply;
        let reply = |code| Error::from(E::Refused { phase, code: ReplyCode(code) });
        let login = |failure| Error::from(E::Authenticate(failure));
        let mechanism = MechanismError { major: 1, minor: 0, message: "no ticket".into() };
        let endpoint = || "gate.example".parse::<socks_config::Server>().expect("a server").endpoint;
        let attempt = |kind: K| Attempt { endpoint: endpoint(), addr: None, error: kind.into() };
        let rows = [
            (Error::CouldNotReach(Unreachable::new(vec![attempt(K::TimedOut), attempt(K::NotFound)])), K::NotFound),
            (E::NoAcceptableMethod.into(), K::PermissionDenied),
            (login(AuthFailure::LoginRefused { status: 1 }), K::PermissionDenied),
            (login(AuthFailure::ContextRefused), K::PermissionDenied),
            (login(AuthFailure::ProtectionTooWeak { level: 0 }), K::PermissionDenied),
            (reply(0x02), K::PermissionDenied),
            (login(AuthFailure::Mechanism(mechanism)), K::Other),
            (reply(0x01), K::ConnectionRefused),
            (reply(0x05), K::ConnectionRefused),
            (reply(0xf2), K::ConnectionRefused),
            (reply(0x03), K::NetworkUnreachable),
            (reply(0x04), K::HostUnreachable),
            (reply(0x06), K::TimedOut),
            (Error::TimedOut { phase }, K::TimedOut),
            (reply(0x07), K::Unsupported),
            (reply(0x08), K::Unsupported),
            (Error::Direct, K::Unsupported),
            (E::Eof { phase }.into(), K::ConnectionReset),
            (E::Malformed { phase, what: Malformed::Version(4) }.into(), K::InvalidData),
            (Error::UnusableAnswer(Box::new(WireAddr::UNSPECIFIED)), K::InvalidData),
            (Error::from_io(phase, K::BrokenPipe.into()), K::BrokenPipe),
            (Error::from_io(phase, K::WouldBlock.into()), K::TimedOut),
            (Error::Refused(Refusal::Strict), K::PermissionDenied),
        ];
        for (error, kind) in rows {
            let said = error.to_string();
            assert_eq!(error.kind(), kind, "{said}");
            let error = io::Error::from(error);
            assert_eq!(error.kind(), kind, "{said}");
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Error>()), "{said}");
        }
    }

    #[test]
    fn a_failed_read_is_the_source() {
        let error = Error::from_io(Phase::Method, io::Error::other("cable"));
        assert_eq!(error.to_string(), "the connection to the proxy failed (method negotiation)");
        assert_eq!(error.source().expect("a cause").to_string(), "cable");
        let error = ConnectError::new(error, ());
        assert_eq!(error.source().expect("a cause").to_string(), "cable");
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

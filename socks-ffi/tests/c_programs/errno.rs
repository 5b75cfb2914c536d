//! What a C program is told of a handshake that failed.

use socks_proto::{Error, ReplyCode};

/// The table of the design, in the words of POSIX.
pub(crate) fn errno(error: &Error) -> &'static str {
    match error {
        Error::Refused { code, .. } => match *code {
            ReplyCode::NOT_ALLOWED => "EACCES",
            ReplyCode::NETWORK_UNREACHABLE => "ENETUNREACH",
            ReplyCode::HOST_UNREACHABLE => "EHOSTUNREACH",
            ReplyCode::TTL_EXPIRED => "ETIMEDOUT",
            ReplyCode::COMMAND_NOT_SUPPORTED => "EOPNOTSUPP",
            ReplyCode::ADDRESS_TYPE_NOT_SUPPORTED => "EAFNOSUPPORT",
            _ => "ECONNREFUSED",
        },
        Error::NoAcceptableMethod | Error::Authenticate(_) => "EACCES",
        Error::Malformed { .. } => "EPROTO",
        Error::Eof { .. } => "ECONNRESET",
        _ => "EIO",
    }
}

//! The errno of everything that can go wrong: one table.

use rustix::io::Errno;
use socks_proto::{Error, ReplyCode};

/// What a program is told of a handshake that failed.
pub(crate) fn of(error: &Error) -> Errno {
    match error {
        Error::Refused { code, .. } => of_reply(*code),
        Error::NoAcceptableMethod | Error::Authenticate(_) => Errno::ACCESS,
        Error::Malformed { .. } => Errno::PROTO,
        Error::Eof { .. } => Errno::CONNRESET,
        _ => Errno::IO,
    }
}

fn of_reply(code: ReplyCode) -> Errno {
    match code {
        ReplyCode::NOT_ALLOWED => Errno::ACCESS,
        ReplyCode::NETWORK_UNREACHABLE => Errno::NETUNREACH,
        ReplyCode::HOST_UNREACHABLE => Errno::HOSTUNREACH,
        ReplyCode::TTL_EXPIRED => Errno::TIMEDOUT,
        ReplyCode::COMMAND_NOT_SUPPORTED => Errno::OPNOTSUPP,
        ReplyCode::ADDRESS_TYPE_NOT_SUPPORTED => Errno::AFNOSUPPORT,
        // General failure and refused by the target, by the table of the design; others have no better name.
        _ => Errno::CONNREFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socks_proto::{AuthFailure, Malformed, Phase};

    #[test]
    fn every_reply_code_has_the_errno_of_the_design() {
        let expected = [
            (0x01, Errno::CONNREFUSED),
            (0x02, Errno::ACCESS),
            (0x03, Errno::NETUNREACH),
            (0x04, Errno::HOSTUNREACH),
            (0x05, Errno::CONNREFUSED),
            (0x06, Errno::TIMEDOUT),
            (0x07, Errno::OPNOTSUPP),
            (0x08, Errno::AFNOSUPPORT),
            (0x09, Errno::CONNREFUSED),
            (0xff, Errno::CONNREFUSED),
        ];
        for (code, errno) in expected {
            let refused = Error::Refused { phase: Phase::Reply, code: ReplyCode(code) };
            assert_eq!(of(&refused), errno, "reply code {code:#04x}");
        }
    }

    #[test]
    fn what_is_not_a_reply_has_the_errno_of_the_design() {
        let phase = Phase::Reply;
        assert_eq!(of(&Error::NoAcceptableMethod), Errno::ACCESS);
        assert_eq!(of(&Error::Authenticate(AuthFailure::LoginRefused { status: 1 })), Errno::ACCESS);
        assert_eq!(of(&Error::Malformed { phase, what: Malformed::Version(4) }), Errno::PROTO);
        assert_eq!(of(&Error::Eof { phase }), Errno::CONNRESET);
    }
}

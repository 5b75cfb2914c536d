//! The request (RFC 1928 §4).

use bytes::BufMut;

#[cfg(feature = "server-codec")]
use super::Status;
use super::address::{self, AddrRef};
#[cfg(feature = "server-codec")]
use crate::address::WireAddr;
use crate::code_point::SOCKS_VERSION;
use crate::command::Command;
#[cfg(feature = "server-codec")]
use crate::command::CommandCode;
#[cfg(feature = "server-codec")]
use crate::error::Malformed;

/// The longest request.
pub(crate) const MAX_LEN: usize = 3 + address::MAX_LEN;

#[inline]
pub(crate) fn encode(command: &Command, out: &mut impl BufMut) {
    out.put_slice(&[SOCKS_VERSION, command.code().0, 0x00]);
    match command {
        Command::Connect(target) | Command::Bind(target) | Command::UdpAssociate(target) => {
            address::encode(target, out);
        }
        Command::Resolve(name) => address::encode(AddrRef::Name(name.as_bytes(), 0), out),
        Command::ResolvePtr(ip) => address::encode(AddrRef::Ip((*ip, 0).into()), out),
    }
}

#[cfg(feature = "server-codec")]
pub(crate) fn decode(input: &[u8]) -> Result<Status<(CommandCode, WireAddr)>, Malformed> {
    let (code, rest) = match *input {
        [] | [SOCKS_VERSION] | [SOCKS_VERSION, _] => {
            return Ok(Status::partial(3 + address::MIN_LEN, input.len()));
        }
        [SOCKS_VERSION, code, _, ref rest @ ..] => (CommandCode(code), rest),
        [version, ..] => return Err(Malformed::Version(version)),
    };
    Ok(match address::decode(rest)? {
        Status::Complete { value, len } => Status::Complete { value: (code, value.into()), len: 3 + len },
        Status::Partial { at_least } => Status::Partial { at_least },
    })
}

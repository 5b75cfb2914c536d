//! Messages of RFC 1961: version, type, length, token.

use alloc::vec::Vec;

use super::Status;
use crate::code_point::GSSAPI_VERSION;
use crate::error::Malformed;

/// The longest token that a message can hold.
pub(crate) const MAX_TOKEN: usize = u16::MAX as usize;
/// VER, MTYP and LEN.
pub(crate) const HEADER_LEN: usize = 4;

/// MTYP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageType {
    /// §3: a token of the security context.
    Context = 0x01,
    /// §4: the protection level, wrapped.
    Protection = 0x02,
    /// §5: wrapped data.
    Data = 0x03,
}

/// The type that refuses a context; it has neither length nor token.
const ABORT: u8 = 0xff;

/// A message as the peer sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Token(&'a [u8]),
    Abort,
}

pub(crate) fn encode(mtyp: MessageType, token: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let len = u16::try_from(token.len()).map_err(|_| Malformed::TokenLength(token.len()))?;
    out.extend_from_slice(&[GSSAPI_VERSION, mtyp as u8]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(token);
    Ok(())
}

/// Decodes a message of type `expected`, or an abort, at the front of `input`.
pub(crate) fn decode(expected: MessageType, input: &[u8]) -> Result<Status<Message<'_>>, Malformed> {
    // An abort has two bytes and nothing behind it.
    let may_abort = expected != MessageType::Data;
    match *input {
        [] | [GSSAPI_VERSION] if may_abort => Ok(Status::partial(2, input.len())),
        [GSSAPI_VERSION, ABORT, ..] if may_abort => Ok(Status::Complete { value: Message::Abort, len: 2 }),
        [] | [GSSAPI_VERSION] => Ok(Status::partial(HEADER_LEN, input.len())),
        [GSSAPI_VERSION, mtyp, ..] if mtyp != expected as u8 => Err(Malformed::MessageType(mtyp)),
        [GSSAPI_VERSION, _] | [GSSAPI_VERSION, _, _] => Ok(Status::partial(HEADER_LEN, input.len())),
        [GSSAPI_VERSION, _, high, low, ref rest @ ..] => {
            let len = usize::from(u16::from_be_bytes([high, low]));
            match rest.get(..len) {
                Some(token) => Ok(Status::Complete { value: Message::Token(token), len: HEADER_LEN + len }),
                None => Ok(Status::partial(HEADER_LEN + len, input.len())),
            }
        }
        [version, ..] => Err(Malformed::Version(version)),
    }
}

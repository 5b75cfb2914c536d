//! The reply to a request (RFC 1928 §6).

#[cfg(feature = "server-codec")]
use bytes::BufMut;

use super::address::AddrRef;
use super::{Status, address};
#[cfg(feature = "server-codec")]
use crate::address::WireAddr;
use crate::code_point::{ReplyCode, SOCKS_VERSION};
use crate::error::Malformed;

/// The shortest reply that grants a request.
pub(crate) const MIN_LEN: usize = 3 + address::MIN_LEN;
/// The longest reply.
pub(crate) const MAX_LEN: usize = 3 + address::MAX_LEN;

/// Looks at a reply at the front of `input`: whether it grants the request, and how far it is there.
///
/// A failure is complete with VER and REP: servers are known to send nothing more, or an address type of 0,
/// and to leave the connection open. RSV has no meaning and is not looked at.
#[inline]
pub(crate) fn decode(input: &[u8]) -> Result<Status<Result<(), ReplyCode>>, Malformed> {
    let rest = match *input {
        [] | [SOCKS_VERSION] => return Ok(Status::partial(MIN_LEN, input.len())),
        [SOCKS_VERSION, code, ..] if ReplyCode(code) != ReplyCode::SUCCEEDED => {
            return Ok(Status::Complete { value: Err(ReplyCode(code)), len: 2 });
        }
        [SOCKS_VERSION, _] => return Ok(Status::partial(MIN_LEN, input.len())),
        [SOCKS_VERSION, _, _, ref rest @ ..] => rest,
        [version, ..] => return Err(Malformed::Version(version)),
    };
    let len = 3 + address::len(rest)?;
    Ok(if input.len() < len { Status::partial(len, input.len()) } else { Status::Complete { value: Ok(()), len } })
}

/// BND.ADDR and BND.PORT of a whole reply.
#[inline]
pub(crate) fn addr(whole: &[u8]) -> Option<AddrRef<'_>> {
    match address::decode(whole.get(3..)?) {
        Ok(Status::Complete { value, .. }) => Some(value),
        _ => None,
    }
}

#[cfg(feature = "server-codec")]
pub(crate) fn encode(code: ReplyCode, bound: &WireAddr, out: &mut impl BufMut) {
    out.put_slice(&[SOCKS_VERSION, code.0, 0x00]);
    address::encode(bound, out);
}

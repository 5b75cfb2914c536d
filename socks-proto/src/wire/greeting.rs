//! The greeting and the server's choice of a method (RFC 1928 §3).

use bytes::BufMut;

use super::Status;
use crate::code_point::{MethodId, SOCKS_VERSION};
use crate::error::Malformed;

/// VER, NMETHODS and one method.
pub(crate) const ONE_METHOD_LEN: usize = 3;
/// The longest greeting: as many methods as can be told apart and offered.
pub(crate) const MAX_LEN: usize = 2 + 255;

/// VER, NMETHODS and METHODS. There are at most 255 distinct methods that can be offered.
#[inline]
pub(crate) fn encode(methods: impl ExactSizeIterator<Item = MethodId>, out: &mut impl BufMut) {
    out.put_slice(&[SOCKS_VERSION, methods.len() as u8]);
    methods.for_each(|method| out.put_u8(method.0));
}

pub(crate) const METHOD_REPLY_LEN: usize = 2;

#[inline]
pub(crate) fn decode_method_reply(input: &[u8]) -> Result<Status<MethodId>, Malformed> {
    match *input {
        [] | [SOCKS_VERSION] => Ok(Status::partial(METHOD_REPLY_LEN, input.len())),
        [SOCKS_VERSION, method, ..] => Ok(Status::Complete { value: MethodId(method), len: METHOD_REPLY_LEN }),
        [version, ..] => Err(Malformed::Version(version)),
    }
}

#[cfg(feature = "server-codec")]
pub(crate) fn decode(input: &[u8]) -> Result<Status<&[u8]>, Malformed> {
    match *input {
        [] | [SOCKS_VERSION] => Ok(Status::partial(2, input.len())),
        [SOCKS_VERSION, count, ..] => {
            let len = 2 + usize::from(count);
            match input.get(2..len) {
                Some(value) => Ok(Status::Complete { value, len }),
                None => Ok(Status::partial(len, input.len())),
            }
        }
        [version, ..] => Err(Malformed::Version(version)),
    }
}

#[cfg(feature = "server-codec")]
pub(crate) fn encode_method_reply(method: MethodId, out: &mut impl BufMut) {
    out.put_slice(&[SOCKS_VERSION, method.0]);
}

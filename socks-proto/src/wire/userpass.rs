//! Username and password and the server's verdict (RFC 1929 §2).

use bytes::BufMut;

use super::Status;
use crate::auth::userpass::UserPass;
use crate::code_point::{LOGIN_VERSION, SOCKS_VERSION};
use crate::error::Malformed;

/// The longest login: both texts of 255 octets.
pub(crate) const MAX_LEN: usize = 1 + 1 + 255 + 1 + 255;

pub(crate) fn encode(login: &UserPass, out: &mut impl BufMut) {
    out.put_u8(LOGIN_VERSION);
    for text in [login.username(), login.password()] {
        // UserPass holds at most 255 octets of each.
        out.put_u8(text.len() as u8);
        out.put_slice(text);
    }
}

pub(crate) const STATUS_LEN: usize = 2;

/// STATUS, 0 for success. VER should be 1; servers that answer with the version of SOCKS itself are common.
pub(crate) fn decode_status(input: &[u8]) -> Result<Status<u8>, Malformed> {
    match *input {
        [] | [LOGIN_VERSION | SOCKS_VERSION] => Ok(Status::partial(STATUS_LEN, input.len())),
        [LOGIN_VERSION | SOCKS_VERSION, value, ..] => Ok(Status::Complete { value, len: STATUS_LEN }),
        [version, ..] => Err(Malformed::Version(version)),
    }
}

#[cfg(feature = "server-codec")]
pub(crate) fn decode(input: &[u8]) -> Result<Status<UserPass>, Malformed> {
    let username_len = match *input {
        [] | [LOGIN_VERSION] => return Ok(Status::partial(5, input.len())),
        [LOGIN_VERSION, len, ..] => usize::from(len),
        [version, ..] => return Err(Malformed::Version(version)),
    };
    let password_at = 2 + username_len + 1;
    let Some(&password_len) = input.get(password_at - 1) else {
        return Ok(Status::partial(password_at + 1, input.len()));
    };
    let len = password_at + usize::from(password_len);
    let (Some(username), Some(password)) = (input.get(2..2 + username_len), input.get(password_at..len)) else {
        return Ok(Status::partial(len, input.len()));
    };
    let value = UserPass::new(username, password).map_err(|_| Malformed::Length)?;
    Ok(Status::Complete { value, len })
}

#[cfg(feature = "server-codec")]
pub(crate) fn encode_status(status: u8, out: &mut impl BufMut) {
    out.put_slice(&[LOGIN_VERSION, status]);
}

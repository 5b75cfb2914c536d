//! The other half: decode what clients send, encode what servers answer (feature `server-codec`).
//!
//! For peers in tests and for small servers. Each decoder looks at the front of a buffer, says
//! [`Status::Partial`] until its message is whole, and how many bytes it took then.

pub use crate::wire::Status;

use alloc::vec::Vec;

use bytes::BufMut;

use crate::address::WireAddr;
use crate::auth::userpass::UserPass;
use crate::code_point::{MethodId, ReplyCode};
use crate::command::CommandCode;
use crate::error::Malformed;
use crate::wire::{greeting, reply, request, userpass};

/// The methods that a client offers, one octet each (RFC 1928 §3).
///
/// # Errors
/// VER is not 5.
pub fn decode_greeting(input: &[u8]) -> Result<Status<&[u8]>, Malformed> {
    greeting::decode(input)
}

/// The server's choice of a method.
pub fn encode_method(method: MethodId, out: &mut impl BufMut) {
    greeting::encode_method_reply(method, out);
}

/// A login (RFC 1929 §2).
///
/// # Errors
/// VER is not 1, or one of the texts is empty.
pub fn decode_login(input: &[u8]) -> Result<Status<UserPass>, Malformed> {
    userpass::decode(input)
}

/// The verdict on a login: 0 lets the client in.
pub fn encode_login_status(status: u8, out: &mut impl BufMut) {
    userpass::encode_status(status, out);
}

/// A request (RFC 1928 §4): the command and what it is about.
///
/// # Errors
/// VER is not 5, or the type of address is unknown.
pub fn decode_request(input: &[u8]) -> Result<Status<(CommandCode, WireAddr)>, Malformed> {
    request::decode(input)
}

/// A reply (RFC 1928 §6).
pub fn encode_reply(code: ReplyCode, bound: &WireAddr, out: &mut impl BufMut) {
    reply::encode(code, bound, out);
}

/// A datagram of the relay with any FRAG and any address (RFC 1928 §7).
pub fn encode_datagram(datagram: &crate::udp::Datagram<'_>, out: &mut Vec<u8>) {
    out.put_slice(&[0, 0, datagram.frag]);
    crate::wire::address::encode(&datagram.peer, out);
    out.put_slice(datagram.payload);
}

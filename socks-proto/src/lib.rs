//! SOCKS 5 without I/O: the client's half of RFC 1928, RFC 1929 and RFC 1961 as a state machine.
//!
//! Bytes in, bytes out, events: [`Handshake`] says what to send and how much to read, and whoever owns the
//! socket does it, on whatever loop. It reads no clock, opens nothing, resolves nothing, and a handshake
//! without authentication or with a username and password allocates nothing, but for the list where both are offered.
//!
//! | feature        | default | what it adds                                                        |
//! |----------------|---------|---------------------------------------------------------------------|
//! | `gssapi`       | yes     | RFC 1961 around a [`GssContext`] that the caller brings              |
//! | `server-codec` | no      | [`server`]: decode requests, encode replies, for peers in tests      |
//!
//! * CONNECT, BIND with both replies, UDP ASSOCIATE with its datagrams ([`udp`]), Tor's RESOLVE and RESOLVE_PTR.
//! * Stepwise, or in one round trip where one method is offered ([`Offer::one_round_trip`]).
//! * Never cuts: a name, user or password that does not fit is an error of its constructor ([`LengthError`]).
//! * Tolerant of what real servers send, strict in what it sends; bytes after the last reply are never touched.
//! * Errors say which phase, what, and whose fault ([`Error`]). Secrets are in no error and no `Debug`.

#![no_std]
#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings))))]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod address;
mod auth;
mod code_point;
mod command;
mod error;
mod handshake;
#[cfg(feature = "server-codec")]
pub mod server;
pub mod udp;
mod wire;

pub use address::{DomainName, LengthError, ParseTargetError, TargetAddr, WireAddr};
#[cfg(feature = "gssapi")]
pub use auth::gssapi::{GssContext, GssStatus, Gssapi, Protection};
pub use auth::method::{AuthError, AuthMethod, AuthStatus, SecurityLayer, Unwrapped};
pub use auth::offer::{Auth, Login, Offer};
pub use auth::userpass::UserPass;
pub use code_point::{MethodId, ReplyCode};
pub use command::{Command, CommandCode};
pub use error::{AuthFailure, Error, Malformed, MechanismError, Phase};
pub use handshake::{Established, Event, Handshake, Step};

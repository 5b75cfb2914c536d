//! What the adapters of [`socks_proto`] have in common: everything but the sockets and the way to wait for them.
//!
//! An adapter for a runtime is thin: it opens sockets, moves bytes, holds timers. What it would otherwise share with
//! every other one by copy stands here, without I/O and with the time passed in:
//!
//! | here            | what it answers                                                                          |
//! |-----------------|------------------------------------------------------------------------------------------|
//! | [`plan::Plan`]  | which server to try next, at which address, and until when                               |
//! | [`Negotiation`] | what to write, how much to read, and what a failure of either means                      |
//! | [`Tunnel`]      | what a finished negotiation leaves behind                                                |
//! | [`Protection`]  | a stream through the layer that GSSAPI agreed on                                         |
//! | [`datagram`]    | UDP ASSOCIATE: framing, the sender's address, fragments, lengths                         |
//! | [`answer`]      | BND.ADDR as an answer: of RESOLVE, of RESOLVE_PTR, of UDP ASSOCIATE                      |
//! | [`Deadline`]    | one deadline over all, and shares of it                                                  |
//! | [`Waiters`]     | several tasks at one source, which remembers a single waker                              |
//! | [`Error`]       | what went wrong, in the same words everywhere, and its [`io::ErrorKind`](std::io::ErrorKind) |
//!
//! Programs use an adapter, which gives these types out again where they are part of its interface. Who writes an
//! adapter finds its two loops as the examples of [`Negotiation`] and [`plan::Plan`].

#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings))))]

pub mod answer;
pub mod datagram;
mod deadline;
mod error;
mod fragments;
mod negotiation;
pub mod plan;
mod protection;
mod waiters;

pub use deadline::Deadline;
pub use error::{Attempt, ConnectError, Error, Unreachable};
pub use negotiation::{BUF_LEN, Negotiation, Next, Tunnel};
pub use protection::Protection;
pub use waiters::{Waiters, Waiting};

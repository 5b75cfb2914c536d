//! SOCKS 5 for tokio: a connection to a target the way that a configuration says.
//!
//! [`connect()`] stands in for [`TcpStream::connect`](tokio::net::TcpStream::connect) and gives the same thing
//! back, a plain `TcpStream`, at the first byte of the target:
//!
//! ```no_run
//! use socks_tokio::{Config, ProxyUrl, TargetAddr, connect};
//! use tokio::io::AsyncWriteExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let proxy: ProxyUrl = "socks5h://ann:s3cret@gate.example".parse()?;
//! let target: TargetAddr = "mail.example:25".parse()?;
//! let mut stream = connect(&Config::from_url(&proxy), target).await?;
//! stream.write_all(b"QUIT\r\n").await?;
//! # Ok(())
//! # }
//! ```
//!
//! | what                           | by a [`Config`]            | by a [`Route`], in a time of its own | over any `AsyncRead + AsyncWrite` |
//! |--------------------------------|----------------------------|--------------------------------------|-------------------------------|
//! | a connection (CONNECT)         | [`connect()`]              | [`connect_through`]                  | [`connect_over`]              |
//! | one that comes in (BIND)       | [`Listener::bind`]         | [`Listener::bind_through`]           | [`Listener::bind_over`]       |
//! | datagrams (UDP ASSOCIATE)      | [`UdpAssociation::open`]   | [`UdpAssociation::open_through`]     | [`UdpAssociation::open_over`] |
//! | a name's address (Tor)         | [`resolve()`]              | [`resolve_through`]                  | [`resolve_over`]              |
//! | an address's name (Tor)        | [`resolve_ptr`]            | [`resolve_ptr_through`]              | [`resolve_ptr_over`]          |
//!
//! A [`Config`] comes from a proxy URL, from text, or from the files of socksrc(5) ([`socks_config::load`]). What goes
//! over a stream of the caller's takes an [`Offer`] in its place, and gives the stream back with the error
//! ([`ConnectError`]) where it fails; as a [`Stream`] is such a stream, proxies chain.
//!
//! | feature | default | what it adds                                                                                   |
//! |---------|---------|------------------------------------------------------------------------------------------------|
//! | `tower` | no      | `Connector`, a `tower_service::Service<http::Uri>` for hyper-util's client and what TLS is put on |
//!
//! # The way to the target
//!
//! * **Names.** A target that is a name stays a name: the proxy resolves it, and nobody else hears of it. There
//!   are two cases in which the way does not lead through a proxy: on a direct route the system resolves the
//!   name, and where the way depends on the name's address ([`Refusal::NeedsAddress`]) nothing is done; resolve
//!   it and connect to the address if that may be known.
//! * **Servers** are tried in turn, each at every address of its name, until one has answered anything at all.
//!   What it answers is final: only a server that cannot be connected to, hangs up at once or stays silent is
//!   passed over for the next.
//! * **Logins.** With credentials, username and password are offered, and no login as second choice; without,
//!   no login. A server marked `/pipeline` gets greeting, login and request in one write. A login for one connection alone,
//!   as Tor isolates circuits by it, is that of a rule made with [`ProxyRule::with_credentials`].
//! * **Direct** means a connection without a proxy, within the same time. It is taken where the configuration
//!   says so and never because something failed; what is refused is an error. What only a proxy can do is an error on a
//!   direct route ([`Error::Direct`]).
//! * **Afterwards** the bytes are the application's: none of them was read ahead. Without GSSAPI the plain socket comes
//!   back, or is inside of what does ([`Stream::into_inner`]).
//!
//! # Time
//!
//! One deadline, by the clock of the runtime, covers the proxy's name, every attempt to connect, the login and the answer;
//! it counts from the call that makes the future. While there are more servers or addresses to try, each gets an equal
//! share of what is left until it has answered something, two seconds at least, so that one that drops packets leaves time
//! for the others; `/timeout=` of a server takes the place of that share, and bounds its answer as well.
//!
//! A Unix socket whose listener has no room counts as not reachable at once: there the system does not wait.
//!
//! The peer of a [`Listener`] may take as long as it likes, or as [`Listener::accept_within`] says. Over a stream of the
//! caller's, and for datagrams, [`tokio::time::timeout`] limits it.
//!
//! # Cancelling
//!
//! Nothing here spawns a task: what is done for a future is done while it is polled, and dropping it closes what it had
//! opened. Only the system's resolver, where a proxy is given by name, ends its question by itself on a thread of the
//! runtime. A stream that is lent (`connect_over(&mut stream, ..)`) is of no use after a handshake that was dropped half
//! way. The futures are `Send` where what is put into them is. They have about 2.4 kB over a stream of the caller's, and 3.3 kB
//! else: the handshake stands in them as it is, with its longest messages, and nothing of it is on the heap.
//!
//! # Errors
//!
//! [`Error`] tells what could not be reached, and for each attempt why, from a proxy that said no, from one that
//! did not answer in time, and in which phase; it turns into an [`io::Error`](std::io::Error) of fitting kind by
//! `?`, as its table says. No user name and no password is part of any. Datagrams fail with an `io::Error`, in which a
//! [`DatagramError`] stands where it was not the system.

#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings))))]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connect;
#[cfg(feature = "tower")]
mod connector;
mod deadline;
mod drive;
mod listener;
mod reach;
mod resolve;
mod socket;
mod stream;
mod udp;

pub use connect::{connect, connect_over, connect_through};
#[cfg(feature = "tower")]
pub use connector::{Connecting, Connector};
pub use listener::Listener;
pub use resolve::{resolve, resolve_over, resolve_ptr, resolve_ptr_over, resolve_ptr_through, resolve_through};
pub use socket::Socket;
pub use stream::Stream;
pub use udp::UdpAssociation;

/// What every adapter shares: its errors are those of this one.
pub use socks_adapter::{
    self, Attempt, ConnectError, Error, Unreachable,
    datagram::{DatagramError, Datagrams},
};
/// The types of `socks-config` that a caller needs.
pub use socks_config::{self, Config, ProxyRule, ProxyUrl, Refusal, Route};
/// The types of `socks-proto` that a caller needs.
pub use socks_proto::{self, DomainName, Login, Offer, Phase, TargetAddr, UserPass, WireAddr};

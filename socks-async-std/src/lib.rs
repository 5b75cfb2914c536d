//! SOCKS 5 over the futures-io traits: a connection to a target the way that a configuration says, under smol, async-std
//! or any other executor.
//!
//! [`connect()`] gives a plain socket back at the first byte of the target, the one that smol's and async-std's own are
//! made of:
//!
//! ```no_run
//! use smol::io::AsyncWriteExt;
//! use socks_async_std::{Config, ProxyUrl, TargetAddr, connect};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # smol::block_on(async {
//! let proxy: ProxyUrl = "socks5h://ann:s3cret@gate.example".parse()?;
//! let target: TargetAddr = "mail.example:25".parse()?;
//! let stream = connect(&Config::from_url(&proxy), target).await?;
//! let mut stream = smol::net::TcpStream::from(stream);
//! stream.write_all(b"QUIT\r\n").await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! Under async-std, `async_std::net::TcpStream::from(stream.into_inner()?)` takes the place of that conversion.
//!
//! | what                           | by a [`Config`]            | by a [`Route`], in a time of its own | over any `AsyncRead + AsyncWrite` |
//! |--------------------------------|----------------------------|--------------------------------------|------------------------------|
//! | a connection (CONNECT)         | [`connect()`]              | [`connect_through`]                  | [`connect_over`]             |
//! | one that comes in (BIND)       | [`Listener::bind`]         | [`Listener::bind_through`]           | [`Listener::bind_over`]      |
//! | datagrams (UDP ASSOCIATE)      | [`UdpAssociation::open`]   | [`UdpAssociation::open_through`]     | [`UdpAssociation::open_over`] |
//! | a name's address (Tor)         | [`resolve()`]              | [`resolve_through`]                  | [`resolve_over`]             |
//! | an address's name (Tor)        | [`resolve_ptr`]            | [`resolve_ptr_through`]              | [`resolve_ptr_over`]         |
//!
//! A [`Config`] comes from a proxy URL, from text, or from the files of socksrc(5) ([`socks_config::load`]; it reads
//! them where it is called). What goes over a stream of the caller's takes an [`Offer`] in its place, and gives the stream
//! back with the error ([`ConnectError`]) where it fails; as a [`Stream`] is such a stream, proxies chain.
//!
//! # Runtimes
//!
//! There is no feature to choose one by, as there is nothing to choose: sockets and timers are those of [`async_io`], in
//! whose one reactor smol and async-std both wait, and which works under every other executor as well, where it waits on a
//! thread of its own. Names are resolved on the threads of the crate `blocking`, as both of them do. Nothing more is
//! started anywhere. So both may be in one program, and a library that uses this crate does not choose for its users.
//! Over a stream of the caller's, nothing but the futures-io traits is used.
//!
//! **async-std is discontinued** by its authors, who recommend smol. Programs that still use it are served here as well as
//! any; new ones better begin with smol (or with tokio, and `socks-tokio`).
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
//! One deadline covers the proxy's name, every attempt to connect, the login and the answer; it counts from the call that
//! makes the future. While there are more servers or addresses to try, each gets an equal share of what is left until it
//! has answered something, two seconds at least, so that one that drops packets leaves time for the others; `/timeout=` of
//! a server takes the place of that share, and bounds its answer as well.
//!
//! The peer of a [`Listener`] may take as long as it likes, or as [`Listener::accept_within`] says. Over a stream of the
//! caller's, and for datagrams, a timer that drops the future limits it: `futures_lite::future::or` with an
//! [`async_io::Timer`], or `async_std::future::timeout`.
//!
//! # Cancelling
//!
//! Nothing here spawns a task: what is done for a future is done while it is polled, and dropping it closes what it had
//! opened. Only the system's resolver, where a proxy is given by name, ends its question by itself on a thread of the
//! pool. A stream that is lent (`connect_over(&mut stream, ..)`) is of no use after a handshake that was dropped half
//! way. The futures are `Send` where what is put into them is, and none is larger than 3.5 kB plus the caller's stream.
//!
//! # Errors
//!
//! [`Error`] tells what could not be reached, and for each attempt why, from a proxy that said no, from one that
//! did not answer in time, and in which phase; it turns into an [`io::Error`](std::io::Error) of fitting kind by
//! `?`, as its table says. No user name and no password is part of any. Datagrams fail with an `io::Error`, in which a
//! [`DatagramError`] stands where it was not the system.

#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings))))]

mod connect;
mod deadline;
mod drive;
mod listener;
mod reach;
mod resolve;
mod socket;
mod stream;
mod udp;

pub use connect::{connect, connect_over, connect_through};
pub use listener::Listener;
pub use resolve::{resolve, resolve_over, resolve_ptr, resolve_ptr_over, resolve_ptr_through, resolve_through};
pub use socket::Socket;
pub use stream::Stream;
pub use udp::UdpAssociation;

/// Its `Async<TcpStream>` is what [`connect()`] gives.
pub use async_io;
/// What every adapter shares: its errors are those of this one.
pub use socks_adapter::{
    self, Attempt, ConnectError, Error, Unreachable,
    datagram::{DatagramError, Datagrams},
};
/// The types of `socks-config` that a caller needs.
pub use socks_config::{self, Config, ProxyRule, ProxyUrl, Refusal, Route};
/// The types of `socks-proto` that a caller needs.
pub use socks_proto::{self, DomainName, Login, Offer, Phase, TargetAddr, UserPass, WireAddr};

//! SOCKS 5 for programs with a loop of their own around [mio](https://docs.rs/mio): no thread, no hidden
//! [`Poll`](mio::Poll), nothing that blocks.
//!
//! A request is a [`Request`]: an [`event::Source`](mio::event::Source) that is asked on with each of its events, and comes
//! to what was asked for.
//!
//! ```no_run
//! use std::net::ToSocketAddrs;
//! use std::time::Instant;
//!
//! use mio::{Events, Interest, Poll, Token};
//! use socks_mio::{Config, Connecting, Progress, ProxyUrl, TargetAddr};
//!
//! let proxy: ProxyUrl = "socks5h://ann:s3cret@gate.example".parse()?;
//! let target: TargetAddr = "mail.example:25".parse()?;
//! let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(64));
//!
//! let mut connecting = Connecting::start(&Config::from_url(&proxy), target, Instant::now())?;
//! poll.registry().register(&mut connecting, Token(7), Interest::READABLE)?;
//! let stream = loop {
//!     match connecting.ready(poll.registry(), Instant::now())? {
//!         Progress::Done(stream) => break stream,
//!         // This one blocks, as long as the system's resolver likes. A program with much to do asks a thread.
//!         Progress::Resolve { host, port } => connecting.resolved((host, port).to_socket_addrs()),
//!         Progress::Pending => {
//!             let left = connecting.deadline().map(|at| at.saturating_duration_since(Instant::now()));
//!             poll.poll(&mut events, left)?;
//!         }
//!     }
//! };
//! println!("the target sees us come from {}", stream.bound());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | what                           | a [`Request`]    | comes to                                                          |
//! |--------------------------------|------------------|-------------------------------------------------------------------|
//! | a connection (CONNECT)         | [`Connecting`]   | [`Stream`]                                                        |
//! | one that comes in (BIND)       | [`Binding`]      | [`Listening`], which comes to a [`Stream`] and the peer's address |
//! | datagrams (UDP ASSOCIATE)      | [`Associating`]  | [`UdpAssociation`]                                                |
//! | a name's address (Tor)         | [`Resolving`]    | the address                                                       |
//! | an address's name (Tor)        | [`ResolvingPtr`] | the name                                                          |
//!
//! Each begins with `start` (by a [`Config`]), `start_through` (by a [`Route`], in a time of its own) or `over` (over any
//! non-blocking stream that is an event source, with an [`Offer`]). A [`Config`] comes from a proxy URL, from text, or from
//! the files of socksrc(5) ([`socks_config::load`]). As a [`Stream`] is an event source itself, proxies chain. There are no
//! features to choose from; `os-poll` of mio is for the program to enable.
//!
//! # The way to the target
//!
//! * **Names.** A target that is a name stays a name: the proxy resolves it, and nobody else hears of it. Nothing here
//!   resolves any: for the name of a proxy, or of a target to which no proxy leads, the caller is asked
//!   ([`Progress::Resolve`]). Where the way depends on the name's address ([`Refusal::NeedsAddress`]) nothing is done.
//! * **Servers** are tried in turn, each at every address of its name, until one has answered anything at all.
//!   What it answers is final: only a server that cannot be connected to, hangs up at once or stays silent is
//!   passed over for the next. The sockets change meanwhile, and the registration follows. A Unix socket whose listener
//!   has no room for one more cannot be connected to.
//! * **Logins.** With credentials, username and password are offered, and no login as second choice; without,
//!   no login. A server marked `/pipeline` gets greeting, login and request in one write. A login for one connection alone,
//!   as Tor isolates circuits by it, is that of a rule made with [`ProxyRule::with_credentials`].
//! * **Direct** means a connection without a proxy, within the same time. It is taken where the configuration
//!   says so and never because something failed. What only a proxy can do is an error there ([`Error::Direct`]).
//! * **Afterwards** the bytes are the application's: none of them was read ahead. Without GSSAPI the plain socket is
//!   inside of what comes back ([`Stream::into_inner`]).
//!
//! # Time
//!
//! The clock is the caller's: `now` is passed in, and [`Request::deadline`] says when to come back at the latest. One
//! deadline covers the proxy's name, every attempt to connect, the login and the answer; while there are more servers or
//! addresses to try, each gets an equal share of what is left until it has answered something, two seconds at least.
//! `/timeout=` of a server takes the place of that share. Over a stream of the caller's, and for the peer of a
//! [`Listening`], the time is what [`Request::until`] says. Only [`UdpAssociation::recv_from`] looks at a clock itself, for
//! the age of fragments.
//!
//! Giving up is dropping the request, or taking the stream out of it ([`Request::into_inner`]).
//!
//! # Errors
//!
//! [`Error`] tells what could not be reached, and for each attempt why, from a proxy that said no, from one that
//! did not answer in time, and in which phase; it turns into an [`io::Error`](std::io::Error) of fitting kind by
//! `?`, as its table says. No user name and no password is part of any. Datagrams fail with an `io::Error`, in which a
//! [`DatagramError`] stands where it was not the system.

#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings))))]

mod attempt;
mod connecting;
mod drive;
mod listening;
mod request;
mod resolving;
mod socket;
mod stream;
mod udp;

pub use connecting::Connecting;
pub use listening::{Binding, Listening};
pub use request::{Progress, Request};
pub use resolving::{Resolving, ResolvingPtr};
pub use socket::Socket;
pub use stream::Stream;
pub use udp::{Associating, UdpAssociation};

/// The sockets and the poll beneath.
pub use mio;
/// What every adapter shares: its errors are those of this one.
pub use socks_adapter::{
    self, Attempt, Error, Unreachable,
    datagram::{DatagramError, Datagrams},
};
/// The types of `socks-config` that a caller needs.
pub use socks_config::{self, Config, ProxyRule, ProxyUrl, Refusal, Route};
/// The types of `socks-proto` that a caller needs.
pub use socks_proto::{self, DomainName, Login, Offer, Phase, TargetAddr, UserPass, WireAddr};

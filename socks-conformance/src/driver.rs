//! Every vector, in every cutting, through an adapter.
//!
//! An adapter's `tests/conformance.rs` says how it negotiates, and the rest is the same for all:
//!
//! ```
//! # use std::io::{self, Read, Write};
//! # use socks_proto::{Command, Error, Handshake, Offer, Step};
//! use socks_conformance::driver::{Driver, Negotiated, Transport};
//! use socks_conformance::pipe::Pipe;
//!
//! struct Mine;
//!
//! impl Driver for Mine {
//!     type Transport = Pipe;
//!     type Error = MyError;
//!
//!     fn negotiate(&mut self, mut pipe: Pipe, command: Command, offer: Offer) -> Result<Negotiated, MyError> {
//!         let done = negotiate(Handshake::new(command, offer), &mut pipe)?;
//!         Ok(Negotiated { bound: Some(done.bound), ..Negotiated::default() })
//!     }
//!
//!     fn is(error: &MyError, expected: &Error) -> bool {
//!         matches!(error, MyError::Socks(error) if error == expected)
//!     }
//! }
//!
//! // socks_conformance::conformance_tests! { over_a_pipe: Mine; }
//! # #[derive(Debug)]
//! # enum MyError { Socks(Error), Io(io::Error) }
//! # impl From<Error> for MyError { fn from(error: Error) -> Self { Self::Socks(error) } }
//! # impl From<io::Error> for MyError { fn from(error: io::Error) -> Self { Self::Io(error) } }
//! # fn negotiate(mut handshake: Handshake, io: &mut Pipe) -> Result<socks_proto::Established, MyError> {
//! #     let mut buf = [0; 512];
//! #     loop {
//! #         match handshake.step()? {
//! #             Step::Send(bytes) => { let n = io.write(bytes)?; handshake.sent(n); }
//! #             Step::Receive { at_most } => {
//! #                 let most = buf.len().min(at_most.get());
//! #                 match io.read(&mut buf[..most])? {
//! #                     0 => return Err(handshake.receive_eof().into()),
//! #                     n => handshake.receive(&buf[..n])?,
//! #                 };
//! #             }
//! #             Step::Event(_) => {}
//! #             _ => return Ok(handshake.into_established().expect("done")),
//! #         }
//! #     }
//! # }
//! # socks_conformance::driver::run_all(&mut Mine).assert_clean();
//! ```

use std::fmt::{self, Debug};
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;

use socks_proto::{Command, Error, MethodId, Offer, WireAddr};

use crate::cutting::{Case, Density};
use crate::peer::{Paired, Peer};
use crate::pipe::Pipe;
use crate::script::Script;
use crate::vector::{self, Exchange, Milestone};

/// What negotiates: an adapter, or the core itself.
pub trait Driver {
    /// What it negotiates over: a [`Pipe`], one end of a [`UnixStream`], or a [`Dial`].
    type Transport: Transport;
    /// How it fails.
    type Error: Debug;

    /// Whether it may be told that a read or write would block, so that it has to come back.
    const RESTLESS: bool = false;

    /// Negotiates, reads what follows unless the transport is a [`Pipe`], and closes.
    ///
    /// # Errors
    /// Its own error, which [`is`](Self::is) understands.
    fn negotiate(&mut self, over: Self::Transport, command: Command, offer: Offer) -> Result<Negotiated, Self::Error>;

    /// Whether this is how it says `expected`.
    fn is(error: &Self::Error, expected: &Error) -> bool;

    /// The vector as the adapter says it, asked before the vector's cases run; `None` where it has no such command, or
    /// cannot make such an offer. What it has not is counted apart: a matter of its scope, and none of what happens to be
    /// installed.
    fn scope(&mut self, exchange: Exchange) -> Option<Exchange> {
        Some(exchange)
    }

    /// The events of the last negotiation, where it tells them.
    fn events(&mut self) -> Option<Vec<Milestone>> {
        None
    }
}

/// What an adapter tells after a success. `None` is what it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// BND.ADDR of the first reply, as it came.
    pub bound: Option<WireAddr>,
    /// Who connected, after BIND.
    pub peer: Option<WireAddr>,
    /// The method that let the client in.
    pub method: Option<MethodId>,
    /// Plain bytes of the application that came inside the last protected message.
    pub early: Option<Vec<u8>>,
    /// Bytes of the application that it took from the stream, as they were there. What it left in a [`Pipe`] is
    /// looked at by the test; from anything else it reads to the end.
    pub unread: Vec<u8>,
}

/// What a driver negotiates over.
pub trait Transport: Sized {
    /// The other side.
    type Guard;
    /// How many cases are worth their time.
    const DENSITY: Density;

    /// The client's end of a connection to a proxy with this script.
    ///
    /// # Errors
    /// There are no descriptors, ports or threads left.
    fn set_up(script: Script) -> io::Result<(Self, Self::Guard)>;

    /// What the client left unread.
    ///
    /// # Errors
    /// What it did that the script does not allow.
    fn finish(guard: Self::Guard) -> Result<Vec<u8>, String>;
}

impl Transport for Pipe {
    type Guard = Self;
    const DENSITY: Density = Density::Every;

    fn set_up(script: Script) -> io::Result<(Self, Self)> {
        let pipe = Self::new(script);
        Ok((pipe.clone(), pipe))
    }

    fn finish(guard: Self) -> Result<Vec<u8>, String> {
        Self::finish(&guard)
    }
}

/// A proxy on a loopback port that takes one connection: for adapters that connect themselves.
#[derive(Clone, Copy, Debug)]
pub struct Dial(pub SocketAddr);

impl Transport for Dial {
    type Guard = Peer;
    const DENSITY: Density = Density::NearTheEnds;

    fn set_up(script: Script) -> io::Result<(Self, Peer)> {
        let peer = Peer::listen(script)?;
        Ok((Self(peer.addr()), peer))
    }

    fn finish(guard: Peer) -> Result<Vec<u8>, String> {
        guard.finish().map(|()| Vec::new())
    }
}

impl Transport for UnixStream {
    type Guard = Paired;
    const DENSITY: Density = Density::NearTheEnds;

    fn set_up(script: Script) -> io::Result<(Self, Paired)> {
        Paired::new(script)
    }

    fn finish(guard: Paired) -> Result<Vec<u8>, String> {
        guard.finish().map(|()| Vec::new())
    }
}

/// The error of a driver that is nothing but a loop over the core.
#[derive(Debug)]
pub enum Failure {
    /// The core's word.
    Socks(Error),
    /// The stream's word, for the report.
    Io(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Socks(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What came of [`run_all`].
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many vectors ran.
    pub vectors: usize,
    /// How many cases that made.
    pub cases: usize,
    /// Vectors of commands and offers that the adapter does not have.
    pub out_of_scope: usize,
    /// What went wrong, one text a case.
    pub failures: Vec<String>,
}

impl Report {
    /// Prints the line that `cargo xtask conformance` makes a row of:
    /// `conformance: ADAPTER HOW VECTORS CASES FAILED OUT-OF-SCOPE`.
    pub fn publish(&self, adapter: &str, how: &str) {
        let Self { vectors, cases, out_of_scope, failures } = self;
        println!("conformance: {adapter} {how} {vectors} {cases} {} {out_of_scope}", failures.len());
    }

    /// Prints the counts.
    ///
    /// # Panics
    /// Where a case failed, or nothing ran at all.
    pub fn assert_clean(&self) {
        println!("{self}");
        assert!(self.cases > 0, "no cases");
        // The first few tell the story.
        let told: Vec<_> = self.failures.iter().take(20).map(String::as_str).collect();
        assert!(told.is_empty(), "{} of {} cases failed:\n{}", self.failures.len(), self.cases, told.join("\n"));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vectors, cases, out_of_scope, failures } = self;
        write!(f, "{vectors} vectors, {cases} cases, {} failed", failures.len())?;
        match out_of_scope {
            0 => Ok(()),
            _ => write!(f, "; {out_of_scope} more are of commands or offers that this adapter does not have"),
        }
    }
}

/// Runs all negotiations of `vectors/` that the driver can do.
///
/// # Panics
/// Where the vectors cannot be loaded, or no connection can be made.
pub fn run_all<D: Driver>(driver: &mut D) -> Report {
    let mut report = Report::default();
    for (vector, exchange) in vector::exchanges() {
        let Some(exchange) = driver.scope(exchange) else {
            report.out_of_scope += 1;
            continue;
        };
        report.vectors += 1;
        for case in Case::all(&exchange, D::Transport::DENSITY, D::RESTLESS) {
            report.cases += 1;
            if let Err(what) = run(driver, &case) {
                let Case { cutting, application, write_cap, restless, .. } = &case;
                report.failures.push(format!(
                    "{} ({cutting:?}, application {application}, write cap {write_cap:?}, restless {restless}): {what}",
                    vector.name
                ));
            }
        }
    }
    report
}

/// Runs one case.
///
/// # Errors
/// What is different from what the vector says.
///
/// # Panics
/// Where no connection can be made.
pub fn run<D: Driver>(driver: &mut D, case: &Case<'_>) -> Result<(), String> {
    let (transport, guard) = D::Transport::set_up(Script::new(case)).expect("a connection to the scripted proxy");
    let got = driver.negotiate(transport, case.exchange.command, case.exchange.offer.build());
    let left = D::Transport::finish(guard).map_err(|what| format!("{what}; the client says {got:?}"))?;
    if let Some(events) = driver.events() {
        same("events", &events, &case.exchange.events(case.said()))?;
    }
    match (got, case.outcome()) {
        (Ok(got), Ok(())) => agrees(case, &got, &left),
        (Err(error), Err(expected)) if D::is(&error, &expected) => Ok(()),
        (got, expected) => Err(format!("got {got:?}, expected {expected:?}")),
    }
}

fn agrees(case: &Case<'_>, got: &Negotiated, left: &[u8]) -> Result<(), String> {
    let exchange = case.exchange;
    if got.bound.is_some() {
        same("bound", &got.bound, &exchange.bound())?;
    }
    if got.peer.is_some() {
        same("peer", &got.peer, &exchange.peer())?;
    }
    if got.method.is_some() {
        same("method", &got.method, &exchange.method())?;
    }
    if let Some(early) = &got.early {
        same("early bytes", early, &exchange.early)?;
    }
    let unread = [&got.unread[..], left].concat();
    same("bytes of the application", &unread, &case.application_bytes())
}

fn same<T: Debug + PartialEq>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: got {got:?}, expected {expected:?}")) }
}

/// Makes a test of each driver: `conformance_tests! { over_tcp: MyDriver::default(); }`.
#[macro_export]
macro_rules! conformance_tests {
    ($($(#[$attr:meta])* $name:ident: $driver:expr;)+) => {
        $(
            #[test]
            $(#[$attr])*
            fn $name() {
                let report = $crate::driver::run_all(&mut $driver);
                report.publish(env!("CARGO_PKG_NAME"), stringify!($name));
                report.assert_clean();
            }
        )+
    };
}

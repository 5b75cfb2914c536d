//! A handshake as one who moves bytes sees it: write these, read so many, over.

use std::fmt;
use std::io;
use std::net::IpAddr;

use socks_proto::{Command, Event, Handshake, MethodId, Offer, Phase, Step, WireAddr};

use crate::error::Error;
use crate::protection::Protection;

/// The longest read that a [`Negotiation`] asks for: more than any message outside of GSSAPI.
pub const BUF_LEN: usize = 512;

/// One negotiation over one stream: the core's [`Handshake`] in terms of reads, writes and their failures.
///
/// The loop of an adapter is this, with the reads and writes of its runtime:
///
/// ```
/// use std::io::{Read, Write};
///
/// use socks_adapter::{BUF_LEN, Error, Negotiation, Next};
///
/// fn drive(stream: &mut (impl Read + Write), negotiation: &mut Negotiation) -> Result<(), Error> {
///     let mut buf = [0; BUF_LEN];
///     loop {
///         match negotiation.next()? {
///             Next::Write(bytes) => {
///                 let written = stream.write(bytes);
///                 negotiation.wrote(written)?;
///             }
///             Next::Read { at_most } => {
///                 let read = stream.read(&mut buf[..at_most]);
///                 negotiation.read(read.map(|n| &buf[..n]))?;
///             }
///             Next::Bound | Next::Done => return Ok(()),
///         }
///     }
/// }
/// # use std::io;
/// # use socks_proto::{Command, Login, Offer, TargetAddr};
/// # struct Peer { script: &'static [u8] }
/// # impl Read for Peer { fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> { self.script.read(buf) } }
/// # impl Write for Peer {
/// #     fn write(&mut self, buf: &[u8]) -> io::Result<usize> { Ok(buf.len()) }
/// #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// # }
/// # let mut stream = Peer { script: b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38hello" };
///
/// let target: TargetAddr = "mail.example:25".parse()?;
/// let mut negotiation = Negotiation::new(Command::Connect(target), Offer::stepwise(Login::None));
/// drive(&mut stream, &mut negotiation)?;
/// println!("the proxy connects from {}", negotiation.bound());
/// # assert_eq!(stream.script, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Nothing of it allocates, unless a method of authentication does.
pub struct Negotiation {
    handshake: Handshake,
    proxy: Option<IpAddr>,
    answered: bool,
    /// Whether the protection is with the caller already.
    given: bool,
}

/// What a [`Negotiation`] wants done next.
#[derive(PartialEq, Eq)]
#[must_use]
pub enum Next<'a> {
    /// Write these bytes, or some of the first of them, and tell [`Negotiation::wrote`].
    Write(&'a [u8]),
    /// Read, and tell [`Negotiation::read`].
    Read {
        /// No more than this, which is at most [`BUF_LEN`]: what follows may be the application's.
        at_most: usize,
    },
    /// BIND only, and once: the proxy listens at [`Negotiation::bound`], and waits for somebody to connect.
    Bound,
    /// It is over: [`Negotiation::take_tunnel`].
    Done,
}

/// Without the bytes: there may be a login in them.
impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(bytes) => write!(f, "Write({} bytes)", bytes.len()),
            Self::Read { at_most } => f.debug_struct("Read").field("at_most", at_most).finish(),
            Self::Bound => f.write_str("Bound"),
            Self::Done => f.write_str("Done"),
        }
    }
}

/// What a finished [`Negotiation`] leaves behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tunnel {
    /// BND.ADDR and BND.PORT of the first reply, as they came.
    pub bound: WireAddr,
    /// The method that let the user in.
    pub method: MethodId,
    /// Protection of all that follows, where the method agreed on some.
    pub protection: Option<Box<Protection>>,
}

impl Tunnel {
    /// A connection that no proxy is involved in; the target sees it come from `local`.
    pub fn direct(local: WireAddr) -> Self {
        Self { bound: local, method: MethodId::NONE, protection: None }
    }
}

impl Negotiation {
    /// A negotiation that has not begun, with a proxy of which nothing is known.
    #[inline]
    pub fn new(command: Command, offer: Offer) -> Self {
        let handshake = Handshake::new(command, offer);
        Self { handshake, proxy: None, answered: false, given: false }
    }

    /// The same with a proxy at this address.
    #[must_use]
    pub fn at(mut self, proxy: Option<IpAddr>) -> Self {
        self.proxy = proxy;
        self
    }

    /// What to do next.
    ///
    /// # Errors
    /// What ended the negotiation, each time it is asked.
    // No iterator: what it gives is borrowed.
    #[allow(clippy::should_implement_trait)]
    // Into the one loop of an adapter, where it is a few instructions; as a call it is four times as many.
    #[inline(always)]
    pub fn next(&mut self) -> Result<Next<'_>, Error> {
        while let Some(event) = self.handshake.take_event() {
            if event == Event::Bound && matches!(self.handshake.command(), Command::Bind(_)) {
                return Ok(Next::Bound);
            }
        }
        Ok(match self.handshake.step()? {
            Step::Send(bytes) => Next::Write(bytes),
            Step::Receive { at_most } => Next::Read { at_most: at_most.get().min(BUF_LEN) },
            _ => Next::Done,
        })
    }

    /// What came of writing: how many bytes have left. An interrupted write is done again.
    ///
    /// # Errors
    /// [`Error::Io`] where it failed or took nothing, [`Error::TimedOut`] where it ran into a timeout. Who can wait
    /// for a stream that would block does so in place of telling it here.
    #[inline]
    pub fn wrote(&mut self, written: io::Result<usize>) -> Result<(), Error> {
        match written {
            Ok(0) => Err(self.failed(io::ErrorKind::WriteZero.into())),
            Ok(n) => {
                self.handshake.sent(n);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// What came of reading: the bytes, none of them at the end of the stream. An interrupted read is done again.
    ///
    /// # Errors
    /// What the proxy said wrong, that it closed, or as [`wrote`](Self::wrote).
    #[inline(always)]
    pub fn read(&mut self, read: io::Result<&[u8]>) -> Result<(), Error> {
        match read {
            Ok([]) => Err(self.handshake.receive_eof().into()),
            Ok(bytes) => {
                self.answered = true;
                // All of them: there are no more than the proxy owes.
                self.handshake.receive(bytes)?;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The time is over. The negotiation has failed.
    pub fn timed_out(&mut self) -> Error {
        Error::TimedOut { phase: self.cut_short() }
    }

    /// What the proxy is to answer next, or what its last word was about.
    pub fn phase(&self) -> Phase {
        self.handshake.phase()
    }

    /// Whether the proxy has said anything yet. From then on it counts as reached.
    #[inline]
    pub fn answered(&self) -> bool {
        self.answered
    }

    /// BND.ADDR and BND.PORT of the first reply, once that is there.
    ///
    /// Where the proxy leaves the host open (`0.0.0.0`, `::`) and its own address is known, that takes its place.
    pub fn bound(&self) -> WireAddr {
        let bound = self.handshake.bound().unwrap_or(WireAddr::UNSPECIFIED);
        self.proxy.and_then(|proxy| bound.or_host(proxy)).map_or(bound, WireAddr::Ip)
    }

    /// BIND only: who connected, once that is known.
    pub fn peer(&self) -> Option<WireAddr> {
        self.handshake.peer()
    }

    /// The address of the proxy, where it is known and one of IP.
    pub fn proxy(&self) -> Option<IpAddr> {
        self.proxy
    }

    /// What was negotiated.
    ///
    /// # Errors
    /// Gives the negotiation back before [`Next::Done`].
    // The error is the whole state by purpose: nothing is lost by asking too early.
    #[allow(clippy::result_large_err)]
    #[inline]
    pub fn into_tunnel(mut self) -> Result<Tunnel, Self> {
        match self.take_tunnel() {
            Some(tunnel) => Ok(tunnel),
            None => Err(self),
        }
    }

    /// As [`into_tunnel`](Self::into_tunnel), where the negotiation is to stay in its place; `None` before
    /// [`Next::Done`], and once the protection was given.
    #[inline]
    pub fn take_tunnel(&mut self) -> Option<Tunnel> {
        if self.given || !self.handshake.is_done() {
            return None;
        }
        let protection = self.handshake.take_layer().map(|(layer, early)| Box::new(Protection::new(layer, early)));
        self.given = protection.is_some();
        Some(Tunnel { bound: self.handshake.bound()?, method: self.handshake.method()?, protection })
    }

    fn failed(&mut self, error: io::Error) -> Error {
        Error::from_io(self.cut_short(), error)
    }

    /// Ends the negotiation as an end of file at this point would, which is one in the same phase.
    fn cut_short(&mut self) -> Phase {
        self.handshake.receive_eof().phase()
    }
}

impl fmt::Debug for Negotiation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiation")
            .field("handshake", &self.handshake)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

//! One negotiation, from the greeting to the last reply.

mod buffer;
mod exchange;
mod marks;
mod protected;
mod state;
mod told;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use crate::address::WireAddr;
use crate::auth::method::SecurityLayer;
use crate::auth::offer::Offer;
use crate::code_point::MethodId;
use crate::command::Command;
use crate::error::{Error, Phase};

use state::Machine;

/// One client-side SOCKS 5 negotiation over one stream. Performs no I/O, reads no clock.
///
/// Ask [`step`](Self::step) what to do, do it, tell the outcome, and ask again:
///
/// ```
/// use socks_proto::{Command, Handshake, Login, Offer, Step, TargetAddr};
/// use std::io::{self, Read, Write};
///
/// fn negotiate(handshake: &mut Handshake, io: &mut (impl Read + Write)) -> io::Result<()> {
///     let mut buf = [0; 512];
///     loop {
///         match handshake.step().map_err(io::Error::other)? {
///             Step::Send(bytes) => match io.write(bytes)? {
///                 0 => return Err(io::ErrorKind::WriteZero.into()),
///                 n => handshake.sent(n),
///             },
///             Step::Receive { at_most } => {
///                 let most = buf.len().min(at_most.get());
///                 match io.read(&mut buf[..most])? {
///                     0 => return Err(io::Error::other(handshake.receive_eof())),
///                     n => handshake.receive(&buf[..n]).map_err(io::Error::other)?,
///                 };
///             }
///             Step::Event(event) => println!("{event:?}"),
///             Step::Done => return Ok(()),
///             _ => unreachable!("a step that this version of the crate does not have"),
///         }
///     }
/// }
///
/// # struct Peer { script: &'static [u8] }
/// # impl Read for Peer { fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> { self.script.read(buf) } }
/// # impl Write for Peer {
/// #     fn write(&mut self, buf: &[u8]) -> io::Result<usize> { Ok(buf.len()) }
/// #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// # }
/// # let mut io = Peer { script: b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38hello" };
/// let target: TargetAddr = "mail.example:25".parse()?;
/// let mut handshake = Handshake::new(Command::Connect(target), Offer::stepwise(Login::None));
/// negotiate(&mut handshake, &mut io)?;
/// println!("the proxy connects from {}", handshake.bound().expect("it is done"));
/// # assert_eq!(io.script, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Reading no byte too many
/// A caller that reads at most `at_most` bytes can never take a byte that belongs to the application, and
/// [`receive`](Self::receive) then consumes all of them. A caller that reads in bulk offers what it has,
/// keeps what `receive` did not consume and offers it again after the next steps; what is left at
/// [`Step::Done`] belongs to the application.
///
/// # Time
/// There is no timer in here: whoever waits holds one deadline over the whole of it, with BIND's second
/// reply apart, which may take as long as the peer likes.
///
/// # Size
/// Rather more than a kilobyte, all of it inline: lend it rather than move it.
pub struct Handshake {
    machine: Machine,
}

/// What a [`Handshake`] wants done next.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Step<'a> {
    /// Send these bytes, or some of the first of them, and tell [`Handshake::sent`] how many.
    Send(&'a [u8]),
    /// Read, and give what came to [`Handshake::receive`].
    Receive {
        /// The least number of bytes that the proxy still owes.
        at_most: NonZeroUsize,
    },
    /// Something that the caller may want to know. Each is told once.
    Event(Event),
    /// The negotiation is over: [`Handshake::bound`] and the like say what came of it. Where a method was offered that can
    /// protect what follows, [`Handshake::take_layer`] says whether it does.
    Done,
}

/// Without the bytes: there may be a login in them.
impl fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::Receive { at_most } => f.debug_struct("Receive").field("at_most", at_most).finish(),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Done => f.write_str("Done"),
        }
    }
}

/// A milestone of a [`Handshake`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The proxy chose this method.
    MethodSelected(MethodId),
    /// The proxy granted the request, with [`Handshake::bound`] as BND.ADDR and BND.PORT.
    Bound,
    /// BIND only: [`Handshake::peer`] connected.
    Accepted,
}

/// What a finished [`Handshake`] leaves behind.
#[non_exhaustive]
pub struct Established {
    /// BND.ADDR and BND.PORT of the first reply.
    pub bound: WireAddr,
    /// BIND only: who connected.
    pub peer: Option<WireAddr>,
    /// The method that let the client in.
    pub method: MethodId,
    /// Protection of all that follows, where GSSAPI or a private method agreed on some.
    pub layer: Option<Box<dyn SecurityLayer>>,
    /// Plain bytes of the application that came in the same protected message as the last reply.
    /// Always empty where there is no layer.
    pub early: Vec<u8>,
}

impl fmt::Debug for Established {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Established")
            .field("bound", &self.bound)
            .field("peer", &self.peer)
            .field("method", &self.method)
            .field("protected", &self.layer.is_some())
            .field("early", &self.early.len())
            .finish()
    }
}

impl Handshake {
    /// A negotiation that has not begun. Cannot fail: its inputs are valid by their types.
    #[inline]
    pub fn new(command: Command, offer: Offer) -> Self {
        Self { machine: Machine::new(command, offer) }
    }

    /// What to do next.
    ///
    /// # Errors
    /// The [`Error`] that ended the handshake, each time it is asked.
    #[inline]
    pub fn step(&mut self) -> Result<Step<'_>, Error> {
        self.machine.step()
    }

    /// What [`step`](Self::step) would tell first, where that is an event: for a caller who looks at the events apart,
    /// or at none of them.
    #[inline]
    pub fn take_event(&mut self) -> Option<Event> {
        self.machine.next_event()
    }

    /// The first `n` bytes of the last [`Step::Send`] have left.
    #[inline]
    pub fn sent(&mut self, n: usize) {
        self.machine.sent(n);
    }

    /// Takes bytes that came from the proxy; returns how many of them were its part of the handshake.
    ///
    /// Consumes all of `input` where that is no longer than the last `at_most`, and nothing while there are
    /// bytes to send, or [`Event::Bound`] was not told yet.
    ///
    /// # Errors
    /// The [`Error`] that ends the handshake; it stays. Where events arose from the same bytes, they are told
    /// first, and [`step`](Self::step) has the error after them.
    #[inline]
    pub fn receive(&mut self, input: &[u8]) -> Result<usize, Error> {
        self.machine.receive(input)
    }

    /// The proxy closed its side. Names the phase that was cut short; the handshake has failed, unless it was
    /// [done](Step::Done) before.
    pub fn receive_eof(&mut self) -> Error {
        self.machine.receive_eof()
    }

    /// What the proxy is to answer next, or what its last word was about.
    #[inline]
    pub fn phase(&self) -> Phase {
        self.machine.phase()
    }

    /// The request that is being made.
    #[inline]
    pub fn command(&self) -> &Command {
        self.machine.command()
    }

    /// BND.ADDR and BND.PORT of the first reply, once that is there: where CONNECT comes from, where BIND listens,
    /// where the UDP relay is, what RESOLVE found.
    #[inline]
    pub fn bound(&self) -> Option<WireAddr> {
        self.machine.bound()
    }

    /// BIND only: who connected, once the second reply is there.
    #[inline]
    pub fn peer(&self) -> Option<WireAddr> {
        self.machine.peer()
    }

    /// Whether the proxy has granted all that was asked for: [`Step::Done`] comes, after the events that were not told.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.machine.is_over()
    }

    /// The method that the proxy chose, once it has.
    #[inline]
    pub fn method(&self) -> Option<MethodId> {
        self.machine.method()
    }

    /// What was negotiated.
    ///
    /// # Errors
    /// Gives the handshake back before [`Step::Done`].
    // The error is the whole state by purpose: nothing is lost by asking too early.
    #[allow(clippy::result_large_err)]
    #[inline]
    pub fn into_established(mut self) -> Result<Established, Self> {
        match self.take_established() {
            Some(established) => Ok(established),
            None => Err(self),
        }
    }

    /// As [`into_established`](Self::into_established), where the handshake is to stay in its place; `None` before
    /// [`Step::Done`], and once the security layer was given.
    #[inline]
    pub fn take_established(&mut self) -> Option<Established> {
        self.machine.take_established()
    }

    /// The protection of all that follows, with the plain bytes of the application that came in the same message as the
    /// last reply. Given once, after [`Step::Done`]; `None` where nothing is protected.
    #[inline]
    pub fn take_layer(&mut self) -> Option<(Box<dyn SecurityLayer>, Vec<u8>)> {
        self.machine.take_layer()
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("command", self.command()).field("state", &self.machine).finish()
    }
}

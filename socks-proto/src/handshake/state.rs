//! The states and every way from one to another; nothing else changes state.
//!
//! | state        | what comes                     | what goes out         | next                    |
//! |--------------|--------------------------------|-----------------------|-------------------------|
//! | AwaitMethod  | 05 00                          | request ¹             | AwaitReply              |
//! | AwaitMethod  | 05 02                          | login ¹               | AwaitLogin              |
//! | AwaitMethod  | 01 (one round trip with login) |                       | AwaitLogin, 01 is kept  |
//! | AwaitMethod  | 05 other, offered              | the method's messages | AwaitAuth or AwaitReply |
//! | AwaitMethod  | 05 ff, not offered             |                       | Failed                  |
//! | AwaitLogin   | 01/05 00                       | request ¹             | AwaitReply              |
//! | AwaitLogin   | 01/05 other                    |                       | Failed                  |
//! | AwaitAuth    | the method's messages          | the method's messages | AwaitAuth or AwaitReply |
//! | AwaitReply   | granted                        |                       | Done; BIND: AwaitPeer   |
//! | AwaitReply   | refused                        |                       | Failed                  |
//! | AwaitPeer    | granted                        |                       | Done                    |
//! | AwaitPeer    | refused                        |                       | Failed                  |
//! | any but Done | end of the stream, nonsense    |                       | Failed                  |
//!
//! ¹ Unless it went out with the greeting (one round trip).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use super::buffer::Buffer;
use super::exchange::Exchange;
use super::{Established, Event, Step};
use crate::address::WireAddr;
use crate::auth::method::SecurityLayer;
use crate::auth::offer::Offer;
use crate::code_point::{LOGIN_VERSION, MethodId, ReplyCode};
use crate::command::Command;
use crate::error::{AuthFailure, Error, Malformed, Phase};
use crate::wire::{Status, greeting, reply, userpass};

/// What is waited for. What only some handshakes have stands apart, so that going on is the writing of a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    AwaitMethod,
    AwaitLogin,
    AwaitAuth,
    AwaitReply,
    AwaitPeer,
    Done,
}

/// It is over, and why is in [`Machine::error`]: so what every step returns is small.
#[derive(Clone, Copy)]
pub(super) struct Failed;

pub(super) struct Machine {
    pub(super) state: State,
    pub(super) marks: Marks,
    method: MethodId,
    /// The least that the message at hand still owes.
    pub(super) missing: NonZeroUsize,
    pub(super) buffer: Buffer,
    /// What ended it.
    error: Option<Error>,
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) offer: Offer,
    pub(super) command: Command,
}

impl Machine {
    /// Nothing of it is changed before it stands where it stays: or else all of it would be copied.
    #[inline(always)]
    pub(super) fn new(command: Command, offer: Offer) -> Self {
        Self {
            state: State::AwaitMethod,
            marks: Marks::FRESH,
            method: MethodId::NO_ACCEPTABLE,
            missing: least(greeting::METHOD_REPLY_LEN),
            buffer: Buffer::new(),
            error: None,
            exchange: None,
            offer,
            command,
        }
    }

    #[inline]
    pub(super) fn command(&self) -> &Command {
        &self.command
    }

    pub(super) fn standing(&self) -> Standing<'_> {
        Standing(self)
    }

    pub(super) fn phase(&self) -> Phase {
        match (&self.error, self.state) {
            (Some(error), _) => error.phase(),
            (None, State::AwaitMethod) => Phase::Method,
            (None, State::AwaitLogin | State::AwaitAuth) => Phase::Authentication,
            (None, State::AwaitReply | State::Done) => Phase::Reply,
            (None, State::AwaitPeer) => Phase::SecondReply,
        }
    }

    #[inline(always)]
    pub(super) fn step(&mut self) -> Result<Step<'_>, Error> {
        if self.marks != Marks::default() {
            return self.other_step();
        }
        if !self.buffer.is_sent() {
            return Ok(Step::Send(self.buffer.pending()));
        }
        Ok(if self.state == State::Done { Step::Done } else { Step::Receive { at_most: self.at_most() } })
    }

    /// Where nothing went out yet, there is something to tell, an error, or an exchange.
    #[inline(never)]
    fn other_step(&mut self) -> Result<Step<'_>, Error> {
        if self.marks.take(Marks::FRESH) {
            self.buffer.first(&self.offer, &self.command);
        } else if let Some(event) = self.next_event() {
            return Ok(Step::Event(event));
        }
        if self.error.is_some() {
            return Err(self.receive_eof());
        }
        // What a method says comes before the request.
        if let Some(exchange) = self.exchange.as_deref().filter(|exchange| !exchange.is_sent()) {
            return Ok(Step::Send(exchange.pending()));
        }
        if !self.buffer.is_sent() {
            return Ok(Step::Send(self.buffer.pending()));
        }
        Ok(if self.state == State::Done { Step::Done } else { Step::Receive { at_most: self.at_most() } })
    }

    #[inline]
    pub(super) fn next_event(&mut self) -> Option<Event> {
        if !self.marks.has(Marks::EVENTS) {
            if self.exchange.is_none() {
                return None;
            }
            self.look_behind();
            if !self.marks.has(Marks::EVENTS) {
                return None;
            }
        }
        Some(if self.marks.take(Marks::METHOD) {
            Event::MethodSelected(self.method)
        } else if self.marks.take(Marks::BOUND) {
            Event::Bound
        } else {
            self.marks.take(Marks::PEER);
            Event::Accepted
        })
    }

    /// Both replies to BIND can come in one protected message. What is wrong with it stays for step().
    #[cold]
    fn look_behind(&mut self) {
        let _ = self.take_exchange(&[]);
    }

    #[inline]
    pub(super) fn bound(&self) -> Option<WireAddr> {
        self.buffer.bound()
    }

    #[inline]
    pub(super) fn peer(&self) -> Option<WireAddr> {
        if self.is_over() && matches!(self.command, Command::Bind(_)) { self.buffer.peer() } else { None }
    }

    #[inline]
    pub(super) fn method(&self) -> Option<MethodId> {
        (self.method != MethodId::NO_ACCEPTABLE).then_some(self.method)
    }

    #[inline]
    pub(super) fn sent(&mut self, n: usize) {
        match self.exchange.as_deref_mut().filter(|exchange| !exchange.is_sent()) {
            Some(exchange) => exchange.advance(n),
            None => self.buffer.advance(n),
        }
    }

    /// What ended it, and where nothing has, that the proxy closed.
    #[cold]
    pub(super) fn receive_eof(&mut self) -> Error {
        let phase = self.phase();
        self.marks.set(Marks::FAILED);
        self.error.get_or_insert(Error::Eof { phase }).clone()
    }

    #[inline]
    pub(super) fn take_layer(&mut self) -> Option<(Box<dyn SecurityLayer>, Vec<u8>)> {
        if !self.is_over() {
            return None;
        }
        self.exchange.take()?.into_layer()
    }

    #[inline]
    pub(super) fn take_established(&mut self) -> Option<Established> {
        if !self.is_over() {
            return None;
        }
        let (layer, early) = match self.take_layer() {
            Some((layer, early)) => (Some(layer), early),
            None => (None, Vec::new()),
        };
        Some(Established { bound: self.bound()?, peer: self.peer(), method: self.method, layer, early })
    }

    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Done && !self.marks.has(Marks::FAILED)
    }

    /// Whether bytes of the proxy have a meaning now: not while it cannot know yet what it would answer.
    #[inline]
    pub(super) fn is_listening(&self) -> bool {
        self.buffer.is_sent()
            && self.state != State::Done
            && !self.marks.has(Marks::FRESH.and(Marks::BOUND).and(Marks::FAILED))
            && self.exchange.as_ref().is_none_or(|exchange| exchange.is_sent())
    }

    #[inline]
    pub(super) fn receive(&mut self, input: &[u8]) -> Result<usize, Error> {
        // All of it at once is what comes where no more is read than is asked for.
        let outcome = match self.exchange {
            None if input.len() <= self.missing.get() => self.take_one(input),
            _ => self.take_input(input),
        };
        match outcome {
            Ok(used) => Ok(used),
            // What came before the error is told before it, however the bytes were cut: step() has both.
            Err(Failed) if self.marks.has(Marks::EVENTS) => Ok(input.len()),
            Err(Failed) => Err(self.receive_eof()),
        }
    }

    /// At most one message, or a part of it.
    #[inline(never)]
    fn take_one(&mut self, input: &[u8]) -> Result<usize, Failed> {
        if input.is_empty() || !self.is_listening() { Ok(0) } else { self.take_plain(input) }
    }

    #[inline(never)]
    fn take_input(&mut self, input: &[u8]) -> Result<usize, Failed> {
        let mut used = 0;
        while used < input.len() && self.is_listening() {
            let rest = &input[used..];
            used += if self.exchange.is_some() { self.take_exchange(rest)? } else { self.take_one(rest)? };
        }
        Ok(used)
    }

    /// Bytes of a message that this crate decodes: no more than it owes at least.
    #[inline(always)]
    pub(super) fn take_plain(&mut self, input: &[u8]) -> Result<usize, Failed> {
        let taken = self.buffer.fill(input, self.missing.get());
        self.look()?;
        Ok(taken)
    }

    /// Looks at the message at hand: either it is whole and changes the state, or more of it is missing.
    #[inline(always)]
    fn look(&mut self) -> Result<(), Failed> {
        let have = self.buffer.message();
        let at_least = match self.state {
            State::AwaitMethod => match greeting::decode_method_reply(have) {
                Ok(Status::Partial { at_least }) => at_least,
                Ok(Status::Complete { value: method, .. }) => {
                    self.buffer.clear();
                    return self.select(method);
                }
                Err(Malformed::Version(LOGIN_VERSION)) if self.login_is_under_way() => return self.look_at_status(),
                Err(what) => return self.malformed(what),
            },
            State::AwaitLogin => match userpass::decode_status(have) {
                Ok(Status::Partial { at_least }) => at_least,
                Ok(Status::Complete { value: 0, .. }) => {
                    self.buffer.clear();
                    self.authenticated();
                    return Ok(());
                }
                Ok(Status::Complete { value: status, .. }) => {
                    return self.fail(Error::Authenticate(AuthFailure::LoginRefused { status }));
                }
                Err(what) => return self.malformed(what),
            },
            State::AwaitReply | State::AwaitPeer => match reply::decode(have) {
                Ok(Status::Partial { at_least }) => at_least,
                Ok(Status::Complete { value: Ok(_), .. }) => {
                    self.granted();
                    return Ok(());
                }
                Ok(Status::Complete { value: Err(code), .. }) => return self.refused(code),
                Err(what) => return self.malformed(what),
            },
            State::AwaitAuth | State::Done => return Ok(()),
        };
        self.missing = at_least;
        Ok(())
    }

    /// Tor drops the choice of a method where the login is there already: this is the login's status.
    #[cold]
    fn look_at_status(&mut self) -> Result<(), Failed> {
        self.select(MethodId::USER_PASS)?;
        self.look()
    }

    #[cold]
    pub(super) fn fail(&mut self, error: Error) -> Result<(), Failed> {
        self.marks.set(Marks::FAILED);
        self.error.get_or_insert(error);
        Err(Failed)
    }

    #[cold]
    pub(super) fn malformed(&mut self, what: Malformed) -> Result<(), Failed> {
        let phase = self.phase();
        self.fail(Error::Malformed { phase, what })
    }

    #[cold]
    fn refused(&mut self, code: ReplyCode) -> Result<(), Failed> {
        let phase = self.phase();
        self.fail(Error::Refused { phase, code })
    }

    /// Waits for a message of at least this length from now on.
    #[inline]
    pub(super) fn expect(&mut self, state: State, len: usize) {
        self.state = state;
        self.missing = least(len);
    }

    #[inline]
    fn login_is_under_way(&self) -> bool {
        self.offer.is_one_round_trip() && self.offer.user_pass().is_some()
    }

    fn select(&mut self, method: MethodId) -> Result<(), Failed> {
        if method == MethodId::NO_ACCEPTABLE {
            return self.fail(Error::NoAcceptableMethod);
        }
        // A server that asks for no login where one was offered lets us in; harmless, as long as it was not
        // sent the login already and would read that as a request.
        let is_waived =
            || method == MethodId::NONE && self.offer.user_pass().is_some() && !self.offer.is_one_round_trip();
        if !self.offer.offers(method) && !is_waived() {
            return self.malformed(Malformed::MethodNotOffered(method));
        }
        self.method = method;
        self.marks.set(Marks::METHOD);
        if method == MethodId::NONE {
            self.authenticated();
            return Ok(());
        }
        if method == MethodId::USER_PASS
            && let Some(login) = self.offer.user_pass()
        {
            if !self.offer.is_one_round_trip() {
                self.buffer.login(login);
            }
            self.expect(State::AwaitLogin, userpass::STATUS_LEN);
            return Ok(());
        }
        self.begin(method)
    }

    /// The proxy has let us in: the request follows, unless it went out with the greeting.
    #[inline]
    pub(super) fn authenticated(&mut self) {
        self.expect(State::AwaitReply, reply::MIN_LEN);
        if !self.offer.is_one_round_trip() {
            self.buffer.request(&self.command);
        }
    }

    /// The message at hand is a reply that grants the request; its address stays there.
    #[inline]
    fn granted(&mut self) {
        if self.state == State::AwaitPeer {
            self.marks.set(Marks::PEER);
            self.state = State::Done;
            return;
        }
        self.buffer.keep_bound();
        self.marks.set(Marks::BOUND);
        if matches!(self.command, Command::Bind(_)) {
            self.expect(State::AwaitPeer, reply::MIN_LEN);
        } else {
            self.state = State::Done;
        }
    }

    /// The least number of bytes that the proxy still owes.
    #[inline]
    fn at_most(&self) -> NonZeroUsize {
        if !self.offer.is_one_round_trip() {
            let protected = self.exchange.as_ref().and_then(|exchange| exchange.protected.as_ref());
            return protected.map_or(self.missing, |protected| protected.at_least());
        }
        // What follows the message at hand without our sending anything more.
        let follows = match self.state {
            State::AwaitMethod if self.login_is_under_way() && self.buffer.message().is_empty() => {
                // Tor may leave the choice of a method out, so that this is the login's status already.
                reply::MIN_LEN
            }
            State::AwaitMethod if self.login_is_under_way() => userpass::STATUS_LEN + reply::MIN_LEN,
            State::AwaitMethod | State::AwaitLogin => reply::MIN_LEN,
            State::AwaitAuth | State::AwaitReply | State::AwaitPeer | State::Done => 0,
        };
        self.missing.saturating_add(follows)
    }
}

/// A handshake's state in words, as its `Debug` has it.
pub(super) struct Standing<'a>(&'a Machine);

impl fmt::Debug for Standing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.error, self.0.state) {
            (Some(error), _) => f.debug_tuple("Failed").field(error).finish(),
            (None, State::Done) => f.write_str("Done"),
            (None, _) => f.debug_tuple("Await").field(&self.0.phase()).finish(),
        }
    }
}

/// What makes a step another than the next of the exchange, a bit each, so that one look tells that there is none of it.
/// The order in which events can arise is that of their bits.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    /// The choice of a method was not told yet.
    const METHOD: Self = Self(1);
    /// The first reply was not.
    const BOUND: Self = Self(2);
    /// The second reply was not.
    const PEER: Self = Self(4);
    const EVENTS: Self = Self(7);
    /// There is an error.
    const FAILED: Self = Self(8);
    /// Nothing was asked of it yet: the first flight has still to be written.
    const FRESH: Self = Self(32);
    /// There is an exchange.
    pub(super) const EXCHANGE: Self = Self(16);

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of these is set.
    #[inline]
    fn has(self, these: Self) -> bool {
        self.0 & these.0 != 0
    }

    #[inline]
    pub(super) fn set(&mut self, these: Self) {
        self.0 |= these.0;
    }

    /// Whether it was set; it is no more.
    #[inline]
    fn take(&mut self, this: Self) -> bool {
        let had = self.has(this);
        self.0 &= !this.0;
        had
    }
}

/// Lengths of messages are none of them 0.
const fn least(len: usize) -> NonZeroUsize {
    match NonZeroUsize::new(len) {
        Some(len) => len,
        None => NonZeroUsize::MIN,
    }
}

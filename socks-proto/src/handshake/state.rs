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
use core::num::NonZeroUsize;

use super::buffer::Buffer;
use super::exchange::Exchange;
use super::marks::Marks;
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
    /// The chosen one; 0xff, which none can be, before.
    pub(super) method: MethodId,
    /// The least that the message at hand still owes.
    pub(super) missing: NonZeroUsize,
    pub(super) buffer: Buffer,
    /// What ended it.
    pub(super) error: Option<Error>,
    /// On the heap, as are the messages in it: few handshakes have it, and the others need not carry it along.
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

    pub(super) fn phase(&self) -> Phase {
        match (&self.error, self.state) {
            (Some(error), _) => error.phase(),
            (None, State::AwaitMethod) => Phase::Method,
            (None, State::AwaitLogin | State::AwaitAuth) => Phase::Authentication,
            (None, State::AwaitPeer) => Phase::SecondReply,
            // Its last word was the second reply to BIND.
            (None, State::Done) if matches!(self.command, Command::Bind(_)) => Phase::SecondReply,
            (None, State::AwaitReply | State::Done) => Phase::Reply,
        }
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
        // What is done stays done: this end is the application's.
        if self.state == State::Done {
            return Error::Eof { phase };
        }
        self.buffer.give_up();
        self.marks.set(Marks::FAILED);
        self.error.get_or_insert(Error::Eof { phase }).clone()
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
        if !input.is_empty() && self.is_listening() { self.take_plain(input) } else { Ok(0) }
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
        self.buffer.give_up();
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
    pub(super) fn login_is_under_way(&self) -> bool {
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
}

/// Lengths of messages are none of them 0.
const fn least(len: usize) -> NonZeroUsize {
    match NonZeroUsize::new(len) {
        Some(len) => len,
        None => NonZeroUsize::MIN,
    }
}

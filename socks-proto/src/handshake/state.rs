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
use super::protected::Protected;
use super::{Established, Event, Step};
use crate::address::WireAddr;
use crate::auth::method::{AuthError, AuthMethod, AuthStatus, SecurityLayer};
use crate::auth::offer::Offer;
use crate::code_point::{LOGIN_VERSION, MethodId};
use crate::command::Command;
use crate::error::{AuthFailure, Error, Malformed, Phase};
use crate::wire::{Status, greeting, reply, userpass};

/// What is waited for. What only some handshakes have stands apart, so that going on is the writing of a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    AwaitMethod,
    AwaitLogin,
    AwaitAuth,
    AwaitReply,
    AwaitPeer,
    Done,
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

/// Events that were not told yet, a bit each. The order in which they can arise is that of the bits.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Untold(u8);

impl Untold {
    const METHOD: Self = Self(1);
    const BOUND: Self = Self(2);
    const PEER: Self = Self(4);

    #[inline]
    fn any(self) -> bool {
        self.0 != 0
    }

    #[inline]
    fn has(self, event: Self) -> bool {
        self.0 & event.0 != 0
    }

    #[inline]
    fn add(&mut self, event: Self) {
        self.0 |= event.0;
    }

    /// Takes the event out, where it is in.
    #[inline]
    fn take(&mut self, event: Self) -> bool {
        let had = self.has(event);
        self.0 &= !event.0;
        had
    }
}

pub(super) struct Machine {
    state: State,
    /// The least that the message at hand still owes.
    missing: NonZeroUsize,
    /// What ended it.
    error: Option<Error>,
    /// The method whose own exchange is under way.
    running: Option<Box<dyn AuthMethod>>,
    untold: Untold,
    buffer: Buffer,
    method: MethodId,
    /// Which replies are in the buffer.
    is_bound: bool,
    has_peer: bool,
    protected: Option<Protected>,
    offer: Offer,
    command: Command,
}

impl Machine {
    // Built where it is to stay, or else all of it is copied twice.
    #[inline(always)]
    pub(super) fn new(command: Command, offer: Offer) -> Self {
        let mut machine = Self {
            state: State::AwaitMethod,
            missing: least(greeting::METHOD_REPLY_LEN),
            error: None,
            running: None,
            untold: Untold::default(),
            buffer: Buffer::new(),
            method: MethodId::NO_ACCEPTABLE,
            is_bound: false,
            has_peer: false,
            protected: None,
            offer,
            command,
        };
        // Where it stands: it is the larger part of the whole.
        machine.buffer.first(&machine.offer, &machine.command);
        machine
    }

    #[inline]
    pub(super) fn command(&self) -> &Command {
        &self.command
    }

    pub(super) fn state(&self) -> Standing<'_> {
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

    #[inline]
    pub(super) fn step(&mut self) -> Result<Step<'_>, Error> {
        if let Some(event) = self.next_event() {
            return Ok(Step::Event(event));
        }
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if !self.buffer.is_sent() {
            return Ok(Step::Send(self.buffer.pending()));
        }
        Ok(if self.state == State::Done { Step::Done } else { Step::Receive { at_most: self.at_most() } })
    }

    #[inline]
    pub(super) fn next_event(&mut self) -> Option<Event> {
        if !self.untold.any() {
            // Both replies to BIND can come in one protected message. What is wrong with it stays for step().
            if self.protected.is_none() || self.receive(&[]).is_err() || !self.untold.any() {
                return None;
            }
        }
        if self.untold.take(Untold::METHOD) {
            return Some(Event::MethodSelected(self.method));
        }
        if self.untold.take(Untold::BOUND) {
            return Some(Event::Bound(self.buffer.bound()));
        }
        self.untold.take(Untold::PEER);
        Some(Event::Accepted(self.buffer.peer()))
    }

    #[inline]
    pub(super) fn bound(&self) -> Option<WireAddr> {
        self.is_bound.then(|| self.buffer.bound())
    }

    #[inline]
    pub(super) fn sent(&mut self, n: usize) {
        self.buffer.advance(n);
    }

    pub(super) fn receive_eof(&mut self) -> Error {
        let phase = self.phase();
        self.fail(Error::Eof { phase })
    }

    #[inline]
    pub(super) fn take_established(&mut self) -> Option<Established> {
        if self.error.is_some() || self.state != State::Done {
            return None;
        }
        let (layer, early) = match self.protected.take() {
            Some(protected) => {
                let (layer, early) = protected.into_parts();
                (Some(layer), early)
            }
            None => (None, Vec::new()),
        };
        let peer = self.has_peer.then(|| self.buffer.peer());
        Some(Established { bound: self.buffer.bound(), peer, method: self.method, layer, early })
    }

    /// Whether bytes of the proxy have a meaning now: not while it cannot know yet what it would answer.
    #[inline]
    fn is_listening(&self) -> bool {
        self.buffer.is_sent() && !self.untold.has(Untold::BOUND) && self.state != State::Done && self.error.is_none()
    }

    pub(super) fn receive(&mut self, input: &[u8]) -> Result<usize, Error> {
        match self.take_input(input) {
            Ok(used) => Ok(used),
            Err(error) => {
                let error = self.fail(error);
                // What came before the error is told before it, however the bytes were cut: step() has both.
                if self.untold.any() { Ok(input.len()) } else { Err(error) }
            }
        }
    }

    #[cold]
    fn fail(&mut self, error: Error) -> Error {
        self.error.get_or_insert(error).clone()
    }

    fn take_input(&mut self, input: &[u8]) -> Result<usize, Error> {
        if self.protected.is_some() {
            return self.take_protected(input);
        }
        let mut used = 0;
        while self.is_listening() && used < input.len() {
            let rest = &input[used..];
            if self.protected.is_some() {
                return Ok(used + self.take_protected(rest)?);
            }
            used += if self.state == State::AwaitAuth { self.take_auth(rest)? } else { self.take_plain(rest)? };
        }
        Ok(used)
    }

    /// Bytes of a message that this crate decodes. At most one message is finished by a call.
    fn take_plain(&mut self, input: &[u8]) -> Result<usize, Error> {
        let mut used = 0;
        loop {
            let taken = self.buffer.fill(&input[used..], self.missing.get());
            used += taken;
            if taken == 0 || self.is_whole()? {
                return Ok(used);
            }
        }
    }

    /// Looks at the message at hand: either it is whole and changes the state, or more of it is missing.
    fn is_whole(&mut self) -> Result<bool, Error> {
        let have = self.buffer.message();
        let at_least = match self.state {
            State::AwaitMethod => {
                if have.first() == Some(&LOGIN_VERSION) && self.login_is_under_way() {
                    // Tor drops the choice of a method where the login is there already.
                    self.select(MethodId::USER_PASS)?;
                    return self.is_whole();
                }
                match greeting::decode_method_reply(have).map_err(|what| self.malformed(what))? {
                    Status::Partial { at_least } => at_least,
                    Status::Complete { value: method, .. } => {
                        self.buffer.clear();
                        self.select(method)?;
                        return Ok(true);
                    }
                }
            }
            State::AwaitLogin => match userpass::decode_status(have).map_err(|what| self.malformed(what))? {
                Status::Partial { at_least } => at_least,
                Status::Complete { value: 0, .. } => {
                    self.buffer.clear();
                    self.authenticated(None)?;
                    return Ok(true);
                }
                Status::Complete { value: status, .. } => {
                    return Err(Error::Authenticate(AuthFailure::LoginRefused { status }));
                }
            },
            State::AwaitReply | State::AwaitPeer => match reply::decode(have).map_err(|what| self.malformed(what))? {
                Status::Partial { at_least } => at_least,
                Status::Complete { value: Err(code), .. } => return Err(Error::Refused { phase: self.phase(), code }),
                Status::Complete { value: Ok(_), .. } => {
                    self.granted();
                    return Ok(true);
                }
            },
            State::AwaitAuth | State::Done => return Ok(true),
        };
        self.missing = at_least;
        Ok(false)
    }

    #[cold]
    fn malformed(&self, what: Malformed) -> Error {
        Error::Malformed { phase: self.phase(), what }
    }

    /// Waits for a message of at least this length from now on.
    #[inline]
    fn expect(&mut self, state: State, len: usize) {
        self.state = state;
        self.missing = least(len);
    }

    fn login_is_under_way(&self) -> bool {
        self.offer.is_one_round_trip() && self.offer.user_pass().is_some()
    }

    fn select(&mut self, method: MethodId) -> Result<(), Error> {
        if method == MethodId::NO_ACCEPTABLE {
            return Err(Error::NoAcceptableMethod);
        }
        // A server that asks for no login where one was offered lets us in; harmless, as long as it was not
        // sent the login already and would read that as a request.
        let waived =
            method == MethodId::NONE && self.offer.offers(MethodId::USER_PASS) && !self.offer.is_one_round_trip();
        if !waived && !self.offer.offers(method) {
            let what = Malformed::MethodNotOffered(method);
            return Err(Error::Malformed { phase: Phase::Method, what });
        }
        self.method = method;
        self.untold.add(Untold::METHOD);
        match (method, self.offer.user_pass()) {
            (MethodId::NONE, _) => self.authenticated(None),
            (MethodId::USER_PASS, Some(login)) => {
                if !self.offer.is_one_round_trip() {
                    self.buffer.login(login);
                }
                self.expect(State::AwaitLogin, userpass::STATUS_LEN);
                Ok(())
            }
            _ => match self.offer.take(method) {
                Some(mut method) => {
                    let status = method.start(self.buffer.heap());
                    self.follow_auth(method, status)
                }
                None => {
                    let what = Malformed::MethodNotOffered(method);
                    Err(Error::Malformed { phase: Phase::Method, what })
                }
            },
        }
    }

    /// Bytes for a method that brings its own exchange.
    fn take_auth(&mut self, input: &[u8]) -> Result<usize, Error> {
        let Some(mut method) = self.running.take() else { return Ok(0) };
        let taken = input.len().min(self.missing.get());
        let status = method.receive(&input[..taken], self.buffer.heap());
        self.follow_auth(method, status)?;
        Ok(taken)
    }

    fn follow_auth(&mut self, method: Box<dyn AuthMethod>, status: Result<AuthStatus, AuthError>) -> Result<(), Error> {
        match status.map_err(auth_error)? {
            AuthStatus::Need { at_least } => {
                self.running = Some(method);
                self.expect(State::AwaitAuth, at_least.get());
                Ok(())
            }
            AuthStatus::Done => self.authenticated(method.into_layer()),
        }
    }

    /// The proxy has let us in: the request follows, unless it went out with the greeting.
    fn authenticated(&mut self, layer: Option<Box<dyn SecurityLayer>>) -> Result<(), Error> {
        self.expect(State::AwaitReply, reply::MIN_LEN);
        match layer {
            Some(mut layer) => {
                self.buffer.protected_request(&self.command, &mut *layer).map_err(auth_error)?;
                self.protected = Some(Protected::new(layer).map_err(auth_error)?);
            }
            None if !self.offer.is_one_round_trip() => self.buffer.request(&self.command),
            None => {}
        }
        Ok(())
    }

    /// The message at hand is a reply that grants the request; its address stays there.
    fn granted(&mut self) {
        if matches!(self.state, State::AwaitPeer) {
            self.has_peer = true;
            self.untold.add(Untold::PEER);
            self.state = State::Done;
            return;
        }
        self.buffer.keep_bound();
        self.is_bound = true;
        self.untold.add(Untold::BOUND);
        if matches!(self.command, Command::Bind(_)) {
            self.expect(State::AwaitPeer, reply::MIN_LEN);
        } else {
            self.state = State::Done;
        }
    }

    /// Bytes of a protected stream: whole messages are unwrapped, and what they hold is read as usual.
    fn take_protected(&mut self, input: &[u8]) -> Result<usize, Error> {
        let mut used = 0;
        loop {
            self.take_unwrapped()?;
            if !self.is_listening() || used == input.len() {
                return Ok(used);
            }
            let Some(protected) = &mut self.protected else { return Ok(used) };
            used += protected.receive(&input[used..]).map_err(auth_error)?;
        }
    }

    fn take_unwrapped(&mut self) -> Result<(), Error> {
        while self.is_listening() {
            let Some(protected) = &mut self.protected else { return Ok(()) };
            let mut plain = protected.take_plain();
            if plain.is_empty() {
                return Ok(());
            }
            let taken = self.take_plain(&plain)?;
            plain.drain(..taken);
            if let Some(protected) = &mut self.protected {
                protected.put_back(plain);
            }
        }
        Ok(())
    }

    /// The least number of bytes that the proxy still owes.
    fn at_most(&self) -> NonZeroUsize {
        if let Some(protected) = &self.protected {
            return protected.at_least();
        }
        if !self.offer.is_one_round_trip() {
            return self.missing;
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

/// Lengths of messages are none of them 0.
const fn least(len: usize) -> NonZeroUsize {
    match NonZeroUsize::new(len) {
        Some(len) => len,
        None => NonZeroUsize::MIN,
    }
}

fn auth_error(error: AuthError) -> Error {
    match error {
        AuthError::Failed(failure) => Error::Authenticate(failure),
        AuthError::Malformed(what) => Error::Malformed { phase: Phase::Authentication, what },
    }
}

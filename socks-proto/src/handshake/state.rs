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

use super::flight::Flight;
use super::inbox::Inbox;
use super::protected::Protected;
use super::{Established, Event, Step};
use crate::address::WireAddr;
use crate::auth::method::{AuthError, AuthMethod, AuthStatus, SecurityLayer};
use crate::auth::offer::Offer;
use crate::code_point::{LOGIN_VERSION, MethodId};
use crate::command::Command;
use crate::error::{AuthFailure, Error, Malformed, Phase};
use crate::wire::{Status, greeting, reply, userpass};

pub(super) enum State {
    AwaitMethod,
    AwaitLogin,
    AwaitAuth { method: Box<dyn AuthMethod>, at_least: NonZeroUsize },
    AwaitReply,
    AwaitPeer,
    Done,
    Failed(Error),
}

impl State {
    fn phase(&self) -> Phase {
        match self {
            Self::AwaitMethod => Phase::Method,
            Self::AwaitLogin | Self::AwaitAuth { .. } => Phase::Authentication,
            Self::AwaitReply | Self::Done => Phase::Reply,
            Self::AwaitPeer => Phase::SecondReply,
            Self::Failed(error) => error.phase(),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            _ => f.debug_tuple("Await").field(&self.phase()).finish(),
        }
    }
}

/// Events that were not told yet. The order in which they can arise is the order of the fields.
#[derive(Default)]
struct Untold {
    method: bool,
    bound: bool,
    peer: bool,
}

impl Untold {
    fn any(&self) -> bool {
        self.method || self.bound || self.peer
    }
}

pub(super) struct Machine {
    state: State,
    untold: Untold,
    inbox: Inbox,
    flight: Flight,
    method: MethodId,
    bound: WireAddr,
    peer: Option<WireAddr>,
    protected: Option<Protected>,
    offer: Offer,
    command: Command,
}

impl Machine {
    pub(super) fn new(command: Command, offer: Offer) -> Self {
        Self {
            state: State::AwaitMethod,
            untold: Untold::default(),
            inbox: Inbox::new(),
            flight: Flight::first(&offer, &command),
            method: MethodId::NO_ACCEPTABLE,
            bound: WireAddr::UNSPECIFIED,
            peer: None,
            protected: None,
            offer,
            command,
        }
    }

    pub(super) fn command(&self) -> &Command {
        &self.command
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn step(&mut self) -> Result<Step<'_>, Error> {
        if let Some(event) = self.next_event() {
            return Ok(Step::Event(event));
        }
        if let State::Failed(error) = &self.state {
            return Err(error.clone());
        }
        if !self.flight.is_empty() {
            return Ok(Step::Send(self.flight.pending()));
        }
        if self.protected.is_some() {
            // Both replies to BIND can come in one protected message.
            self.receive(&[])?;
            if let Some(event) = self.next_event() {
                return Ok(Step::Event(event));
            }
        }
        Ok(match self.state {
            State::Done => Step::Done,
            _ => Step::Receive { at_most: self.at_most() },
        })
    }

    fn next_event(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.untold.method) {
            return Some(Event::MethodSelected(self.method));
        }
        if core::mem::take(&mut self.untold.bound) {
            return Some(Event::Bound(self.bound));
        }
        if core::mem::take(&mut self.untold.peer) {
            return self.peer.map(Event::Accepted);
        }
        None
    }

    pub(super) fn sent(&mut self, n: usize) {
        self.flight.advance(n);
    }

    pub(super) fn receive_eof(&mut self) -> Error {
        let phase = self.phase();
        // What is done stays done: this end is the application's.
        if matches!(self.state, State::Done) {
            return Error::Eof { phase };
        }
        self.fail(Error::Eof { phase })
    }

    pub(super) fn phase(&self) -> Phase {
        match self.state {
            // Its last word was the second reply to BIND.
            State::Done if self.peer.is_some() => Phase::SecondReply,
            _ => self.state.phase(),
        }
    }

    /// What it leaves behind, once: nothing before it is over. Not by value, as all of it would be copied for a part.
    pub(super) fn take_established(&mut self) -> Option<Established> {
        if !matches!(self.state, State::Done) {
            return None;
        }
        let (layer, early) = match self.protected.take() {
            Some(protected) => {
                let (layer, early) = protected.into_parts();
                (Some(layer), early)
            }
            None => (None, Vec::new()),
        };
        Some(Established { bound: self.bound, peer: self.peer, method: self.method, layer, early })
    }

    /// Whether bytes of the proxy have a meaning now: not while it cannot know yet what it would answer.
    fn is_listening(&self) -> bool {
        self.flight.is_empty() && !self.untold.bound && !self.state.is_over()
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

    fn fail(&mut self, error: Error) -> Error {
        if let State::Failed(first) = &self.state {
            return first.clone();
        }
        self.state = State::Failed(error.clone());
        error
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
            used += if matches!(self.state, State::AwaitAuth { .. }) {
                self.take_auth(rest)?
            } else {
                self.take_plain(rest)?
            };
        }
        Ok(used)
    }

    /// Bytes of a message that this crate decodes. At most one message is finished by a call.
    fn take_plain(&mut self, input: &[u8]) -> Result<usize, Error> {
        let mut used = 0;
        loop {
            let missing = match self.advance()? {
                None => return Ok(used),
                Some(at_least) => at_least.get(),
            };
            let taken = self.inbox.fill(&input[used..], missing);
            if taken == 0 {
                return Ok(used);
            }
            used += taken;
        }
    }

    /// Looks at the inbox: either a message is whole and changes the state, or so many bytes are missing.
    fn advance(&mut self) -> Result<Option<NonZeroUsize>, Error> {
        let phase = self.state.phase();
        let malformed = |what| Error::Malformed { phase, what };
        let have = self.inbox.bytes();
        match self.state {
            State::AwaitMethod => {
                if have.first() == Some(&LOGIN_VERSION) && self.login_is_under_way() {
                    // Tor drops the choice of a method where the login is there already.
                    self.select(MethodId::USER_PASS)?;
                    return self.advance();
                }
                match greeting::decode_method_reply(have).map_err(malformed)? {
                    Status::Partial { at_least } => return Ok(Some(at_least)),
                    Status::Complete { value: method, .. } => {
                        self.inbox.clear();
                        self.select(method)?;
                    }
                }
            }
            State::AwaitLogin => match userpass::decode_status(have).map_err(malformed)? {
                Status::Partial { at_least } => return Ok(Some(at_least)),
                Status::Complete { value: 0, .. } => {
                    self.inbox.clear();
                    self.authenticated(None)?;
                }
                Status::Complete { value: status, .. } => {
                    return Err(Error::Authenticate(AuthFailure::LoginRefused { status }));
                }
            },
            State::AwaitReply | State::AwaitPeer => match reply::decode(have).map_err(malformed)? {
                Status::Partial { at_least } => return Ok(Some(at_least)),
                Status::Complete { value: Err(code), .. } => return Err(Error::Refused { phase, code }),
                Status::Complete { value: Ok(addr), .. } => {
                    self.inbox.clear();
                    self.granted(addr);
                }
            },
            State::AwaitAuth { .. } | State::Done | State::Failed(_) => {}
        }
        Ok(None)
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
        self.untold.method = true;
        match (method, self.offer.user_pass()) {
            (MethodId::NONE, _) => self.authenticated(None),
            (MethodId::USER_PASS, Some(login)) => {
                if !self.offer.is_one_round_trip() {
                    self.flight.login(login);
                }
                self.state = State::AwaitLogin;
                Ok(())
            }
            _ => match self.offer.take(method) {
                Some(mut method) => {
                    let status = method.start(self.flight.heap());
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
        match core::mem::replace(&mut self.state, State::AwaitReply) {
            State::AwaitAuth { mut method, at_least } => {
                let taken = input.len().min(at_least.get());
                let status = method.receive(&input[..taken], self.flight.heap());
                self.follow_auth(method, status)?;
                Ok(taken)
            }
            other => {
                self.state = other;
                Ok(0)
            }
        }
    }

    fn follow_auth(&mut self, method: Box<dyn AuthMethod>, status: Result<AuthStatus, AuthError>) -> Result<(), Error> {
        match status.map_err(auth_error)? {
            AuthStatus::Need { at_least } => {
                self.state = State::AwaitAuth { method, at_least };
                Ok(())
            }
            AuthStatus::Done => self.authenticated(method.into_layer()),
        }
    }

    /// The proxy has let us in: the request follows, unless it went out with the greeting.
    fn authenticated(&mut self, layer: Option<Box<dyn SecurityLayer>>) -> Result<(), Error> {
        self.state = State::AwaitReply;
        match layer {
            Some(mut layer) => {
                self.flight.protected_request(&self.command, &mut *layer).map_err(auth_error)?;
                self.protected = Some(Protected::new(layer).map_err(auth_error)?);
            }
            None if !self.offer.is_one_round_trip() => self.flight.request(&self.command),
            None => {}
        }
        Ok(())
    }

    fn granted(&mut self, addr: WireAddr) {
        match (&self.state, self.command) {
            (State::AwaitPeer, _) => {
                self.peer = Some(addr);
                self.untold.peer = true;
                self.state = State::Done;
            }
            (_, Command::Bind(_)) => {
                self.bound = addr;
                self.untold.bound = true;
                self.state = State::AwaitPeer;
            }
            _ => {
                self.bound = addr;
                self.untold.bound = true;
                self.state = State::Done;
            }
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
        let one_round_trip = self.offer.is_one_round_trip();
        // What follows the message at hand without our sending anything more.
        let after_login = if one_round_trip { reply::MIN_LEN } else { 0 };
        let have = self.inbox.bytes();
        let owed = match &self.state {
            State::AwaitAuth { at_least, .. } => return *at_least,
            State::AwaitMethod if self.login_is_under_way() && have.is_empty() => {
                // Tor may leave the choice of the method out.
                userpass::STATUS_LEN + after_login
            }
            State::AwaitMethod => {
                let login = if self.login_is_under_way() { userpass::STATUS_LEN } else { 0 };
                greeting::METHOD_REPLY_LEN - have.len() + login + after_login
            }
            State::AwaitLogin => userpass::STATUS_LEN - have.len() + after_login,
            State::AwaitReply | State::AwaitPeer => match reply::decode(have) {
                Ok(Status::Partial { at_least }) => return at_least,
                _ => 1,
            },
            State::Done | State::Failed(_) => 1,
        };
        NonZeroUsize::new(owed).unwrap_or(NonZeroUsize::MIN)
    }
}

fn auth_error(error: AuthError) -> Error {
    match error {
        AuthError::Failed(failure) => Error::Authenticate(failure),
        AuthError::Malformed(what) => Error::Malformed { phase: Phase::Authentication, what },
    }
}

//! What a handshake tells: what to do next, what happened, and what came of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use super::marks::Marks;
use super::state::{Machine, State};
use super::{Established, Event, Step};
use crate::address::WireAddr;
use crate::auth::method::SecurityLayer;
use crate::code_point::MethodId;
use crate::command::Command;
use crate::error::Error;
use crate::wire::{reply, userpass};

impl Machine {
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
            if self.error.is_none() {
                self.buffer.first(&self.offer, &self.command);
            }
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
            self.exchange.as_ref()?;
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
        if self.state == State::Done && matches!(self.command, Command::Bind(_)) { self.buffer.peer() } else { None }
    }

    #[inline]
    pub(super) fn method(&self) -> Option<MethodId> {
        (self.method != MethodId::NO_ACCEPTABLE).then_some(self.method)
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

    #[inline]
    pub(super) fn take_layer(&mut self) -> Option<(Box<dyn SecurityLayer>, Vec<u8>)> {
        if !self.is_over() {
            return None;
        }
        let layer = self.exchange.take()?.into_layer();
        if layer.is_some() {
            self.marks.set(Marks::GIVEN);
        }
        layer
    }

    #[inline]
    pub(super) fn take_established(&mut self) -> Option<Established> {
        // Without the layer it would look as if there were none.
        if !self.is_over() || self.marks.has(Marks::GIVEN) {
            return None;
        }
        let (layer, early) = match self.take_layer() {
            Some((layer, early)) => (Some(layer), early),
            None => (None, Vec::new()),
        };
        Some(Established { bound: self.bound()?, peer: self.peer(), method: self.method, layer, early })
    }
}

/// Its state in words.
impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, self.state) {
            (Some(error), _) => f.debug_tuple("Failed").field(error).finish(),
            (None, State::Done) => f.write_str("Done"),
            (None, _) => f.debug_tuple("Await").field(&self.phase()).finish(),
        }
    }
}

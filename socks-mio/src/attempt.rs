//! One connection, as far as it has come with its negotiation.

use std::io::{self, Read, Write};
use std::time::Instant;

use mio::Interest;
use socks_adapter::{Deadline, Error, Negotiation};
use socks_proto::Phase;

use crate::drive::drive;

/// A connection on its way, or one over which a request is.
pub(crate) struct Attempt<S> {
    pub(crate) stream: S,
    /// `None` on a direct route.
    pub(crate) negotiation: Option<Negotiation>,
    /// Says whether the stream is connected; `None` once it is.
    pub(crate) is_connected: Option<fn(&S) -> io::Result<bool>>,
    /// Until the proxy has answered something.
    pub(crate) until_reached: Deadline,
    /// From then on.
    pub(crate) until_done: Deadline,
    pub(crate) waits_for: Interest,
}

/// How an [`Attempt`] fails.
pub(crate) enum Failure {
    /// There is no connection.
    Unreachable(io::Error),
    /// There was one.
    Failed(Error),
}

impl<S> Attempt<S> {
    /// A request over a stream that is connected, in whatever time it takes.
    pub(crate) fn over(stream: S, negotiation: Negotiation) -> Self {
        Self {
            stream,
            negotiation: Some(negotiation),
            is_connected: None,
            until_reached: Deadline::NEVER,
            until_done: Deadline::NEVER,
            waits_for: Interest::WRITABLE,
        }
    }

    pub(crate) fn deadline(&self) -> Deadline {
        let answered = self.negotiation.as_ref().is_some_and(Negotiation::answered);
        if answered { self.until_done } else { self.until_reached }
    }
}

impl<S: Read + Write> Attempt<S> {
    /// Does what can be done at `now`: whether that is all there was to do.
    ///
    /// What is there already counts, even where the time has just run out.
    pub(crate) fn advance(&mut self, now: Instant) -> Result<bool, Failure> {
        if let Some(is_connected) = self.is_connected {
            if !is_connected(&self.stream).map_err(Failure::Unreachable)? {
                let left = self.until_reached.left(now);
                return left.map(|_| false).map_err(Failure::Unreachable);
            }
            self.is_connected = None;
        }
        let Some(negotiation) = &mut self.negotiation else { return Ok(true) };
        let Some(waits_for) = drive(&mut self.stream, negotiation).map_err(Failure::Failed)? else { return Ok(true) };
        self.waits_for = waits_for;
        if self.deadline().is_over(now) {
            return Err(Failure::Failed(self.timed_out()));
        }
        Ok(false)
    }

    pub(crate) fn timed_out(&mut self) -> Error {
        match &mut self.negotiation {
            Some(negotiation) => negotiation.timed_out(),
            // A target that is connected to directly, and by the caller's limit: nothing has been said yet.
            None => Error::TimedOut { phase: Phase::Method },
        }
    }
}

//! Any calls in any order: a handshake keeps its promises to a caller that keeps none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use socks_conformance::seed::{Op, Setup};
use socks_proto::server::{self, Status};
use socks_proto::{Error, Event, Handshake, MethodId, Phase, Step};

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let mut caller = Caller::new(Setup::take(&mut input));
    while let Some(op) = Op::take(&mut input) {
        caller.call(op);
    }
    caller.end();
});

/// What the last [`Step`] was, where nothing was called since.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Nothing,
    Send,
    Receive(usize),
}

struct Caller {
    setup: Setup,
    handshake: Handshake,
    asked: Asked,
    /// What the last `Step::Send` showed and that has not left.
    flight: Vec<u8>,
    /// What has left; `None` where the caller said so without having seen it.
    wire: Option<Vec<u8>>,
    /// Bytes of the proxy that the handshake did not take yet.
    arrived: Vec<u8>,
    events: Vec<Event>,
    phase: Phase,
    /// Whether a phase came after a later one: then it has failed.
    fell_back: bool,
    failed: Option<Error>,
    done: bool,
}

impl Caller {
    fn new(setup: Setup) -> Self {
        let handshake = Handshake::new(setup.command, setup.offer());
        assert_eq!(handshake.command(), &setup.command);
        Self {
            phase: handshake.phase(),
            handshake,
            setup,
            asked: Asked::Nothing,
            flight: Vec::new(),
            wire: Some(Vec::new()),
            arrived: Vec::new(),
            events: Vec::new(),
            fell_back: false,
            failed: None,
            done: false,
        }
    }

    fn call(&mut self, op: Op<'_>) {
        match op {
            Op::Step => self.step(),
            Op::Sent(n) => self.sent(n),
            Op::SentAll => self.sent(self.flight.len()),
            Op::Arrive(bytes) => return self.arrived.extend_from_slice(bytes),
            Op::Receive(n) => self.receive(n),
            Op::ReceiveAsked => match self.asked {
                Asked::Receive(at_most) => self.receive(at_most),
                _ => return,
            },
            Op::Eof => self.eof(),
            Op::Look => {}
        }
        self.look();
    }

    fn step(&mut self) {
        self.asked = Asked::Nothing;
        match self.handshake.step() {
            Ok(Step::Event(event)) => {
                self.events.push(event);
                self.events_are_in_order();
            }
            Ok(Step::Send(bytes)) => {
                assert!(!self.done && self.failed.is_none(), "after the end");
                assert!(!bytes.is_empty());
                assert!(self.flight.is_empty() || self.wire.is_none() || bytes == self.flight, "it changed its mind");
                self.flight = bytes.to_vec();
                self.asked = Asked::Send;
            }
            Ok(Step::Receive { at_most }) => {
                assert!(!self.done && self.failed.is_none(), "after the end");
                assert!(self.flight.is_empty() || self.wire.is_none(), "with bytes to send");
                // The longest reply that can be told from its beginning.
                assert!(!self.setup.is_plain() || at_most.get() <= 262);
                self.asked = Asked::Receive(at_most.get());
            }
            Ok(Step::Done) => {
                assert!(self.failed.is_none(), "after a failure");
                self.done = true;
            }
            Ok(step) => panic!("an unknown step: {step:?}"),
            Err(error) => {
                assert!(!self.done, "done, and then {error:?}");
                assert!(self.failed.as_ref().is_none_or(|first| *first == error), "another error");
                assert_eq!(error.phase(), self.handshake.phase());
                self.failed = Some(error);
            }
        }
    }

    fn events_are_in_order(&self) {
        assert!(self.events.is_sorted_by(|a, b| kind(a) < kind(b)), "{:?}", self.events);
    }

    fn sent(&mut self, n: usize) {
        self.handshake.sent(n);
        if self.asked != Asked::Send && n > 0 {
            // Not what a caller may do, and nothing can be said of what left.
            self.wire = None;
        }
        let left: Vec<u8> = self.flight.drain(..n.min(self.flight.len())).collect();
        if let Some(wire) = &mut self.wire {
            wire.extend(left);
        }
        // What is left of the same flight is the next step; more of it may be said to have left at once.
        if self.flight.is_empty() {
            self.asked = Asked::Nothing;
        }
    }

    fn receive(&mut self, n: usize) {
        let n = n.min(self.arrived.len());
        let asked = std::mem::replace(&mut self.asked, Asked::Nothing);
        match self.handshake.receive(&self.arrived[..n]) {
            Ok(used) => {
                assert!(used <= n);
                assert!(asked != Asked::Send || used == 0, "while there was something to send");
                assert!(!self.done || used == 0, "after the end");
                if let Asked::Receive(at_most) = asked {
                    assert!(used == n || n > at_most, "took {used} of {n}, asked for {at_most}");
                    assert!(used > 0 || n == 0);
                }
                self.arrived.drain(..used);
            }
            Err(error) => {
                assert!(!self.done, "done, and then {error:?}");
                assert!(self.failed.is_none(), "a second error");
                self.failed = Some(error);
            }
        }
    }

    fn eof(&mut self) {
        self.asked = Asked::Nothing;
        let error = self.handshake.receive_eof();
        match &self.failed {
            Some(first) => assert_eq!(*first, error),
            None if self.done => assert_eq!(error, Error::Eof { phase: self.phase }),
            // It may be done, and have something to tell yet.
            None => {}
        }
    }

    fn look(&mut self) {
        let phase = self.handshake.phase();
        let rank = |phase: Phase| match phase {
            Phase::Method => 0,
            Phase::Authentication => 1,
            Phase::Reply => 2,
            _ => 3,
        };
        // A message that the layer cannot open is of the authentication, whenever it comes.
        self.fell_back |= rank(phase) < rank(self.phase);
        self.phase = phase;
        assert_eq!(self.handshake.command(), &self.setup.command);
        let shown = format!("{:?}", self.handshake);
        assert!(!shown.contains("ann") && !shown.contains("s3cret") && !shown.contains("pppp"), "{shown}");
    }

    /// Takes it apart, and looks whether what is in it is what was told.
    fn end(mut self) {
        // What was not told yet.
        while let Ok(Step::Event(event)) = self.handshake.step() {
            self.events.push(event);
        }
        self.events_are_in_order();
        self.step();
        let (done, failed) = (self.done, self.failed.clone());
        assert!(failed.is_some() || !self.fell_back, "back to an earlier phase");
        match self.handshake.into_established() {
            Ok(established) => {
                assert!(done, "too early");
                assert_eq!(self.events[0], Event::MethodSelected(established.method));
                assert_eq!(self.events.len(), 2 + usize::from(established.peer.is_some()));
                assert_eq!(kind(&self.events[1]), 1);
                assert!(established.layer.is_some() || established.early.is_empty());
                assert!(established.layer.is_none() || !self.setup.is_plain());
                if let Some(wire) = self.wire
                    && (established.method == MethodId::NONE || established.method == MethodId::USER_PASS)
                {
                    assert!(said(&wire, &self.setup, established.method == MethodId::USER_PASS), "{wire:?}");
                }
            }
            Err(mut handshake) => {
                assert!(!done);
                if let Some(failed) = failed {
                    assert_eq!(handshake.step(), Err(failed));
                }
            }
        }
    }
}

/// The place of an event among the others.
fn kind(event: &Event) -> u8 {
    match event {
        Event::MethodSelected(_) => 0,
        Event::Bound { .. } => 1,
        Event::Accepted { .. } => 2,
        _ => panic!("an unknown event"),
    }
}

/// Whether these bytes of a client are its greeting, its login if it was asked for one, and its request.
fn said(wire: &[u8], setup: &Setup, login: bool) -> bool {
    let Ok(Status::Complete { len: greeting, .. }) = server::decode_greeting(wire) else { return false };
    let rest = &wire[greeting..];
    let rest = match (login, server::decode_login(rest)) {
        (false, _) => rest,
        (true, Ok(Status::Complete { value, len })) if Some(&value) == setup.offer.user_pass() => &rest[len..],
        (true, _) => return false,
    };
    let Ok(Status::Complete { value: (code, addr), len }) = server::decode_request(rest) else { return false };
    len == rest.len() && code == setup.command.code() && addr == setup.command.target().into()
}

//! Every fault of a hostile proxy, at every byte.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, event};
use socks_conformance::faults::{Client, Failure, Heard, Request, SAID};
use socks_mio::{Binding, Connecting, Error, Progress, Request as Pending, Route, Socket, Stream};
use socks_proto::Command;

/// A client that is told nothing for so long is never told.
const PATIENCE: Duration = Duration::from_secs(30);

struct Mio;

impl Client for Mio {
    type Error = Error;

    fn run(&self, request: &Request) -> Result<Heard, Error> {
        let mut waiting = Loop { poll: Poll::new().expect("a poll"), events: Events::with_capacity(16) };
        let mut stream = waiting.stream(request)?;
        let mut bytes = Vec::new();
        let outcome = waiting.talk(&mut stream, &mut bytes);
        Ok(Heard::new(&bytes, outcome))
    }

    fn is(error: &Error, failure: &Failure) -> bool {
        failure.is_told_by(error)
    }
}

/// Obeys the events and the deadline of one source, and does nothing on suspicion.
struct Loop {
    poll: Poll,
    events: Events,
}

impl Loop {
    fn stream(&mut self, request: &Request) -> Result<Stream<Socket>, Error> {
        let (route, timeout, now) = (Route::Proxy(&request.rule), request.timeout, Instant::now());
        match request.command {
            Command::Bind(peer) => {
                let mut binding = Binding::start_through(route, peer, timeout, now)?;
                self.register(&mut binding);
                let listening = self.go_on(&mut binding)?;
                let mut listening = listening.until(Instant::now() + timeout);
                self.go_on(&mut listening).map(|(stream, _)| stream)
            }
            command => {
                let mut connecting = Connecting::start_through(route, command.target(), timeout, now)?;
                self.register(&mut connecting);
                self.go_on(&mut connecting)
            }
        }
    }

    fn register(&self, source: &mut impl event::Source) {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(source, Token(0), both).expect("registered");
    }

    fn go_on<T>(&mut self, pending: &mut Pending<T>) -> Result<T, Error> {
        loop {
            match pending.ready(self.poll.registry(), Instant::now())? {
                Progress::Done(done) => return Ok(done),
                Progress::Resolve { host, .. } => panic!("a name to resolve: {host}"),
                Progress::Pending => self.wait(pending.deadline()),
            }
        }
    }

    fn wait(&mut self, until: Option<Instant>) {
        let left = until.map_or(PATIENCE, |at| at.saturating_duration_since(Instant::now()));
        match self.poll.poll(&mut self.events, Some(left)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => outcome.expect("a wait"),
        }
        assert!(until.is_some() || !self.events.is_empty(), "no event, though one was to come");
    }

    fn talk(&mut self, stream: &mut Stream<Socket>, heard: &mut Vec<u8>) -> io::Result<()> {
        let mut unsaid = SAID;
        while !unsaid.is_empty() {
            let said = self.block_on(|| stream.write(unsaid))?;
            unsaid = &unsaid[said..];
        }
        self.block_on(|| stream.read_to_end(heard)).map(drop)
    }

    fn block_on<T>(&mut self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match act() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(None),
                outcome => return outcome,
            }
        }
    }
}

socks_conformance::fault_tests! { mio: Mio; }

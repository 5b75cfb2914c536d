//! What the tests of this crate have in common.

// Each test is a crate of its own and uses what it needs.
#![allow(dead_code)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Registry, Token, event};
use socks_conformance::closed::ClosedPort;
use socks_conformance::proxy::{Proxy, ProxyConfig};
use socks_mio::{Config, Error, Progress, Request, TargetAddr};
// Not each test needs each.
#[allow(unused_imports)]
pub(crate) use socks_conformance::peers::{BANNER, GRANTED, METHOD_NONE, hangs_up, listen, scripted, target};

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// As long as a test may wait for nothing to happen.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

const TOKEN: Token = Token(7);

/// A loop for one source at a time, which obeys its events and its deadline and does nothing on suspicion.
pub(crate) struct Loop {
    pub(crate) poll: Poll,
    events: Events,
}

impl Loop {
    pub(crate) fn new() -> Self {
        Self { poll: Poll::new().expect("a poll"), events: Events::with_capacity(16) }
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Registers a request and runs it to its end, with names looked up in the system.
    pub(crate) fn run<T, S>(&mut self, request: Result<Request<T, S>, Error>) -> Result<T, Error>
    where
        S: Read + Write + event::Source,
    {
        let mut request = request?;
        self.register(&mut request);
        self.go_on(&mut request)
    }

    pub(crate) fn register(&mut self, source: &mut impl event::Source) {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry().register(source, TOKEN, both).expect("registered");
    }

    /// Runs a request that is registered to its end.
    pub(crate) fn go_on<T, S: Read + Write + event::Source>(
        &mut self,
        request: &mut Request<T, S>,
    ) -> Result<T, Error> {
        loop {
            match request.ready(self.registry(), Instant::now())? {
                Progress::Done(done) => return Ok(done),
                Progress::Resolve { host, port } => request.resolved((host, port).to_socket_addrs()),
                Progress::Pending => self.wait(request.deadline()),
            }
        }
    }

    /// Waits for an event, or this point in time.
    pub(crate) fn wait(&mut self, until: Option<Instant>) {
        let now = Instant::now();
        let left = until.map_or(PATIENCE, |at| at.saturating_duration_since(now));
        loop {
            match self.poll.poll(&mut self.events, Some(left)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome.expect("a wait"),
            }
        }
        assert!(until.is_some() || !self.events.is_empty(), "no event, though one was to come");
        assert!(self.events.iter().all(|event| event.token() == TOKEN), "{:?}", self.events);
    }

    /// Does this until it does not block, waiting for events in between.
    pub(crate) fn block_on<T>(&mut self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match act() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(None),
                outcome => return outcome,
            }
        }
    }

    /// Reads this much, waiting for events in between.
    pub(crate) fn read(&mut self, stream: &mut impl Read, len: usize) -> Vec<u8> {
        let mut heard = vec![0; len];
        let mut at = 0;
        while at < len {
            at += match self.block_on(|| stream.read(&mut heard[at..])).expect("bytes") {
                0 => panic!("the end after {}", heard[..at].escape_ascii()),
                n => n,
            };
        }
        heard
    }

    /// Reads the banner, and hears back what is said.
    pub(crate) fn converse(&mut self, stream: &mut (impl Read + Write)) {
        assert_eq!(self.read(stream, BANNER.len()), BANNER);
        assert_eq!(self.block_on(|| stream.write(b"ping")).expect("room"), 4);
        assert_eq!(self.read(stream, 4), b"ping");
    }
}

/// A proxy that answers nobody until the test meets it at the barrier, then leads every request to a [`target`]'s like.
pub(crate) fn gated() -> (SocketAddr, Arc<Barrier>) {
    let gate = Arc::new(Barrier::new(2));
    let at = Arc::clone(&gate);
    let addr = listen(move |mut stream| {
        at.wait();
        for answer in [METHOD_NONE, &[GRANTED, BANNER].concat()] {
            if stream.read(&mut [0; 1024])? == 0 {
                return Ok(());
            }
            stream.write_all(answer)?;
        }
        let mut back = stream.try_clone()?;
        io::copy(&mut stream, &mut back).map(drop)
    });
    (addr, gate)
}

/// A stream of std's as one of mio's.
pub(crate) fn dial(addr: SocketAddr) -> mio::net::TcpStream {
    let stream = std::net::TcpStream::connect(addr).expect("the peer");
    stream.set_nonblocking(true).expect("a setting");
    mio::net::TcpStream::from_std(stream)
}

/// A port of the loopback that nobody listens on, to the end of the test.
pub(crate) fn closed() -> SocketAddr {
    Box::leak(Box::new(ClosedPort::new().expect("a free port"))).addr()
}

/// A configuration without faults.
pub(crate) fn config(text: &str) -> Config {
    let parsed = Config::parse("test", text.as_bytes());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.config
}

pub(crate) fn to(target: &str) -> TargetAddr {
    target.parse().expect("a target")
}

/// A proxy, with or without a login, that knows mail.example.
pub(crate) fn proxy(login: Option<(&str, &str)>) -> Proxy {
    let config = ProxyConfig {
        login: login.map(|(user, password)| (user.into(), password.into())),
        hosts: vec![("mail.example".into(), [127, 0, 0, 1].into())],
        ..ProxyConfig::default()
    };
    Proxy::start(config).expect("a proxy")
}

pub(crate) fn through(proxy: &Proxy) -> Config {
    config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()))
}

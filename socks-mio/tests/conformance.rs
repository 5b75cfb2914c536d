//! Every vector of `vectors/`, over memory where every other call would block, a socket pair and TCP.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Registry, Token, event};
use socks_conformance::driver::{Dial, Driver, Negotiated, Transport};
use socks_conformance::pipe::Pipe;
use socks_mio::{Associating, Binding, Connecting, Error, Progress, Request, Resolving, ResolvingPtr, WireAddr};
use socks_proto::{Command, Offer};

/// Makes a stream of what the vectors run over.
struct Over<T, S, const RESTLESS: bool> {
    poll: Poll,
    open: fn(T) -> S,
    /// Waits until there is something to go on with.
    wait: fn(&mut Poll),
    /// Whether the test looks at what is left in the stream.
    leaves_rest: bool,
}

impl<T, S, const RESTLESS: bool> Over<T, S, RESTLESS> {
    fn new(open: fn(T) -> S, wait: fn(&mut Poll), leaves_rest: bool) -> Self {
        Self { poll: Poll::new().expect("a poll"), open, wait, leaves_rest }
    }

    fn read_to_end(&mut self, stream: &mut impl Read) -> Vec<u8> {
        let mut rest = Vec::new();
        loop {
            match stream.read_to_end(&mut rest) {
                Ok(_) => return rest,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (self.wait)(&mut self.poll),
                Err(error) => panic!("what is left: {error}"),
            }
        }
    }

    /// Registers the request anew, and runs it to its end.
    fn run<V>(&mut self, mut request: Request<V, Shared<S>>) -> Result<V, Error>
    where
        S: Read + Write + event::Source,
    {
        self.poll.registry().reregister(&mut request, Token(0), Interest::READABLE).expect("registered");
        loop {
            match request.ready(self.poll.registry(), Instant::now()) {
                Ok(Progress::Done(value)) => return Ok(value),
                Ok(Progress::Resolve { host, .. }) => panic!("a name to resolve: {host}"),
                Ok(Progress::Pending) => (self.wait)(&mut self.poll),
                Err(error) => {
                    assert!(request.interest().is_none() && request.deadline().is_none());
                    assert!(matches!(request.ready(self.poll.registry(), Instant::now()), Ok(Progress::Pending)));
                    assert!(request.into_inner().is_some(), "the stream comes back");
                    return Err(error);
                }
            }
        }
    }
}

impl<T: Transport, S: Read + Write + event::Source, const RESTLESS: bool> Driver for Over<T, S, RESTLESS> {
    type Transport = T;
    type Error = Error;

    const RESTLESS: bool = RESTLESS;

    fn negotiate(&mut self, over: T, command: Command, offer: Offer) -> Result<Negotiated, Error> {
        let mut io = Shared(Rc::new(RefCell::new((self.open)(over))));
        let over = io.clone();
        self.poll.registry().register(&mut io, Token(0), Interest::READABLE).expect("registered");
        // Dropped before the rest is read, all but the stream itself: what follows a protected reply in the vectors is
        // not protected.
        let told = match command {
            Command::Connect(target) => {
                let stream = self.run(Connecting::over(over, target, offer))?;
                Negotiated { bound: Some(*stream.bound()), method: Some(stream.method()), ..Negotiated::default() }
            }
            Command::Bind(peer) => {
                let listening = self.run(Binding::over(over, peer, offer))?;
                let bound = Some(listening.bound_addr());
                let (stream, peer) = self.run(listening)?;
                Negotiated { bound, peer: Some(peer), method: Some(stream.method()), ..Negotiated::default() }
            }
            Command::UdpAssociate(from) => {
                let from = WireAddr::from(from).socket_addr().filter(|from| !from.ip().is_unspecified());
                match self.run(Associating::over(over, from, Ipv4Addr::LOCALHOST.into(), offer)) {
                    // An address of the vectors is none of this machine's, which shows once the request is granted.
                    Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AddrNotAvailable => {
                        Negotiated::default()
                    }
                    outcome => answer(outcome.map(|association| *association.bound()))?,
                }
            }
            Command::Resolve(name) => answer(self.run(Resolving::over(over, name, offer)).map(no_port))?,
            Command::ResolvePtr(ip) => {
                let name = self.run(ResolvingPtr::over(over, ip, offer));
                answer(name.map(|name| WireAddr::Name(name, 0)))?
            }
            other => panic!("a vector of {other:?}"),
        };
        let unread = if self.leaves_rest { Vec::new() } else { self.read_to_end(&mut io) };
        Ok(Negotiated { unread, ..told })
    }

    fn is(error: &Error, expected: &socks_proto::Error) -> bool {
        matches!(error, Error::Handshake(error) if error == expected)
    }
}

/// What a request was answered with. The vectors are about the protocol, for which an answer of the wrong kind is one.
fn answer(outcome: Result<WireAddr, Error>) -> Result<Negotiated, Error> {
    let bound = match outcome {
        Err(Error::UnusableAnswer(bound)) => *bound,
        bound => bound?,
    };
    Ok(Negotiated { bound: Some(bound), ..Negotiated::default() })
}

fn no_port(ip: IpAddr) -> WireAddr {
    WireAddr::Ip(SocketAddr::new(ip, 0))
}

/// A stream that a request owns and the test can look at.
struct Shared<S>(Rc<RefCell<S>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<S: Read> Read for Shared<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buf)
    }
}

impl<S: Write> Write for Shared<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl<S: event::Source> event::Source for Shared<S> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.0.borrow_mut().register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.0.borrow_mut().reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.0.borrow_mut().deregister(registry)
    }
}

/// A pipe, which no selector knows.
struct Memory(Pipe);

impl Read for Memory {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Memory {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl event::Source for Memory {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}

fn events(poll: &mut Poll) {
    let mut events = Events::with_capacity(16);
    poll.poll(&mut events, Some(Duration::from_secs(30))).expect("a wait");
    assert!(!events.is_empty(), "no event, though one was to come");
}

fn unix(stream: UnixStream) -> mio::net::UnixStream {
    stream.set_nonblocking(true).expect("a setting");
    mio::net::UnixStream::from_std(stream)
}

fn tcp(dial: Dial) -> mio::net::TcpStream {
    let stream = TcpStream::connect(dial.0).expect("the scripted proxy");
    stream.set_nonblocking(true).expect("a setting");
    mio::net::TcpStream::from_std(stream)
}

socks_conformance::conformance_tests! {
    // What would block in memory does not the next time.
    over_memory: Over::<Pipe, Memory, true>::new(Memory, |_| {}, true);
    over_a_socket_pair: Over::<UnixStream, _, false>::new(unix, events, false);
    over_tcp: Over::<Dial, _, false>::new(tcp, events, false);
}

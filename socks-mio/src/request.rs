//! What all requests to a proxy have in common: the way there, and the way back to the caller's loop.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use mio::{Interest, Registry, Token, event};
use socks_adapter::plan::{Place, Plan, Step};
use socks_adapter::{Deadline, Error, Negotiation, Tunnel};
use socks_config::Route;
use socks_proto::{Command, Offer, Phase, WireAddr};

use crate::attempt::{Attempt, Failure};
use crate::socket::Socket;

/// A request on its way, which comes to `T`: see [`Connecting`](crate::Connecting) and its kin.
///
/// It does nothing by itself. The loop of the program asks it on with [`ready`](Self::ready): once to begin, then whenever
/// there is an event for its token, and when its [`deadline`](Self::deadline) has come. To ask too often does no harm.
///
/// **Registration.** This is an [`event::Source`] like the stream it leads to: register it before or after the first
/// `ready`. Which sockets there are meanwhile, one server after the other, is not the program's concern: each is
/// registered with the same token, for what the handshake waits for besides the interests asked for. What comes out
/// stands registered with just those, anew, so that there are events for whatever is ready already. Only for a stream
/// that was registered before it was given here, and not again with this, is there nothing to say so: read and write
/// until that would block.
///
/// Dropping it closes the connection.
#[must_use = "nothing happens until it is asked on"]
pub struct Request<T, S = Socket> {
    state: State<S>,
    /// None over a stream of the caller's.
    servers: Option<Box<Servers<S>>>,
    registration: Option<Registration>,
    limit: Deadline,
    /// UDP ASSOCIATE: where datagrams are to be sent from.
    from: Option<SocketAddr>,
    finish: Finish<T, S>,
}

/// What has come of a [`Request`] so far.
#[derive(Debug)]
#[must_use]
pub enum Progress<T> {
    /// Nothing yet: come back with the next event, or at the deadline.
    Pending,
    /// The addresses of this name are needed: of a proxy, or of the target where no proxy leads there. Nothing here
    /// resolves a name, which would block. Said once; answer with [`Request::resolved`].
    Resolve {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// What was asked for. The request is over.
    Done(T),
}

// As large as an attempt by purpose: nothing of a request over a stream is on the heap.
#[allow(clippy::large_enum_variant)]
enum State<S> {
    /// The plan says what is next.
    Planning,
    /// The caller looks a name up.
    Resolving(Deadline),
    Attempting(Attempt<S>),
    /// Done, or failed; a stream of the caller's over which it did.
    Over(Option<S>),
}

/// The way by the servers of a route, and how to make a socket of what it says.
struct Servers<S> {
    plan: Plan<'static>,
    started: Instant,
    open: fn(Place<'_>) -> io::Result<S>,
    is_connected: fn(&S) -> io::Result<bool>,
    local_addr: fn(&S) -> Option<SocketAddr>,
}

/// What the caller has asked of a registry.
#[derive(Clone, Copy)]
struct Registration {
    token: Token,
    interests: Interest,
}

impl Registration {
    /// What a handshake needs besides.
    fn all(self) -> Interest {
        self.interests | Interest::READABLE | Interest::WRITABLE
    }
}

/// How a granted request becomes what was asked for. Gives the stream back where it does not.
type Finish<T, S> = fn(Granted<'_, S>) -> Result<T, (Error, S)>;

/// A granted request.
pub(crate) struct Granted<'a, S> {
    pub(crate) stream: S,
    /// `None` on a direct route.
    negotiation: Option<Negotiation>,
    registration: Option<Registration>,
    registry: &'a Registry,
    /// Our end of the connection, as far as it is known.
    pub(crate) near: Option<SocketAddr>,
    /// Where datagrams are to be sent from, as the caller has said.
    pub(crate) from: Option<SocketAddr>,
}

impl<T> Request<T, Socket> {
    /// A request by this route, within `timeout` of `now`.
    pub(crate) fn through(
        route: Route<'_>,
        command: Command,
        timeout: Duration,
        now: Instant,
        finish: Finish<T, Socket>,
    ) -> Result<Self, Error> {
        let plan = Plan::new(route, command, Deadline::after(now, timeout))?.into_owned();
        let servers = Servers {
            plan,
            started: now,
            open: Socket::open,
            is_connected: Socket::is_connected,
            local_addr: Socket::local_addr,
        };
        let servers = Some(Box::new(servers));
        Ok(Self { state: State::Planning, servers, registration: None, limit: Deadline::NEVER, from: None, finish })
    }
}

impl<T, S> Request<T, S> {
    /// A request over a stream of the caller's.
    pub(crate) fn over_stream(stream: S, command: Command, offer: Offer, finish: Finish<T, S>) -> Self {
        Self::going_on(stream, Negotiation::new(command, offer), None, finish)
    }

    fn going_on(stream: S, negotiation: Negotiation, registration: Option<Registration>, finish: Finish<T, S>) -> Self {
        let state = State::Attempting(Attempt::over(stream, negotiation));
        Self { state, servers: None, registration, limit: Deadline::NEVER, from: None, finish }
    }

    /// For UDP ASSOCIATE: the address of the proxy, and where datagrams are to be sent from.
    pub(crate) fn with_addrs(mut self, proxy: IpAddr, from: Option<SocketAddr>) -> Self {
        self.from = from;
        if let State::Attempting(attempt) = &mut self.state {
            attempt.negotiation = attempt.negotiation.take().map(|negotiation| negotiation.at(Some(proxy)));
        }
        self
    }

    /// The same for no longer than until `deadline`. Over a stream of the caller's, and for the peer of a
    /// [`Listening`](crate::Listening), there is no other limit.
    pub fn until(mut self, deadline: Instant) -> Self {
        self.limit = Deadline::at(deadline);
        self
    }

    /// Tells the addresses of the name that [`Progress::Resolve`] has asked for, or why there are none. Then ask
    /// [`ready`](Self::ready). Without effect where nothing was asked, as when its time is over.
    pub fn resolved(&mut self, addrs: io::Result<impl IntoIterator<Item = SocketAddr>>) {
        if let (State::Resolving(_), Some(servers)) = (&self.state, &mut self.servers) {
            servers.plan.resolved(addrs);
            self.state = State::Planning;
        }
    }

    /// When to ask [`ready`](Self::ready) at the latest. `None` is never.
    ///
    /// It moves as the request does, so look at it before each wait. As long as there is something to do at once, that
    /// is a point in time which is over.
    pub fn deadline(&self) -> Option<Instant> {
        let here = match &self.state {
            State::Planning => self.servers.as_ref().map_or(Deadline::NEVER, |servers| Deadline::at(servers.started)),
            State::Resolving(until) => *until,
            State::Attempting(attempt) => attempt.deadline(),
            State::Over(_) => return None,
        };
        here.earlier(self.limit).instant()
    }

    /// What it waits for from the stream there is. `None` where it waits for something else, or for nothing.
    pub fn interest(&self) -> Option<Interest> {
        match &self.state {
            State::Attempting(attempt) => Some(attempt.waits_for),
            State::Planning | State::Resolving(_) | State::Over(_) => None,
        }
    }

    /// The stream there is: that of the caller, or the connection to a server that is being tried.
    pub fn get_ref(&self) -> Option<&S> {
        match &self.state {
            State::Attempting(attempt) => Some(&attempt.stream),
            State::Over(stream) => stream.as_ref(),
            State::Planning | State::Resolving(_) => None,
        }
    }

    /// The stream there is, for its settings.
    pub fn get_mut(&mut self) -> Option<&mut S> {
        match &mut self.state {
            State::Attempting(attempt) => Some(&mut attempt.stream),
            State::Over(stream) => stream.as_mut(),
            State::Planning | State::Resolving(_) => None,
        }
    }

    /// Gives the stream back over which the request has failed, or is given up with this, as far as the handshake came
    /// with it: of no use for another one unless the proxy never saw this. `None` where it is done, and where servers
    /// were tried and have failed.
    pub fn into_inner(self) -> Option<S> {
        match self.state {
            State::Attempting(attempt) => Some(attempt.stream),
            State::Over(stream) => stream,
            State::Planning | State::Resolving(_) => None,
        }
    }

    /// The negotiation, where there is one.
    pub(crate) fn negotiation(&self) -> Option<&Negotiation> {
        match &self.state {
            State::Attempting(attempt) => attempt.negotiation.as_ref(),
            State::Planning | State::Resolving(_) | State::Over(_) => None,
        }
    }

    /// It has failed. A stream of the caller's stays.
    fn end(&mut self) {
        self.state = match mem::replace(&mut self.state, State::Over(None)) {
            State::Attempting(attempt) if self.servers.is_none() => State::Over(Some(attempt.stream)),
            State::Over(stream) => State::Over(stream),
            State::Planning | State::Resolving(_) | State::Attempting(_) => State::Over(None),
        };
    }
}

impl<T, S: Read + Write + event::Source> Request<T, S> {
    /// Does all that can be done at `now` without waiting. Call it once to begin, then with each event for the token, and
    /// when the [`deadline`](Self::deadline) has come.
    ///
    /// `registry` is the one that this is registered with, for sockets that take the place of others. Where it is not
    /// registered, any will do.
    ///
    /// Once it is done or has failed, nothing more comes: [`Progress::Pending`] for ever, without a deadline.
    ///
    /// # Errors
    /// [`Error`] says which step failed. The stream of the caller's, if there is one, is in
    /// [`into_inner`](Self::into_inner).
    pub fn ready(&mut self, registry: &Registry, now: Instant) -> Result<Progress<T>, Error> {
        let outcome = self.advance(registry, now);
        if outcome.is_err() {
            self.end();
        }
        outcome
    }

    fn advance(&mut self, registry: &Registry, now: Instant) -> Result<Progress<T>, Error> {
        loop {
            match &mut self.state {
                State::Planning => {
                    if let Some(progress) = self.turn(registry, now)? {
                        return Ok(progress);
                    }
                }
                State::Resolving(until) if until.is_over(now) => {
                    let late = io::Error::new(io::ErrorKind::TimedOut, "the name was not resolved in time");
                    self.resolved(Err::<[SocketAddr; 0], _>(late));
                }
                State::Resolving(_) => return self.pending(now),
                State::Attempting(attempt) => match attempt.advance(now) {
                    Ok(true) => return self.finish(registry),
                    Ok(false) => return self.pending(now),
                    Err(failure) => self.next_after(failure, registry)?,
                },
                State::Over(_) => return Ok(Progress::Pending),
            }
        }
    }

    /// Takes the next step of the plan, and says what the caller has to do for it.
    fn turn(&mut self, registry: &Registry, now: Instant) -> Result<Option<Progress<T>>, Error> {
        let Some(servers) = &mut self.servers else { return Ok(Some(Progress::Pending)) };
        match servers.plan.step(now) {
            Step::Resolve { host, port, until } => {
                let host = host.to_owned();
                self.state = State::Resolving(until);
                return Ok(Some(Progress::Resolve { host, port }));
            }
            Step::Connect(turn) => {
                let opened = (servers.open)(turn.place).and_then(|mut stream| {
                    if let Some(registration) = self.registration {
                        stream.register(registry, registration.token, registration.all())?;
                    }
                    Ok(stream)
                });
                match opened {
                    Ok(stream) => {
                        self.state = State::Attempting(Attempt {
                            stream,
                            negotiation: turn.negotiation(),
                            is_connected: Some(servers.is_connected),
                            until_reached: turn.until_reached,
                            until_done: turn.until_done,
                            waits_for: Interest::WRITABLE,
                        });
                    }
                    Err(error) => servers.plan.unreachable(error),
                }
            }
            Step::Failed(error) => return Err(error),
        }
        Ok(None)
    }

    /// An attempt has failed: on to the next, if that may help.
    fn next_after(&mut self, failure: Failure, registry: &Registry) -> Result<(), Error> {
        match (failure, &mut self.servers) {
            (Failure::Failed(error), None) => return Err(error),
            (Failure::Failed(error), Some(servers)) => servers.plan.failed(error)?,
            (Failure::Unreachable(error), Some(servers)) => servers.plan.unreachable(error),
            // A stream of the caller's is not asked whether it is connected.
            (Failure::Unreachable(error), None) => return Err(Error::from_io(Phase::Method, error)),
        }
        if let State::Attempting(mut attempt) = mem::replace(&mut self.state, State::Planning)
            && self.registration.is_some()
        {
            // It is closed with the next brace, which would do where the system's selector knows sockets by themselves.
            let _ = attempt.stream.deregister(registry);
        }
        Ok(())
    }

    fn pending(&mut self, now: Instant) -> Result<Progress<T>, Error> {
        if !self.limit.is_over(now) {
            return Ok(Progress::Pending);
        }
        Err(match &mut self.state {
            State::Attempting(attempt) => attempt.timed_out(),
            State::Planning | State::Resolving(_) | State::Over(_) => Error::TimedOut { phase: Phase::Method },
        })
    }

    fn finish(&mut self, registry: &Registry) -> Result<Progress<T>, Error> {
        let State::Attempting(Attempt { stream, negotiation, .. }) = mem::replace(&mut self.state, State::Over(None))
        else {
            return Ok(Progress::Pending);
        };
        let near = self.servers.as_ref().and_then(|servers| (servers.local_addr)(&stream));
        let Self { registration, from, .. } = *self;
        match (self.finish)(Granted { stream, negotiation, registration, registry, near, from }) {
            Ok(done) => Ok(Progress::Done(done)),
            Err((error, stream)) => {
                self.state = State::Over(self.servers.is_none().then_some(stream));
                Err(error)
            }
        }
    }
}

impl<S: event::Source> Granted<'_, S> {
    /// BIND only: who connected.
    pub(crate) fn peer(&self) -> Option<WireAddr> {
        self.negotiation.as_ref()?.peer()
    }

    /// What is left of the negotiation; for a direct connection, that it is one.
    pub(crate) fn tunnel(&mut self) -> Tunnel {
        match self.negotiation.take().map(Negotiation::into_tunnel) {
            Some(tunnel) => tunnel.expect("the request was granted"),
            None => Tunnel::direct(self.near.map_or(WireAddr::UNSPECIFIED, WireAddr::Ip)),
        }
    }

    /// Registers the stream with what the caller has asked for, so that there are events for what is ready already.
    pub(crate) fn rearm(&mut self) -> Result<(), Error> {
        self.with_registration(|stream, registry, token, interests| stream.reregister(registry, token, interests))
    }

    /// Does this with the stream, unless it is not registered.
    pub(crate) fn with_registration(
        &mut self,
        register: impl FnOnce(&mut S, &Registry, Token, Interest) -> io::Result<()>,
    ) -> Result<(), Error> {
        let Some(Registration { token, interests }) = self.registration else { return Ok(()) };
        register(&mut self.stream, self.registry, token, interests).map_err(|error| Error::from_io(Phase::Reply, error))
    }

    /// The address of the proxy, as far as it is known.
    pub(crate) fn proxy(&self) -> Option<IpAddr> {
        self.negotiation.as_ref().and_then(Negotiation::proxy)
    }

    /// The second half of a request with two replies.
    pub(crate) fn go_on<T>(mut self, finish: Finish<T, S>) -> Result<Request<T, S>, (Error, S)> {
        let Some(negotiation) = self.negotiation.take() else { return Err((Error::Direct, self.stream)) };
        if let Some(registration) = self.registration
            && let Err(error) = self.stream.reregister(self.registry, registration.token, registration.all())
        {
            return Err((Error::from_io(Phase::SecondReply, error), self.stream));
        }
        Ok(Request::going_on(self.stream, negotiation, self.registration, finish))
    }
}

impl<T, S: event::Source> event::Source for Request<T, S> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        let registration = Registration { token, interests };
        if let Some(stream) = self.get_mut() {
            stream.register(registry, token, registration.all())?;
        }
        self.registration = Some(registration);
        Ok(())
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        let registration = Registration { token, interests };
        if let Some(stream) = self.get_mut() {
            stream.reregister(registry, token, registration.all())?;
        }
        self.registration = Some(registration);
        Ok(())
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.registration = None;
        self.get_mut().map_or(Ok(()), |stream| stream.deregister(registry))
    }
}

impl<T, S> fmt::Debug for Request<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Planning => "planning",
            State::Resolving(_) => "resolving",
            State::Attempting(attempt) if attempt.is_connected.is_some() => "connecting",
            State::Attempting(_) => "negotiating",
            State::Over(_) => "over",
        };
        f.debug_struct("Request")
            .field("state", &state)
            .field("interest", &self.interest())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

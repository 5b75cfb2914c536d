//! Which server to try next, at which address, and until when.

use std::borrow::Cow;
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use socks_config::{Config, Endpoint, Order, ProxyRule, Route, Server, ServerHost, interleave};
use socks_proto::{Command, TargetAddr};

use crate::deadline::Deadline;
use crate::error::{Attempt, Error, Unreachable};
use crate::negotiation::Negotiation;

/// How long a request may take by what is configured: [`Config::timeout`], or as long as a server's `/timeout=` where
/// that is longer.
pub fn timeout(config: &Config, route: &Route<'_>) -> Duration {
    let servers = match route {
        Route::Proxy(rule) => rule.servers(),
        Route::Direct | Route::Refused(_) => &[],
    };
    servers.iter().filter_map(|server| server.timeout).fold(config.timeout(), Duration::max)
}

/// The way of one request: the servers of a route in turn, each at every address of its name, until one has answered
/// anything at all. On a direct route, the addresses of the target.
///
/// Ask [`step`](Self::step) what to do, do it, tell what came of it unless that was success, and ask again:
///
/// ```
/// use std::io;
/// use std::net::{TcpStream, ToSocketAddrs};
/// use std::time::{Duration, Instant};
///
/// use socks_adapter::plan::{Place, Plan, Step, Turn};
/// use socks_adapter::{Deadline, Error, Negotiation};
/// use socks_config::Route;
/// use socks_proto::Command;
/// # fn negotiate(_: &TcpStream, _: Negotiation, _: [Deadline; 2]) -> Result<(), Error> { Ok(()) }
///
/// fn reach(route: Route<'_>, command: Command, timeout: Duration) -> Result<TcpStream, Error> {
///     let mut plan = Plan::new(route, command, Deadline::after(Instant::now(), timeout))?;
///     loop {
///         match plan.step(Instant::now()) {
///             Step::Resolve { host, port, .. } => {
///                 let addrs = (host, port).to_socket_addrs();
///                 plan.resolved(addrs);
///             }
///             Step::Connect(turn) => match open(&turn) {
///                 Ok(socket) => {
///                     // Without a proxy the connection is all that was asked for.
///                     let Some(negotiation) = turn.negotiation() else { return Ok(socket) };
///                     match negotiate(&socket, negotiation, [turn.until_reached, turn.until_done]) {
///                         Ok(()) => return Ok(socket),
///                         Err(error) => plan.failed(error)?,
///                     }
///                 }
///                 Err(error) => plan.unreachable(error),
///             },
///             Step::Failed(error) => return Err(error),
///         }
///     }
/// }
///
/// fn open(turn: &Turn<'_>) -> io::Result<TcpStream> {
///     match turn.place {
///         Place::Tcp(addr) => match turn.until_reached.left(Instant::now())? {
///             Some(left) => TcpStream::connect_timeout(&addr, left),
///             None => TcpStream::connect(addr),
///         },
///         Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
///     }
/// }
/// # let target: socks_proto::TargetAddr = "mail.example:25".parse()?;
/// # let strict = Route::Refused(socks_config::Refusal::Strict);
/// # assert!(reach(strict, Command::Connect(target), Duration::from_secs(1)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Time is passed in. What a server answers is final: only one that cannot be connected to, hangs up at once or stays
/// silent is passed over for the next.
#[derive(Debug)]
pub struct Plan<'r> {
    way: Way<'r>,
    command: Command,
    deadline: Deadline,
    /// Which of the servers it is at, by its place in the order.
    at: usize,
    /// The last time that it was told.
    now: Option<Instant>,
    current: Option<Current>,
    tried: Vec<Attempt>,
}

#[derive(Debug)]
enum Way<'r> {
    /// The order is known with the time.
    Through(Cow<'r, ProxyRule>, Option<Order>),
    Direct(Endpoint, Option<SocketAddr>),
}

/// The server at hand.
#[derive(Debug)]
struct Current {
    /// Those of its name, or the target's own. Empty, and so not on the heap, for a server given by address or path.
    addrs: Vec<SocketAddr>,
    /// How many places there are; none as long as a name is not resolved.
    places: usize,
    /// How many of them were tried.
    given: usize,
    until_reached: Deadline,
    until_done: Deadline,
}

/// What to do next.
#[derive(Debug)]
#[must_use]
pub enum Step<'p> {
    /// Ask the system for the addresses of this name, and tell [`Plan::resolved`].
    Resolve {
        /// The name.
        host: &'p str,
        /// The port.
        port: u16,
        /// When it is too late.
        until: Deadline,
    },
    /// Connect, negotiate, and tell [`Plan::unreachable`] or [`Plan::failed`] if that does not succeed.
    Connect(Turn<'p>),
    /// There is nothing more to try.
    Failed(Error),
}

/// One place to try.
#[derive(Clone, Debug)]
pub struct Turn<'p> {
    /// Where.
    pub place: Place<'p>,
    /// When to give up on connecting and on the proxy's first answer.
    pub until_reached: Deadline,
    /// When to give up on the whole, once the proxy has answered something.
    pub until_done: Deadline,
    command: &'p Command,
    through: Option<(&'p Server, &'p ProxyRule)>,
}

/// Where a proxy listens, or the target itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'p> {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(&'p Path),
}

impl Place<'_> {
    /// The IP address, where it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(addr) => Some(addr.ip()),
            Self::Unix(_) => None,
        }
    }
}

impl Turn<'_> {
    /// The server, as it is configured. `None` on a direct route.
    pub fn server(&self) -> Option<&Server> {
        self.through.map(|(server, _)| server)
    }

    /// The handshake with this server, with its `/redirect=`, `/pipeline` and login applied. `None` on a direct route.
    pub fn negotiation(&self) -> Option<Negotiation> {
        let (server, rule) = self.through?;
        let command = match *self.command {
            Command::Connect(target) => Command::Connect(server.target_for(&target)),
            Command::Bind(peer) => Command::Bind(peer.to_canonical()),
            other => other,
        };
        Some(Negotiation::new(command, server.offer(rule.credentials())).at(self.place.ip()))
    }
}

impl<'r> Plan<'r> {
    /// The way of `command` by `route`, all of it until `deadline`.
    ///
    /// # Errors
    /// [`Error::Refused`] where the route is that, and [`Error::Direct`] where it is direct and the command is any but
    /// CONNECT.
    pub fn new(route: Route<'r>, command: Command, deadline: Deadline) -> Result<Self, Error> {
        let way = match (route, &command) {
            (Route::Refused(refusal), _) => return Err(Error::Refused(refusal)),
            (Route::Proxy(rule), _) => Way::Through(Cow::Borrowed(rule), None),
            (Route::Direct, Command::Connect(target)) => Way::direct(target),
            (Route::Direct, _) => return Err(Error::Direct),
        };
        let mut plan = Self { way, command, deadline, at: 0, now: None, current: None, tried: Vec::new() };
        if let (Way::Direct(endpoint, None), TargetAddr::Name(name, _)) = (&plan.way, command.target())
            && name.as_str().is_none()
        {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "a name that is not UTF-8 cannot be resolved here");
            plan.tried.push(Attempt { endpoint: endpoint.clone(), addr: None, error });
            plan.at = plan.way.len();
        }
        Ok(plan)
    }

    /// The same without a borrow of the configuration.
    pub fn into_owned(self) -> Plan<'static> {
        let Self { way, command, deadline, at, now, current, tried } = self;
        let way = match way {
            Way::Through(rule, order) => Way::Through(Cow::Owned(rule.into_owned()), order),
            Way::Direct(endpoint, addr) => Way::Direct(endpoint, addr),
        };
        Plan { way, command, deadline, at, now, current, tried }
    }

    /// What to do next, at `now`. Passes over what there is no time left for.
    pub fn step(&mut self, now: Instant) -> Step<'_> {
        if self.now.replace(now).is_none() {
            self.way.put_in_order(now);
        }
        while self.at < self.way.len() {
            let current = match &mut self.current {
                Some(current) => current,
                none => none.insert(self.way.begin(self.at, self.deadline, now)),
            };
            let to_resolve = current.places == 0;
            if !to_resolve && current.given == current.places {
                self.next_server();
                continue;
            }
            let until_reached = current.until_reached.share(now, current.places - current.given);
            let until_done = current.until_done;
            if !to_resolve {
                current.given += 1;
            }
            if !until_reached.is_over(now) {
                return self.offer(until_reached, until_done);
            }
            self.unreachable(io::Error::new(io::ErrorKind::TimedOut, "no time left"));
            if to_resolve {
                self.next_server();
            }
        }
        Step::Failed(self.error())
    }

    /// What the system said to [`Step::Resolve`].
    pub fn resolved(&mut self, addrs: io::Result<impl IntoIterator<Item = SocketAddr>>) {
        let Some(current) = &mut self.current else { return };
        match addrs {
            Ok(addrs) => {
                current.addrs = addrs.into_iter().collect();
                interleave(&mut current.addrs);
                current.places = current.addrs.len();
                if current.places == 0 {
                    self.unreachable(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
                    self.next_server();
                }
            }
            Err(error) => {
                self.unreachable(error);
                self.next_server();
            }
        }
    }

    /// The last [`Step::Connect`] led to no connection.
    pub fn unreachable(&mut self, error: io::Error) {
        if let Some(current) = &self.current {
            let endpoint = self.way.endpoint(self.at);
            self.tried.push(Attempt { endpoint: endpoint.clone(), addr: current.addr(endpoint), error });
        }
    }

    /// The last [`Step::Connect`] led to a connection, and that to this.
    ///
    /// # Errors
    /// Gives the error back where it is final: the server has answered something.
    // The error is the one that comes in.
    #[allow(clippy::result_large_err)]
    pub fn failed(&mut self, error: Error) -> Result<(), Error> {
        if !error.before_any_answer() {
            return Err(error);
        }
        self.unreachable(error.into());
        Ok(())
    }

    /// The place at hand, or a name that has none yet.
    fn offer(&self, until_reached: Deadline, until_done: Deadline) -> Step<'_> {
        let endpoint = self.way.endpoint(self.at);
        let addr = self.current.as_ref().and_then(|current| current.addr(endpoint));
        let place = match (addr, endpoint) {
            (Some(addr), _) => Place::Tcp(addr),
            (None, Endpoint::Unix(path)) => Place::Unix(path),
            (None, Endpoint::Tcp { host: ServerHost::Name(host), port }) => {
                return Step::Resolve { host, port: *port, until: until_reached };
            }
            (None, Endpoint::Tcp { host: ServerHost::Ip(ip), port }) => Place::Tcp((*ip, *port).into()),
        };
        Step::Connect(Turn {
            place,
            until_reached,
            until_done,
            command: &self.command,
            through: self.way.server(self.at),
        })
    }

    /// The server at hand was tried at each of its places, in vain.
    fn next_server(&mut self) {
        if let Some(now) = self.now {
            self.way.could_not_reach(self.at, now);
        }
        self.at += 1;
        self.current = None;
    }

    /// All that was tried; or what the only one said, where a connection was all that it gave.
    fn error(&mut self) -> Error {
        let mut tried = mem::take(&mut self.tried);
        if tried.len() > 1 {
            return Error::CouldNotReach(Unreachable::new(tried));
        }
        match tried.pop().map(|Attempt { endpoint, addr, error }| (error.downcast::<Error>(), endpoint, addr)) {
            Some((Ok(error), ..)) => error,
            Some((Err(error), endpoint, addr)) => {
                Error::CouldNotReach(Unreachable::new(vec![Attempt { endpoint, addr, error }]))
            }
            None => Error::CouldNotReach(Unreachable::new(Vec::new())),
        }
    }
}

impl Way<'_> {
    fn direct(target: &TargetAddr) -> Self {
        let (host, addr) = match target {
            TargetAddr::Ip(addr) => (ServerHost::Ip(addr.ip()), Some(*addr)),
            TargetAddr::Name(name, _) => (ServerHost::Name(name.to_string()), None),
        };
        Self::Direct(Endpoint::Tcp { host, port: target.port() }, addr)
    }

    fn len(&self) -> usize {
        match self {
            Self::Through(rule, _) => rule.servers().len(),
            Self::Direct(..) => 1,
        }
    }

    fn server(&self, at: usize) -> Option<(&Server, &ProxyRule)> {
        match self {
            Self::Through(rule, _) => Some((&rule.servers()[self.index(at)], rule)),
            Self::Direct(..) => None,
        }
    }

    /// Which server stands in this place of the order.
    fn index(&self, at: usize) -> usize {
        match self {
            Self::Through(_, Some(order)) => order.get(at).unwrap_or(at),
            Self::Through(_, None) | Self::Direct(..) => at,
        }
    }

    fn put_in_order(&mut self, now: Instant) {
        if let Self::Through(rule, order) = self {
            *order = Some(rule.order(since_first(now)));
        }
    }

    fn could_not_reach(&self, at: usize, now: Instant) {
        if let Self::Through(rule, _) = self {
            rule.could_not_reach(self.index(at), since_first(now));
        }
    }

    fn endpoint(&self, at: usize) -> &Endpoint {
        match self {
            Self::Through(rule, _) => &rule.servers()[self.index(at)].endpoint,
            Self::Direct(endpoint, _) => endpoint,
        }
    }

    fn begin(&self, at: usize, deadline: Deadline, now: Instant) -> Current {
        let timeout = self.server(at).and_then(|(server, _)| server.timeout);
        let until_done = deadline.or_after(now, timeout);
        let until_reached = if timeout.is_some() { until_done } else { deadline.share(now, self.len() - at) };
        let addrs = match self {
            // Not by way of the endpoint, which has neither scope nor flow label.
            Self::Direct(_, addr) => addr.iter().copied().collect(),
            Self::Through(..) => Vec::new(),
        };
        let named = matches!(self.endpoint(at), Endpoint::Tcp { host: ServerHost::Name(_), .. });
        Current { addrs, places: usize::from(!named), given: 0, until_reached, until_done }
    }
}

/// The clock of what is remembered of servers: from the first time that any plan was told.
fn since_first(now: Instant) -> Duration {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    now.saturating_duration_since(*FIRST.get_or_init(|| now))
}

impl Current {
    /// The address of the place that was given out last.
    fn addr(&self, endpoint: &Endpoint) -> Option<SocketAddr> {
        match endpoint {
            Endpoint::Tcp { host: ServerHost::Ip(ip), port } if self.addrs.is_empty() => Some((*ip, *port).into()),
            _ => self.given.checked_sub(1).and_then(|last| self.addrs.get(last)).copied(),
        }
    }
}

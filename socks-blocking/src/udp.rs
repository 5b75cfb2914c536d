//! UDP ASSOCIATE: datagrams by way of a proxy.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use socks_adapter::datagram::{DatagramError, Datagrams, MAX_RECEIVED};
use socks_adapter::{ConnectError, Deadline, Error, Tunnel, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr, WireAddr};

use crate::connect::{finished, request_over};
use crate::reach::reach;
use crate::socket::Socket;

/// A UDP socket whose datagrams go through a proxy (RFC 1928 §7).
///
/// ```no_run
/// use socks_blocking::{Config, ProxyUrl, TargetAddr, UdpAssociation};
///
/// let proxy: ProxyUrl = "socks5h://gate.example".parse()?;
/// let resolver: TargetAddr = "192.0.2.53:53".parse()?;
/// let association = UdpAssociation::open(&Config::from_url(&proxy), resolver)?;
/// association.send_to(b"\x12\x34\x01\x00", resolver)?;
/// let mut buf = [0; 1500];
/// let (len, peer) = association.recv_from(&mut buf)?;
/// println!("{len} bytes of {peer}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It owns the connection to the proxy over which it was asked for. The association lasts as long as that does: dropping
/// this ends it, and when the proxy closes it, sending and receiving fail with [`DatagramError::Closed`].
///
/// One thread may send while others receive. See [`Datagrams`] for what is dropped and how fragments are joined.
pub struct UdpAssociation<S = Socket> {
    control: S,
    bound: WireAddr,
    datagrams: Datagrams,
    /// Where datagrams are sent from, as far as that is settled.
    from: SocketAddr,
    /// Connected to the relay. Non-blocking, so that who waits does so for the control connection as well.
    socket: OnceLock<UdpSocket>,
    opening: Mutex<()>,
    outgoing: Mutex<Vec<u8>>,
    incoming: Mutex<Vec<u8>>,
    read_timeout: Mutex<Option<Duration>>,
}

impl UdpAssociation<Socket> {
    /// Opens an association with a proxy, the way that `config` says for `target`. Takes as long as
    /// [`connect`](crate::connect()) may.
    ///
    /// The association carries datagrams to any target; whether each of them should go this way is for the caller to ask
    /// the configuration.
    ///
    /// # Errors
    /// As those of [`connect`](crate::connect()). [`Error::UnusableAnswer`] where the proxy names its relay by a name, and
    /// [`Error::Direct`] where the way leads through no proxy: that is for a [`UdpSocket`].
    pub fn open(config: &Config, target: impl Into<TargetAddr>) -> Result<Self, Error> {
        let target = target.into();
        let route = config.route(&target);
        Self::open_through(route, plan::timeout(config, &route))
    }

    /// Opens an association with a proxy of this route, within `timeout`.
    ///
    /// # Errors
    /// As those of [`open`](Self::open).
    pub fn open_through(route: Route<'_>, timeout: Duration) -> Result<Self, Error> {
        let command = Command::UdpAssociate(TargetAddr::UNSPECIFIED);
        let (control, negotiation) = reach::<Socket>(route, command, timeout)?;
        let negotiation = negotiation.ok_or(Error::Direct)?;
        // A proxy on a Unix socket is on this machine.
        let proxy = negotiation.proxy().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let near = control.local_addr().map(|addr| addr.ip());
        Self::new(control, finished(negotiation), proxy, |datagrams| datagrams.local_addr(near))
            .map_err(ConnectError::into_error)
    }
}

impl<S: Read + Write> UdpAssociation<S> {
    /// Opens an association with the proxy at the other end of `control`; see [`connect_over`](crate::connect_over).
    ///
    /// `from` is where the datagrams are to be sent from, for proxies that want to be told ahead; nowhere behind a
    /// translation of addresses. `None` leaves it open. `proxy` is where they go if the proxy leaves the address of its
    /// relay open (`0.0.0.0`), as many do.
    ///
    /// # Errors
    /// [`ConnectError`] gives the stream back with the [`Error`].
    // The stream is in the error by purpose.
    #[allow(clippy::result_large_err)]
    pub fn open_over(
        control: S,
        from: Option<SocketAddr>,
        proxy: IpAddr,
        offer: Offer,
    ) -> Result<Self, ConnectError<S>> {
        let told = from.map_or(TargetAddr::UNSPECIFIED, TargetAddr::from);
        let (tunnel, control) = request_over(control, Command::UdpAssociate(told), offer)?;
        Self::new(control, tunnel, proxy, |datagrams| from.unwrap_or_else(|| datagrams.local_addr(None)))
    }
}

impl<S> UdpAssociation<S> {
    // The stream is in the error by purpose.
    #[allow(clippy::result_large_err)]
    fn new(
        control: S,
        tunnel: Tunnel,
        proxy: IpAddr,
        from: impl FnOnce(&Datagrams) -> SocketAddr,
    ) -> Result<Self, ConnectError<S>> {
        let bound = tunnel.bound;
        let datagrams = match Datagrams::new(tunnel, proxy) {
            Ok(datagrams) => datagrams,
            Err(error) => return Err(ConnectError::new(error, control)),
        };
        Ok(Self {
            control,
            bound,
            from: from(&datagrams),
            datagrams,
            socket: OnceLock::new(),
            opening: Mutex::default(),
            outgoing: Mutex::default(),
            incoming: Mutex::default(),
            read_timeout: Mutex::default(),
        })
    }

    /// BND.ADDR of the proxy's reply, as it came.
    pub fn bound(&self) -> &WireAddr {
        &self.bound
    }

    /// Where the datagrams go: the address of the relay, never an unspecified one.
    pub fn relay(&self) -> SocketAddr {
        self.datagrams.relay()
    }

    /// The connection to the proxy. What is read from it is lost to the association.
    pub fn get_ref(&self) -> &S {
        &self.control
    }

    /// How long [`recv_from`](Self::recv_from) waits at most; `None`, the default, is for ever.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a timeout of zero, as with std's sockets.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a timeout of zero"));
        }
        *lock(&self.read_timeout) = timeout;
        Ok(())
    }

    /// The socket, connected to the relay, so that nobody else's datagrams get in and what became of ours is told.
    ///
    /// Opened with the first datagram: an association that carries none needs no way to the relay.
    fn socket(&self) -> io::Result<&UdpSocket> {
        if let Some(socket) = self.socket.get() {
            return Ok(socket);
        }
        // Who comes second finds it there: two sockets could not both be sent from where the proxy was told.
        let _opening = lock(&self.opening);
        if let Some(socket) = self.socket.get() {
            return Ok(socket);
        }
        let socket = UdpSocket::bind(self.from)?;
        socket.connect(self.relay())?;
        socket.set_nonblocking(true)?;
        Ok(self.socket.get_or_init(|| socket))
    }
}

impl<S: AsFd> UdpAssociation<S> {
    /// Sends one datagram to `target`, by way of the relay. All of it or nothing.
    ///
    /// # Errors
    /// Those of the system, and [`DatagramError`] inside an [`io::Error`]: the payload does not fit into one datagram, or
    /// the proxy has ended the association.
    pub fn send_to(&self, payload: &[u8], target: impl Into<TargetAddr>) -> io::Result<()> {
        self.look_at_control()?;
        let socket = self.socket()?;
        let mut datagram = lock(&self.outgoing);
        self.datagrams.encode(payload, &target.into(), &mut datagram)?;
        loop {
            match socket.send(&datagram) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(socket, PollFlags::OUT, Deadline::NEVER)?
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for one datagram, puts its payload into `buf`, and gives its length and who sent it.
    ///
    /// What came before the proxy ended the association is still received.
    ///
    /// # Errors
    /// Those of the system; [`io::ErrorKind::TimedOut`] after [`set_read_timeout`](Self::set_read_timeout); and
    /// [`DatagramError`] inside an [`io::Error`]: the payload is longer than `buf` and was lost, or the proxy has ended the
    /// association.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, WireAddr)> {
        let timeout = *lock(&self.read_timeout);
        let deadline = timeout.map_or(Deadline::NEVER, |timeout| Deadline::after(Instant::now(), timeout));
        let socket = self.socket()?;
        loop {
            match self.receive(socket, buf) {
                Ok(Some(received)) => return Ok(received),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(socket, PollFlags::IN, deadline)?
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// One datagram that is there already; `None` for one that is not for the application.
    fn receive(&self, socket: &UdpSocket, buf: &mut [u8]) -> io::Result<Option<(usize, WireAddr)>> {
        let mut datagram = lock(&self.incoming);
        datagram.resize(MAX_RECEIVED, 0);
        let len = socket.recv(&mut datagram)?;
        Ok(self.datagrams.decode(&datagram[..len], self.relay(), Instant::now(), buf)?)
    }

    /// Waits for the socket, and fails where the proxy ends the association meanwhile.
    fn wait(&self, socket: &UdpSocket, for_what: PollFlags, deadline: Deadline) -> io::Result<()> {
        // More than a Timespec can say is for ever.
        let left = deadline.left(Instant::now())?.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = [PollFd::new(socket, for_what), PollFd::new(&self.control, PollFlags::IN)];
        match poll(&mut fds, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // What the socket has comes first: it may be the last that the relay sent.
        if fds[0].revents().is_empty() && !fds[1].revents().is_empty() { self.look_at_control() } else { Ok(()) }
    }

    /// Whether the proxy still holds the association, without waiting. Nothing that it could say here has a meaning.
    fn look_at_control(&self) -> io::Result<()> {
        loop {
            match recv(&self.control, &mut [0; 64], RecvFlags::DONTWAIT) {
                Ok((_, 0)) | Err(Errno::CONNRESET | Errno::TIMEDOUT) => return Err(DatagramError::Closed.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> fmt::Debug for UdpAssociation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpAssociation").field("relay", &self.relay()).finish_non_exhaustive()
    }
}

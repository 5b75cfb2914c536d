//! UDP ASSOCIATE: datagrams by way of a proxy.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::net::{self, IpAddr, Ipv4Addr, SocketAddr};
#[cfg(unix)]
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socks_adapter::datagram::{DatagramError, Datagrams, MAX_RECEIVED};
use socks_adapter::{ConnectError, Error, Tunnel, Waiters, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr, WireAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UdpSocket;

use crate::connect::{finished, request_over};
use crate::deadline::now;
use crate::reach::{Reached, Way};
use crate::socket::Socket;

/// A UDP socket whose datagrams go through a proxy (RFC 1928 §7).
///
/// ```no_run
/// use socks_tokio::{Config, ProxyUrl, TargetAddr, UdpAssociation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let proxy: ProxyUrl = "socks5h://gate.example".parse()?;
/// let resolver: TargetAddr = "192.0.2.53:53".parse()?;
/// let association = UdpAssociation::open(&Config::from_url(&proxy), resolver).await?;
/// association.send_to(b"\x12\x34\x01\x00", resolver).await?;
/// let mut buf = [0; 1500];
/// let (len, peer) = association.recv_from(&mut buf).await?;
/// println!("{len} bytes of {peer}");
/// # Ok(())
/// # }
/// ```
///
/// It owns the connection to the proxy over which it was asked for. The association lasts as long as that does: dropping
/// this ends it, and when the proxy closes it, sending and receiving fail with [`DatagramError::Closed`].
///
/// Any number of tasks may send and receive at once. See [`Datagrams`] for what is dropped and how fragments are joined.
pub struct UdpAssociation<S = Socket> {
    control: Mutex<S>,
    bound: WireAddr,
    datagrams: Datagrams,
    /// Where datagrams are sent from, as far as that is settled.
    from: SocketAddr,
    /// Connected to the relay.
    socket: OnceLock<UdpSocket>,
    opening: Mutex<()>,
    /// Who waits for the socket, and so for the control connection as well.
    waiters: Waiters,
    outgoing: Mutex<Vec<u8>>,
    incoming: Mutex<Vec<u8>>,
}

impl UdpAssociation<Socket> {
    /// Opens an association with a proxy, the way that `config` says for `target`. Takes as long as
    /// [`connect`](crate::connect()) may.
    ///
    /// The association carries datagrams to any target; whether each of them should go this way is for the caller to ask
    /// the configuration.
    ///
    /// # Cancel safety
    /// As that of [`connect`](crate::connect()).
    ///
    /// # Errors
    /// As those of [`connect`](crate::connect()). [`Error::UnusableAnswer`] where the proxy names its relay by a name, and
    /// [`Error::Direct`] where the way leads through no proxy: that is for a [`UdpSocket`].
    pub fn open(config: &Config, target: impl Into<TargetAddr>) -> impl Future<Output = Result<Self, Error>> {
        let target = target.into();
        let route = config.route(&target);
        Self::open_through(route, plan::timeout(config, &route))
    }

    /// Opens an association with a proxy of this route, within `timeout`.
    ///
    /// # Cancel safety
    /// As that of [`connect`](crate::connect()).
    ///
    /// # Errors
    /// As those of [`open`](Self::open).
    pub fn open_through(route: Route<'_>, timeout: Duration) -> impl Future<Output = Result<Self, Error>> {
        let mut way = Way::new(route, Command::UdpAssociate(TargetAddr::UNSPECIFIED), timeout);
        async move { way.reach().await.and_then(Self::reached) }
    }

    fn reached((control, negotiation): Reached<Socket>) -> Result<Self, Error> {
        let negotiation = negotiation.ok_or(Error::Direct)?;
        // A proxy on a Unix socket is on this machine.
        let proxy = negotiation.proxy().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let near = control.local_addr().map(|addr| addr.ip());
        Self::new(control, finished(negotiation), proxy, |datagrams| datagrams.local_addr(near))
            .map_err(ConnectError::into_error)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> UdpAssociation<S> {
    /// Opens an association with the proxy at the other end of `control`; see [`connect_over`](crate::connect_over()).
    ///
    /// `from` is where the datagrams are to be sent from, for proxies that want to be told ahead; nowhere behind a
    /// translation of addresses. `None` leaves it open. `proxy` is where they go if the proxy leaves the address of its
    /// relay open (`0.0.0.0`), as many do.
    ///
    /// # Cancel safety
    /// As that of [`connect_over`](crate::connect_over()).
    ///
    /// # Errors
    /// [`ConnectError`] gives the stream back with the [`Error`].
    pub fn open_over(
        control: S,
        from: Option<SocketAddr>,
        proxy: IpAddr,
        offer: Offer,
    ) -> impl Future<Output = Result<Self, ConnectError<S>>> {
        let told = from.map_or(TargetAddr::UNSPECIFIED, TargetAddr::from);
        let mut request = request_over(control, Command::UdpAssociate(told), offer);
        async move {
            let (control, negotiation) = (&mut request).await?;
            let from = |datagrams: &Datagrams| from.unwrap_or_else(|| datagrams.local_addr(None));
            Self::new(control, finished(negotiation), proxy, from)
        }
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
            control: Mutex::new(control),
            bound,
            from: from(&datagrams),
            datagrams,
            socket: OnceLock::new(),
            opening: Mutex::default(),
            waiters: Waiters::new(),
            outgoing: Mutex::default(),
            incoming: Mutex::default(),
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
    pub fn get_mut(&mut self) -> &mut S {
        self.control.get_mut().unwrap_or_else(PoisonError::into_inner)
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
        let socket = net::UdpSocket::bind(self.from)?;
        socket.connect(self.relay())?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        Ok(self.socket.get_or_init(|| socket))
    }
}

impl<S: AsyncRead + Unpin> UdpAssociation<S> {
    /// Sends one datagram to `target`, by way of the relay. All of it or nothing.
    ///
    /// # Cancel safety
    /// A future that is dropped has sent the datagram or has not.
    ///
    /// # Errors
    /// Those of the system, and [`DatagramError`] inside an [`io::Error`]: the payload does not fit into one datagram, or
    /// the proxy has ended the association.
    pub async fn send_to(&self, payload: &[u8], target: impl Into<TargetAddr>) -> io::Result<()> {
        if let Poll::Ready(closed) = self.poll_closed(&mut self.waiters.context()) {
            return Err(closed);
        }
        let socket = self.socket()?;
        // Made once, as a layer that protects it counts them.
        let mut datagram = mem::take(&mut *lock(&self.outgoing));
        self.datagrams.encode(payload, &target.into(), &mut datagram)?;
        let mut waiting = self.waiters.wait();
        let sent = poll_fn(|cx| {
            let cx = &mut waiting.context(cx);
            match socket.poll_send(cx, &datagram) {
                Poll::Ready(sent) => Poll::Ready(sent.map(drop)),
                Poll::Pending => self.poll_closed(cx).map(Err),
            }
        });
        let sent = sent.await;
        // For the next one. Of several at once, one leaves its own.
        *lock(&self.outgoing) = datagram;
        sent
    }

    /// Waits for one datagram, puts its payload into `buf`, and gives its length and who sent it.
    ///
    /// What came before the proxy ended the association is still received. There is no limit to the time but the caller's,
    /// by [`tokio::time::timeout`].
    ///
    /// # Cancel safety
    /// A future that is dropped has taken no datagram that could have been received.
    ///
    /// # Errors
    /// Those of the system, and [`DatagramError`] inside an [`io::Error`]: the payload is longer than `buf` and was lost, or
    /// the proxy has ended the association.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, WireAddr)> {
        let socket = self.socket()?;
        let mut waiting = self.waiters.wait();
        poll_fn(|cx| {
            let cx = &mut waiting.context(cx);
            if let received @ Poll::Ready(_) = self.poll_receive(cx, socket, buf) {
                return received;
            }
            let closed = ready!(self.poll_closed(cx));
            // What the socket has comes first: it may be the last that the relay sent.
            Poll::Ready(self.receive_last(socket, buf)?.ok_or(closed))
        })
        .await
    }

    /// What is in the socket already, whether the runtime has heard of it or not. Elsewhere than on Unix it must have.
    #[cfg(not(unix))]
    fn receive_last(&self, _socket: &UdpSocket, _buf: &mut [u8]) -> io::Result<Option<(usize, WireAddr)>> {
        Ok(None)
    }

    /// What is in the socket already, whether the runtime has heard of it or not.
    #[cfg(unix)]
    fn receive_last(&self, socket: &UdpSocket, buf: &mut [u8]) -> io::Result<Option<(usize, WireAddr)>> {
        // Another descriptor of the same socket, which does not wait either.
        let socket = net::UdpSocket::from(socket.as_fd().try_clone_to_owned()?);
        let mut room = lock(&self.incoming);
        room.resize(MAX_RECEIVED, 0);
        loop {
            match socket.recv(&mut room) {
                Ok(len) => {
                    if let Some(received) = self.datagrams.decode(&room[..len], self.relay(), now(), buf)? {
                        return Ok(Some(received));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// The next datagram that is for the application.
    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        socket: &UdpSocket,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, WireAddr)>> {
        let mut room = lock(&self.incoming);
        room.resize(MAX_RECEIVED, 0);
        loop {
            let mut datagram = ReadBuf::new(&mut room);
            ready!(socket.poll_recv(cx, &mut datagram))?;
            if let Some(received) = self.datagrams.decode(datagram.filled(), self.relay(), now(), buf)? {
                return Poll::Ready(Ok(received));
            }
        }
    }

    /// Ready with the error where the proxy holds the association no more. Nothing that it could say here has a meaning.
    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut control = lock(&self.control);
        let mut room = [0; 64];
        loop {
            let mut said = ReadBuf::new(&mut room);
            match ready!(Pin::new(&mut *control).poll_read(cx, &mut said)) {
                Ok(()) if said.filled().is_empty() => return Poll::Ready(DatagramError::Closed.into()),
                Ok(()) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::ConnectionReset | io::ErrorKind::TimedOut => {
                        return Poll::Ready(DatagramError::Closed.into());
                    }
                    _ => return Poll::Ready(error),
                },
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

//! A SOCKS 5 proxy in this process: CONNECT, BIND, UDP ASSOCIATE and Tor's RESOLVE, with or without a login.
//!
//! ```
//! use socks_conformance::proxy::{Proxy, ProxyConfig};
//!
//! let proxy = Proxy::start(ProxyConfig {
//!     login: Some(("ann".into(), "s3cret".into())),
//!     hosts: vec![("mail.example".into(), [127, 0, 0, 1].into())],
//!     ..ProxyConfig::default()
//! })?;
//! println!("listening on {}", proxy.addr());
//! # assert_ne!(proxy.addr().port(), 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! One thread a connection, each waiting in `poll`; the frames are those of [`socks_proto::server`]. Dropping the
//! [`Proxy`] ends every wait, closes every socket and returns when the last thread is done.

mod bind;
mod connect;
mod log;
mod relay;
mod resolve;
mod session;
mod udp;
mod wait;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::PollFlags;

use self::log::Log;
use self::wait::Stop;

/// Enough for the resolver of libc, little enough for thousands of threads.
const STACK: usize = 256 * 1024;
/// The default of std is 128, which a test that opens a thousand connections at once overruns.
const BACKLOG: i32 = 4096;

/// Where a [`Proxy`] listens.
#[derive(Clone, Debug)]
pub enum Listen {
    /// A TCP address; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A socket in the file system, removed again when the proxy ends.
    Unix(PathBuf),
}

/// What takes the lines of a log.
pub type LogFn = Box<dyn Fn(&str) + Send + Sync>;

/// What a [`Proxy`] does. [`ProxyConfig::default`] listens on a free port of 127.0.0.1 and asks for no login.
pub struct ProxyConfig {
    /// Where it listens.
    pub listen: Listen,
    /// The username and password that it asks for; `None` lets everybody in.
    pub login: Option<(String, String)>,
    /// Called with every log line, besides keeping it for [`Proxy::log_lines`].
    pub log: Option<LogFn>,
    /// Waits so long before each answer: a slow proxy.
    pub delay: Option<Duration>,
    /// Where BIND listens and datagrams leave from.
    pub external: IpAddr,
    /// Answers `0.0.0.0` in place of its own addresses, as some proxies do: with port 0 to CONNECT, with the
    /// true port to BIND (first reply) and UDP ASSOCIATE.
    pub answer_unspecified: bool,
    /// Names that it knows before it asks the system. Names under `.example`, `.invalid`, `.onion` and `.test`
    /// are looked up here only, so tests with them never leave the machine.
    pub hosts: Vec<(String, IpAddr)>,
    /// How long a CONNECT may take before the answer is "TTL expired".
    pub connect_timeout: Duration,
    /// How long a BIND waits for its peer before the second reply is "TTL expired"; `None` waits for ever.
    pub bind_timeout: Option<Duration>,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            listen: Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            login: None,
            log: None,
            delay: None,
            external: Ipv4Addr::LOCALHOST.into(),
            answer_unspecified: false,
            hosts: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            bind_timeout: None,
        }
    }
}

impl fmt::Debug for ProxyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyConfig")
            .field("listen", &self.listen)
            .field("login", &self.login.is_some())
            .field("delay", &self.delay)
            .field("external", &self.external)
            .finish_non_exhaustive()
    }
}

/// A running proxy; ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    addr: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

/// What all threads of a proxy see.
struct Shared {
    config: ProxyConfig,
    stop: Stop,
    log: Log,
    relayed: AtomicU64,
    accepted: AtomicUsize,
    active: Mutex<usize>,
    idle: Condvar,
}

impl Proxy {
    /// Starts to listen; connections are served from here on.
    ///
    /// # Errors
    /// The address cannot be listened on, or there is no thread or descriptor left.
    pub fn start(config: ProxyConfig) -> io::Result<Self> {
        let (listener, addr) = Listener::new(&config.listen)?;
        let shared = Arc::new(Shared {
            config,
            stop: Stop::new()?,
            log: Log::default(),
            relayed: AtomicU64::new(0),
            accepted: AtomicUsize::new(0),
            active: Mutex::new(0),
            idle: Condvar::new(),
        });
        let acceptor = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("proxy".into()).stack_size(STACK).spawn(move || accept(&shared, &listener))?
        };
        Ok(Self { shared, addr, acceptor: Some(acceptor) })
    }

    /// The TCP address that it listens on; `0.0.0.0:0` where it listens on a path.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The log so far, one line a request that has ended. Holds no password.
    pub fn log_lines(&self) -> Vec<String> {
        self.shared.log.lines()
    }

    /// Waits until the log has `count` lines, or `patience` is over, and returns what there is.
    ///
    /// A line is written when its request has ended, which is a moment after the client knows.
    pub fn wait_for_log(&self, count: usize, patience: Duration) -> Vec<String> {
        self.shared.log.wait_for(count, patience)
    }

    /// How many bytes of applications were passed on so far, both ways together.
    pub fn bytes_relayed(&self) -> u64 {
        self.shared.relayed.load(Ordering::Relaxed)
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.raise();
        if let Some(acceptor) = self.acceptor.take() {
            // A panic of that thread was printed; there is nothing to add here.
            let _ = acceptor.join();
        }
        let active = self.shared.active.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.shared.idle.wait_while(active, |active| *active > 0));
        if let Listen::Unix(path) = &self.shared.config.listen {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn new(listen: &Listen) -> io::Result<(Self, SocketAddr)> {
        let (listener, addr) = match listen {
            Listen::Tcp(addr) => {
                let listener = TcpListener::bind(addr)?;
                let addr = listener.local_addr()?;
                (Self::Tcp(listener), addr)
            }
            Listen::Unix(path) => (Self::Unix(UnixListener::bind(path)?), SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        };
        rustix::net::listen(listener.as_fd(), BACKLOG)?;
        rustix::io::ioctl_fionbio(listener.as_fd(), true)?;
        Ok((listener, addr))
    }

    fn accept(&self) -> io::Result<Client> {
        let client = match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nodelay(true)?;
                let local = Some(stream.local_addr()?.ip());
                Client { socket: stream.into(), from: peer.to_string(), peer: Some(peer.ip()), local }
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Client { socket: stream.into(), from: "unix".into(), peer: None, local: None }
            }
        };
        rustix::io::ioctl_fionbio(&client.socket, true)?;
        Ok(client)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

/// A client's connection. All sockets of the proxy are non-blocking.
struct Client {
    socket: OwnedFd,
    /// For the log.
    from: String,
    /// `None` for a client on a Unix socket.
    peer: Option<IpAddr>,
    local: Option<IpAddr>,
}

fn accept(shared: &Arc<Shared>, listener: &Listener) {
    while shared.stop.wait([Some((listener.as_fd(), PollFlags::IN))], None).is_ok() {
        let client = match listener.accept() {
            Ok(client) => client,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => {
                // The client went away, or there is no descriptor left: then others must end first.
                let _ = shared.stop.wait::<0>([], Some(Duration::from_millis(20)));
                continue;
            }
        };
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        let active = Active::new(Arc::clone(shared));
        // Without a thread to serve it the connection is closed, and the guard counts it off.
        let _ = thread::Builder::new()
            .name("proxy session".into())
            .stack_size(STACK)
            .spawn(move || session::serve(&active.0, client));
    }
}

/// Counts a session as long as it lives.
struct Active(Arc<Shared>);

impl Active {
    fn new(shared: Arc<Shared>) -> Self {
        *shared.active.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(shared)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut active = self.0.active.lock().unwrap_or_else(PoisonError::into_inner);
        *active -= 1;
        if *active == 0 {
            self.0.idle.notify_all();
        }
    }
}

//! A proxy for thousands of connections at once: one thread, no target behind it, and not a word to anybody before
//! all of them have come.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Result, ensure};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a client without a login says, and what it is told: the method, and that the connection is made.
const GREETING: [u8; 3] = [5, 1, 0];
const METHOD: [u8; 2] = [5, 0];
const REQUEST_LEN: usize = 10;
const REPLY: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// More than come while this one thread turns around.
const BACKLOG: i32 = 4096;

/// What a process of either side has open besides.
const SPARE: u64 = 100;

/// Why this machine does not allow so many connections.
pub(crate) fn obstacle(count: usize) -> Option<String> {
    let limit = getrlimit(Resource::Nofile).maximum?;
    let need = count as u64 + SPARE;
    (limit < need).then(|| format!("{need} descriptors are needed, and the hard limit is {limit}"))
}

pub(crate) struct Swarm {
    addr: SocketAddr,
    expected: usize,
    granted: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    server: Option<JoinHandle<io::Result<()>>>,
    /// The limit to go back to: it is the whole process's, and inherited.
    limit: Rlimit,
}

impl Swarm {
    /// A proxy that answers when `expected` clients have said their greeting.
    pub(crate) fn start(expected: usize) -> Result<Self> {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        rustix::net::listen(listener.as_fd(), BACKLOG)?;
        let addr = listener.local_addr()?;
        let (granted, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let server = {
            let (granted, stop) = (Arc::clone(&granted), Arc::clone(&stop));
            thread::spawn(move || serve(&listener, expected, &granted, &stop))
        };
        Ok(Self { addr, expected, granted, stop, server: Some(server), limit })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether all of them got what they asked for.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::Release);
        // Wakes it up.
        drop(TcpStream::connect(self.addr));
        if let Some(server) = self.server.take() {
            server.join().map_err(|_| anyhow::anyhow!("the proxy panicked"))??;
        }
        let granted = self.granted.load(Ordering::Acquire);
        ensure!(granted == self.expected, "{granted} connections were granted, expected {}", self.expected);
        Ok(())
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        let _ = self.finish();
        let _ = setrlimit(Resource::Nofile, self.limit);
    }
}

/// A client, and how much of what it has to say was read.
struct Client {
    stream: TcpStream,
    read: usize,
}

fn serve(listener: &TcpListener, expected: usize, granted: &AtomicUsize, stop: &AtomicBool) -> io::Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    listener.set_nonblocking(true)?;
    epoll::add(&epoll, listener, EventData::new_u64(u64::MAX), EventFlags::IN)?;
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut greeted = 0;
    let mut events = Vec::with_capacity(1024);
    loop {
        events.clear();
        match epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let Event { data, .. } = *event;
            let Ok(index) = usize::try_from(data.u64()) else { continue };
            let Some(place) = clients.get_mut(index) else {
                while let Ok((stream, _)) = listener.accept() {
                    if stop.load(Ordering::Acquire) {
                        return Ok(());
                    }
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    epoll::add(&epoll, &stream, EventData::new_u64(clients.len() as u64), EventFlags::IN)?;
                    clients.push(Some(Client { stream, read: 0 }));
                }
                continue;
            };
            let Some(client) = place else { continue };
            let before = client.read;
            if client.listen()? {
                greeted += usize::from(before < GREETING.len() && client.read >= GREETING.len());
                if before < GREETING.len() + REQUEST_LEN && client.read == GREETING.len() + REQUEST_LEN {
                    client.say(&REPLY)?;
                    granted.fetch_add(1, Ordering::AcqRel);
                } else if greeted > expected && client.read == GREETING.len() {
                    client.say(&METHOD)?;
                }
            } else {
                *place = None;
            }
        }
        if greeted == expected {
            // From now on whoever comes is one too many, and is answered at once.
            greeted += 1;
            clients.iter().flatten().try_for_each(|client| client.say(&METHOD))?;
        }
    }
}

impl Client {
    /// Reads what there is. `false`: it is gone.
    fn listen(&mut self) -> io::Result<bool> {
        let mut buf = [0; 64];
        match rustix::net::recv(&self.stream, &mut buf, rustix::net::RecvFlags::DONTWAIT) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => Ok(false),
            Ok((_, len)) => {
                self.read += len;
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// A few bytes always fit.
    fn say(&self, bytes: &[u8]) -> io::Result<()> {
        match rustix::net::send(&self.stream, bytes, rustix::net::SendFlags::NOSIGNAL) {
            Ok(_) | Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

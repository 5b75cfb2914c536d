//! Waiting that can be ended: every wait of the proxy also watches for its stop.

use std::array;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Ends all waits of a proxy at once, for good.
pub(super) struct Stop {
    watched: UnixStream,
    raised: UnixStream,
}

/// The most descriptors that one wait watches.
const MOST: usize = 4;

/// A descriptor and what to wait for; `None` takes a place without being watched.
pub(super) type Interest<'a> = Option<(BorrowedFd<'a>, PollFlags)>;

impl Stop {
    pub(super) fn new() -> io::Result<Self> {
        let (watched, raised) = UnixStream::pair()?;
        Ok(Self { watched, raised })
    }

    pub(super) fn raise(&self) {
        // Every poll now finds the other end readable, whoever asks and however often.
        let _ = self.raised.shutdown(Shutdown::Write);
    }

    /// Waits until one of `interests` is ready and says which are for what; after `timeout` none is.
    ///
    /// # Errors
    /// The proxy is stopping.
    pub(super) fn wait<const N: usize>(
        &self,
        interests: [Interest<'_>; N],
        timeout: Option<Duration>,
    ) -> io::Result<[PollFlags; N]> {
        const { assert!(N <= MOST) };
        let mut fds: [PollFd<'_>; MOST + 1] = array::from_fn(|_| PollFd::new(&self.watched, PollFlags::IN));
        let mut len = 1;
        for (fd, flags) in interests.iter().flatten() {
            fds[len] = PollFd::from_borrowed_fd(*fd, *flags);
            len += 1;
        }
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut fds[..len], timeout.as_ref()) {
            // Nothing is ready, and the caller asks again.
            Err(Errno::INTR) => return Ok([PollFlags::empty(); N]),
            other => other?,
        };
        if !fds[0].revents().is_empty() {
            return Err(io::Error::other("the proxy is stopping"));
        }
        let mut watched = fds[1..len].iter();
        Ok(interests.map(|interest| match interest {
            Some(_) => watched.next().map_or(PollFlags::empty(), PollFd::revents),
            None => PollFlags::empty(),
        }))
    }

    /// Reads some bytes; 0 is the end of the stream.
    pub(super) fn read(&self, from: &OwnedFd, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(from, &mut *buf) {
                Err(Errno::AGAIN) => drop(self.wait([Some((from.as_fd(), PollFlags::IN))], None)?),
                Err(Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    pub(super) fn write_all(&self, to: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match send(to, bytes) {
                Err(Errno::AGAIN) => drop(self.wait([Some((to.as_fd(), PollFlags::OUT))], None)?),
                Err(Errno::INTR) => {}
                other => bytes = &bytes[other?..],
            }
        }
        Ok(())
    }

    /// Connects, and gives up after `timeout`.
    pub(super) fn connect(&self, to: SocketAddr, timeout: Duration) -> io::Result<OwnedFd> {
        let socket = socket(to, SocketType::STREAM)?;
        match rustix::net::connect(&socket, &to) {
            Ok(()) => {}
            Err(Errno::INPROGRESS) => {
                let [ready] = self.wait([Some((socket.as_fd(), PollFlags::OUT))], Some(timeout))?;
                if ready.is_empty() {
                    return Err(ErrorKind::TimedOut.into());
                }
                sockopt::socket_error(&socket)??;
            }
            Err(error) => return Err(error.into()),
        }
        sockopt::set_tcp_nodelay(&socket, true)?;
        Ok(socket)
    }
}

/// Writes without SIGPIPE, which a C program around the proxy may not ignore.
pub(super) fn send(to: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(to, bytes, rustix::net::SendFlags::NOSIGNAL)
}

/// A socket of the family of `addr`, non-blocking.
pub(super) fn socket(addr: SocketAddr, kind: SocketType) -> io::Result<OwnedFd> {
    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    Ok(rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?)
}

/// The address that a socket of ours has.
pub(super) fn local_addr(socket: &OwnedFd) -> io::Result<SocketAddr> {
    Ok(SocketAddr::try_from(rustix::net::getsockname(socket)?)?)
}

//! Sockets by raw system calls, each a line or two over rustix.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, FdFlags};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, ipproto, sockopt,
};

use super::real;

/// Where a connection to a proxy goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Endpoint<'a> {
    Tcp(SocketAddr),
    Unix(&'a Path),
}

/// The kind of socket that an endpoint needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    V4,
    V6,
    Unix,
}

impl Domain {
    pub(crate) fn of(addr: &SocketAddr) -> Self {
        if addr.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    fn family(self) -> AddressFamily {
        match self {
            Self::V4 => AddressFamily::INET,
            Self::V6 => AddressFamily::INET6,
            Self::Unix => AddressFamily::UNIX,
        }
    }
}

/// Whether it is a TCP socket: the only kind that this library has to do with.
///
/// # Errors
/// The kernel does not say: then it must not be taken for another kind, which the rules let out.
pub(crate) fn is_tcp(fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    match sockopt::socket_protocol(fd) {
        Ok(protocol) => Ok(protocol.is_some_and(|protocol| protocol == ipproto::TCP || protocol == ipproto::MPTCP)),
        Err(error) => no_socket(error).map(|()| false),
    }
}

/// What is no socket, or not open, says so by its error. Any other one says nothing of it, and stays an error.
fn no_socket(error: Errno) -> Result<(), Errno> {
    if matches!(error, Errno::NOTSOCK | Errno::BADF) { Ok(()) } else { Err(error) }
}

/// What tells one socket from another, however many descriptors it has; `None` for what is no socket.
///
/// # Errors
/// The kernel does not say.
pub(crate) fn cookie(fd: BorrowedFd<'_>) -> Result<Option<u64>, Errno> {
    match sockopt::socket_cookie(fd) {
        Ok(cookie) => Ok(Some(cookie)),
        Err(error) => no_socket(error).map(|()| None),
    }
}

/// The descriptor's status flags, O_NONBLOCK among them.
pub(crate) fn flags(fd: BorrowedFd<'_>) -> Result<OFlags, Errno> {
    fcntl_getfl(fd)
}

pub(crate) fn is_nonblocking(fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(fcntl_getfl(fd)?.contains(OFlags::NONBLOCK))
}

pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    let flags = fcntl_getfl(fd)?;
    fcntl_setfl(fd, if on { flags | OFlags::NONBLOCK } else { flags - OFlags::NONBLOCK })
}

/// Begins to connect without waiting, whatever the descriptor's flags. `Ok(true)`: connected already.
///
/// `flags` are the descriptor's, if the caller knows them.
pub(crate) fn begin_connect(fd: BorrowedFd<'_>, to: Endpoint<'_>, flags: Option<OFlags>) -> Result<bool, Errno> {
    let flags = flags.map_or_else(|| fcntl_getfl(fd), Ok)?;
    let blocking = !flags.contains(OFlags::NONBLOCK);
    if blocking {
        fcntl_setfl(fd, flags | OFlags::NONBLOCK)?;
    }
    let outcome = match to {
        Endpoint::Tcp(addr) => rustix::net::connect(fd, &addr),
        Endpoint::Unix(path) => SocketAddrUnix::new(path).and_then(|addr| rustix::net::connect(fd, &addr)),
    };
    if blocking && let Err(error) = fcntl_setfl(fd, flags) {
        // It is on its way all the same, and nobody would look after it.
        let _ = disconnect(fd);
        return Err(error);
    }
    match outcome {
        Ok(()) => Ok(true),
        // An interrupted connect goes on like one that was not waited for.
        Err(Errno::INPROGRESS | Errno::INTR) => Ok(false),
        // A Unix socket whose queue is full; nobody can be waited for, and connect never says EAGAIN.
        Err(Errno::AGAIN) if matches!(to, Endpoint::Unix(_)) => Err(Errno::CONNREFUSED),
        Err(error) => Err(error),
    }
}

/// Makes the socket one that never connected, so that it can try the next proxy.
pub(crate) fn disconnect(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::io::retry_on_intr(|| rustix::net::connect_unspec(fd))?;
    // Cutting a connection off leaves an ECONNRESET behind, which is nobody's business.
    take_error(fd);
    Ok(())
}

/// A limit that a program sets on its own waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// SO_RCVTIMEO.
    Receive,
    /// SO_SNDTIMEO, which holds for connect too.
    Send,
}

/// The limit in nanoseconds, if there is one.
pub(crate) fn timeout(fd: BorrowedFd<'_>, which: Timeout) -> Option<u64> {
    let id = match which {
        Timeout::Receive => sockopt::Timeout::Recv,
        Timeout::Send => sockopt::Timeout::Send,
    };
    let duration = sockopt::socket_timeout(fd, id).ok()??;
    u64::try_from(duration.as_nanos()).ok()
}

/// The kind of socket that stands there, if it is one of these.
///
/// # Errors
/// The kernel does not say.
pub(crate) fn domain(fd: BorrowedFd<'_>) -> Result<Option<Domain>, Errno> {
    match sockopt::socket_domain(fd) {
        Ok(AddressFamily::INET) => Ok(Some(Domain::V4)),
        Ok(AddressFamily::INET6) => Ok(Some(Domain::V6)),
        Ok(AddressFamily::UNIX) => Ok(Some(Domain::Unix)),
        Ok(_) => Ok(None),
        Err(error) => no_socket(error).map(|()| None),
    }
}

/// Whether it neither listens nor is, or is becoming, connected.
pub(crate) fn is_fresh(fd: BorrowedFd<'_>) -> bool {
    // tcp_info begins with its state; a Unix socket, which is never the program's own here, has none.
    let mut info = [0_u8; 8];
    match option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info) {
        Some(_) => info[0] == TCP_CLOSE,
        None => true,
    }
}

/// Of the kernel's list of states of a TCP socket.
const TCP_CLOSE: u8 = 7;

pub(crate) fn bind(fd: BorrowedFd<'_>, addr: SocketAddr) -> Result<(), Errno> {
    rustix::net::bind(fd, &addr)
}

/// Takes the error that the kernel holds for this socket.
pub(crate) fn take_error(fd: BorrowedFd<'_>) -> Option<Errno> {
    match sockopt::socket_error(fd) {
        Ok(Ok(())) => None,
        Ok(Err(error)) | Err(error) => Some(error),
    }
}

/// What the descriptor is ready for at this moment.
pub(crate) fn ready(fd: BorrowedFd<'_>, events: PollFlags) -> Result<PollFlags, Errno> {
    let mut fds = [PollFd::from_borrowed_fd(fd, events)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now))?;
    Ok(fds[0].revents())
}

/// Sends without waiting and without SIGPIPE.
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
}

/// Receives without waiting.
pub(crate) fn receive(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize, Errno> {
    rustix::net::recv(fd, buf, RecvFlags::DONTWAIT).map(|(len, _)| len)
}

/// Ends both directions: whoever waits for the socket sees it, as after a failed connect of the kernel's.
pub(crate) fn shut_down(fd: BorrowedFd<'_>) {
    // A socket that is not connected is shut down all the same, and the kernel says ENOTCONN.
    let _ = rustix::net::shutdown(fd, Shutdown::Both);
}

pub(crate) fn local_addr(fd: BorrowedFd<'_>) -> Option<SocketAddr> {
    rustix::net::getsockname(fd).ok()?.try_into().ok()
}

pub(crate) fn peer_addr(fd: BorrowedFd<'_>) -> Option<SocketAddr> {
    rustix::net::getpeername(fd).ok()??.try_into().ok()
}

/// Whether the kernel knows of no peer.
pub(crate) fn is_unconnected(fd: BorrowedFd<'_>) -> bool {
    matches!(rustix::net::getpeername(fd), Err(Errno::NOTCONN))
}

/// An IPv4 address as an IPv6 socket names it.
pub(crate) fn mapped(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) => SocketAddr::new(IpAddr::V6(v4.ip().to_ipv6_mapped()), v4.port()),
        v6 @ SocketAddr::V6(_) => v6,
    }
}

/// Whether an IPv6 socket is for IPv6 alone; no other kind is.
pub(crate) fn is_v6_only(fd: BorrowedFd<'_>) -> bool {
    sockopt::ipv6_v6only(fd).unwrap_or(false)
}

/// Lets an IPv6 socket reach IPv4 addresses. Fails on one that is bound.
pub(crate) fn allow_v4(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    match sockopt::ipv6_v6only(fd)? {
        false => Ok(()),
        true => sockopt::set_ipv6_v6only(fd, false),
    }
}

/// Puts a new socket of another kind under the number of `fd`, with its flags and options.
///
/// A proxy of another family needs it. Other descriptors of the old socket keep the old one.
pub(crate) fn replace(fd: BorrowedFd<'_>, domain: Domain) -> Result<(), Errno> {
    let status = fcntl_getfl(fd)?;
    let cloexec = rustix::io::fcntl_getfd(fd)?.contains(FdFlags::CLOEXEC);
    let new = rustix::net::socket_with(domain.family(), SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    fcntl_setfl(&new, status & (OFlags::NONBLOCK | OFlags::APPEND))?;
    copy_options(fd, new.as_fd());
    put(new, fd, cloexec)
}

/// Puts a socket that nobody ever connects to under the number of `fd`.
pub(crate) fn replace_by_idle(fd: BorrowedFd<'_>, domain: Domain) -> Result<(), Errno> {
    let status = fcntl_getfl(fd)?;
    let cloexec = rustix::io::fcntl_getfd(fd)?.contains(FdFlags::CLOEXEC);
    let new = rustix::net::socket_with(domain.family(), SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    fcntl_setfl(&new, status & OFlags::NONBLOCK)?;
    put(new, fd, cloexec)
}

fn put(new: impl AsFd, fd: BorrowedFd<'_>, cloexec: bool) -> Result<(), Errno> {
    let flags = if cloexec { rustix::io::DupFlags::CLOEXEC } else { rustix::io::DupFlags::empty() };
    // SAFETY: the number stays the caller's, whatever stands behind it: ManuallyDrop does not close it.
    let mut number = std::mem::ManuallyDrop::new(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd.as_raw_fd()) });
    rustix::io::retry_on_intr(|| rustix::io::dup3(new.as_fd(), &mut number, flags))
}

/// Puts the socket of `fd` under another number too, which keeps its own FD_CLOEXEC.
pub(crate) fn put_also(fd: BorrowedFd<'_>, other: RawFd) -> Result<(), Errno> {
    // SAFETY: the caller knows the number for an open descriptor of the program's.
    let place = unsafe { BorrowedFd::borrow_raw(other) };
    let cloexec = rustix::io::fcntl_getfd(place)?.contains(FdFlags::CLOEXEC);
    put(fd, place, cloexec)
}

/// A second descriptor for the same socket.
pub(crate) fn duplicate(fd: BorrowedFd<'_>, cloexec: bool) -> Result<OwnedFd, Errno> {
    if cloexec { rustix::io::fcntl_dupfd_cloexec(fd, 0) } else { rustix::io::dup(fd) }
}

/// The options that a program may have set and that mean the same for every stream socket or every TCP socket.
const OPTIONS: [(libc::c_int, libc::c_int); 17] = [
    (libc::SOL_SOCKET, libc::SO_KEEPALIVE),
    (libc::SOL_SOCKET, libc::SO_LINGER),
    (libc::SOL_SOCKET, libc::SO_OOBINLINE),
    (libc::SOL_SOCKET, libc::SO_PRIORITY),
    (libc::SOL_SOCKET, libc::SO_MARK),
    (libc::SOL_SOCKET, libc::SO_RCVTIMEO),
    (libc::SOL_SOCKET, libc::SO_SNDTIMEO),
    (libc::SOL_SOCKET, libc::SO_REUSEADDR),
    (libc::SOL_SOCKET, libc::SO_BINDTODEVICE),
    (libc::IPPROTO_TCP, libc::TCP_NODELAY),
    (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE),
    (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL),
    (libc::IPPROTO_TCP, libc::TCP_KEEPCNT),
    (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT),
    (libc::IPPROTO_TCP, libc::TCP_SYNCNT),
    (libc::IPPROTO_TCP, libc::TCP_CONGESTION),
    (libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT),
];

/// Of these the kernel reports twice what was set.
const BUFFERS: [libc::c_int; 2] = [libc::SO_RCVBUF, libc::SO_SNDBUF];

/// Copies what differs from a new socket's: setting a buffer's size at all would end the kernel's own tuning.
fn copy_options(from: BorrowedFd<'_>, to: BorrowedFd<'_>) {
    let buffers = BUFFERS.map(|name| (libc::SOL_SOCKET, name));
    for (level, name) in OPTIONS.into_iter().chain(buffers) {
        let mut value = [0_u8; 64];
        let mut fresh = [0_u8; 64];
        let (Some(set), Some(default)) = (option(from, level, name, &mut value), option(to, level, name, &mut fresh))
        else {
            continue;
        };
        if value[..set] != fresh[..default] {
            if BUFFERS.contains(&name) && level == libc::SOL_SOCKET {
                halve(&mut value);
            }
            // SAFETY: `value` holds `set` bytes. An option that the new socket does not take is left out.
            unsafe {
                libc::setsockopt(to.as_raw_fd(), level, name, value.as_ptr().cast(), set as libc::socklen_t);
            }
        }
    }
}

fn halve(value: &mut [u8; 64]) {
    if let Some(int) = value.first_chunk_mut::<4>() {
        *int = (i32::from_ne_bytes(*int) / 2).to_ne_bytes();
    }
}

fn option(fd: BorrowedFd<'_>, level: libc::c_int, name: libc::c_int, value: &mut [u8]) -> Option<usize> {
    let mut len = value.len() as libc::socklen_t;
    // SAFETY: `value` has room for `len` bytes.
    let outcome = unsafe { real::getsockopt(fd.as_raw_fd(), level, name, value.as_mut_ptr().cast(), &raw mut len) };
    (outcome == 0).then_some((len as usize).min(value.len()))
}

/// `::` or `0.0.0.0`, and port 0.
pub(crate) fn unspecified(domain: Domain) -> SocketAddr {
    match domain {
        Domain::V6 => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
        Domain::V4 | Domain::Unix => SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0),
    }
}

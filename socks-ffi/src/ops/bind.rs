//! bind(2), listen(2) and accept(2): one incoming connection through the proxy (RFC 1928, BIND).
//!
//! BIND's connection to the proxy becomes the connection from the peer, so there is exactly one. Which use a
//! program makes of a bound socket shows only later: an address of this machine's own is bound here first, and
//! moves to the proxy when the program listens or asks for its name. So a program that binds before it connects
//! keeps its address, and one that listens gets the proxy's.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};

use rustix::io::Errno;
use socks_config::{ProxyRule, Route};
use socks_proto::TargetAddr;

use super::connect::{self, take_failure};
use super::{Decision, wait_while, wait_while_pending};
use crate::drive::{self, Readiness};
use crate::record::Phase;
use crate::sys::resolve;
use crate::sys::socket::{self, Domain};
use crate::table::{self, Held};
use crate::work::Purpose;

/// The rule that sends an address to a proxy, for a TCP socket.
fn rule(fd: BorrowedFd<'_>, addr: SocketAddr) -> Result<Option<&'static ProxyRule>, Errno> {
    if resolve::is_inside() {
        return Ok(None);
    }
    match connect::route(addr) {
        Route::Direct => Ok(None),
        _ if !socket::is_tcp(fd) => Ok(None),
        Route::Proxy(rule) => Ok(Some(rule)),
        _ => Err(Errno::ACCESS),
    }
}

/// What comes of binding; `bind_here` is libc's bind.
pub(crate) fn bind(
    fd: BorrowedFd<'_>,
    addr: SocketAddr,
    bind_here: impl FnOnce() -> Result<(), Errno>,
) -> Decision<()> {
    if let Some(record) = connect::live(fd)
        && record.phase() != Phase::Broken
    {
        return Decision::Fail(Errno::INVAL);
    }
    // Where the rules refuse an address, binding alone sends nothing yet: connect and listen ask them again.
    let Ok(Some(rule)) = rule(fd, addr) else { return Decision::Pass };
    let outcome = match bind_here() {
        Ok(()) => table::insert(fd, Phase::BoundHere, Domain::of(&addr)).map(drop),
        // The address is the proxy's: a program that got it from getsockname after a connect.
        Err(Errno::ADDRNOTAVAIL) => {
            table::insert(fd, Phase::BoundHere, Domain::of(&addr)).and_then(|record| move_to(fd, &record, rule))
        }
        Err(error) => Err(error),
    };
    outcome.into()
}

/// A socket that is bound here goes on to the proxy.
///
/// # Errors
/// What a connect to the proxy can fail with; EOPNOTSUPP where it does not know BIND.
pub(super) fn move_to_proxy(fd: BorrowedFd<'_>, record: &Held) -> Result<(), Errno> {
    let addr = socket::local_addr(fd).unwrap_or_else(|| socket::unspecified(record.domain()));
    match rule(fd, addr)? {
        Some(rule) => move_to(fd, record, rule),
        None => Ok(()),
    }
}

fn move_to(fd: BorrowedFd<'_>, record: &Held, rule: &'static ProxyRule) -> Result<(), Errno> {
    let purpose = Purpose::Bind(TargetAddr::UNSPECIFIED);
    let work = connect::work(purpose, rule, record.domain(), None);
    table::set_phase(record, Phase::Pending);
    // bind(2) never says EINPROGRESS, so this waits whatever the descriptor's flags.
    drive::start(record, fd, work);
    let error = match wait_while_pending(fd, record) {
        Ok(Phase::Bound | Phase::Arrived) => return Ok(()),
        Ok(_) => take_failure(record),
        // Nothing can be left half bound.
        Err(error) => error,
    };
    connect::give_up(fd, record);
    Err(error)
}

/// listen(2): nothing is left to do at the proxy.
pub(crate) fn listen(fd: BorrowedFd<'_>) -> Decision<()> {
    let Some(record) = connect::live(fd) else { return listen_unbound(fd) };
    match record.phase() {
        Phase::BoundHere => move_to_proxy(fd, &record).into(),
        Phase::Bound | Phase::Arrived | Phase::Spent => Decision::Done(()),
        Phase::Pending | Phase::Tunnel => Decision::Fail(Errno::INVAL),
        Phase::Failed | Phase::Broken => Decision::Fail(take_failure(&record)),
    }
}

/// Without a bind before it, listening means the wildcard address.
fn listen_unbound(fd: BorrowedFd<'_>) -> Decision<()> {
    let Some(addr) = socket::local_addr(fd).filter(|addr| addr.port() == 0) else { return Decision::Pass };
    match rule(fd, addr) {
        Ok(Some(rule)) => {
            table::insert(fd, Phase::BoundHere, Domain::of(&addr)).and_then(|record| move_to(fd, &record, rule)).into()
        }
        Ok(None) => Decision::Pass,
        Err(error) => Decision::Fail(error),
    }
}

/// A connection that was accepted, and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) fd: RawFd,
    pub(crate) peer: SocketAddr,
}

/// accept(2). The flags are those of accept4(2).
pub(crate) fn accept(fd: BorrowedFd<'_>, nonblocking: bool, cloexec: bool) -> Decision<Accepted> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    let phase = match drive::drive(&record, fd, Readiness::Unknown) {
        Phase::BoundHere => return Decision::Fail(Errno::INVAL),
        Phase::Bound | Phase::Spent => match socket::is_nonblocking(fd) {
            Ok(true) => return Decision::Fail(Errno::AGAIN),
            Ok(false) => match wait_while(fd, &record, &[Phase::Bound, Phase::Spent]) {
                Ok(phase) => phase,
                Err(error) => return Decision::Fail(error),
            },
            Err(error) => return Decision::Fail(error),
        },
        phase => phase,
    };
    match phase {
        Phase::Arrived => take(fd, &record, nonblocking, cloexec).into(),
        Phase::Failed => Decision::Fail(take_failure(&record)),
        _ => Decision::Fail(Errno::INVAL),
    }
}

/// The connection goes over to a descriptor of its own; under the listening one stands a socket that nobody
/// connects to, so that the flags of the two are not the same.
fn take(fd: BorrowedFd<'_>, record: &Held, nonblocking: bool, cloexec: bool) -> Result<Accepted, Errno> {
    let peer = record.target.get().unwrap_or_else(|| socket::unspecified(record.domain()));
    let connection = socket::duplicate(fd, cloexec)?;
    socket::replace_by_idle(fd, record.domain())?;
    table::set_phase(record, Phase::Spent);
    socket::set_nonblocking(connection.as_fd(), nonblocking)?;
    let own = table::insert(connection.as_fd(), Phase::Tunnel, record.domain())?;
    own.target.set(Some(peer));
    own.bound.set(record.bound.get());
    own.tell();
    let peer = if record.domain() == Domain::V6 { socket::mapped(peer) } else { peer };
    Ok(Accepted { fd: connection.into_raw_fd(), peer })
}

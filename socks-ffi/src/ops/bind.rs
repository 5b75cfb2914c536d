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
use super::pause::Call;
use super::{Decision, epoll};
use crate::drive::{self, Readiness};
use crate::record::Phase;
use crate::sys::resolve;
use crate::sys::socket::{self, Domain, Timeout};
use crate::table::{self, Held};
use crate::work::Purpose;

/// The rule that sends an address to a proxy, for a TCP socket.
fn rule(fd: BorrowedFd<'_>, addr: SocketAddr) -> Result<Option<&'static ProxyRule>, Errno> {
    match connect::route(addr) {
        Route::Direct => Ok(None),
        _ if !socket::is_tcp(fd)? || resolve::is_inside() => Ok(None),
        Route::Proxy(rule) => Ok(Some(rule)),
        _ => Err(Errno::ACCESS),
    }
}

/// What comes of binding; `bind_here` is libc's bind.
pub(crate) fn bind(
    call: &mut Call,
    fd: BorrowedFd<'_>,
    addr: SocketAddr,
    bind_here: impl FnOnce() -> Result<(), Errno>,
) -> Decision<()> {
    if let Some(record) = connect::live(fd)
        && !matches!(record.phase(), Phase::Broken | Phase::Fresh | Phase::Poller | Phase::Internal)
    {
        return if call.is_resumed() { follow_bind(call, fd, record) } else { Decision::Fail(Errno::INVAL) };
    }
    let rule = match rule(fd, addr) {
        Ok(None) => return Decision::Pass,
        Ok(rule) => rule,
        // Binding alone sends nothing: connect asks the rules again, and listen is refused.
        Err(_) => None,
    };
    let domain = Domain::of(&addr);
    match (bind_here(), rule) {
        (Ok(()), _) => table::enter(fd, Phase::BoundHere, domain, None).map(drop).into(),
        // The address is the proxy's: a program that got it from getsockname after a connect.
        (Err(Errno::ADDRNOTAVAIL), Some(rule)) => match start(fd, rule, domain) {
            Ok(record) => follow_bind(call, fd, record),
            Err(error) => Decision::Fail(error),
        },
        (Err(error), _) => Decision::Fail(error),
    }
}

/// Asks the proxy to listen.
fn start(fd: BorrowedFd<'_>, rule: &'static ProxyRule, domain: Domain) -> Result<Held, Errno> {
    let work = connect::work(Purpose::Bind(TargetAddr::UNSPECIFIED), rule, domain, None);
    let record = table::enter(fd, Phase::Pending, domain, Some(work))?;
    connect::take_out(fd, &record)?;
    drive::start(&record, fd);
    Ok(record)
}

/// Waits for the first reply to BIND. bind(2) never says EINPROGRESS, so this waits whatever the flags.
fn follow_bind(call: &mut Call, fd: BorrowedFd<'_>, record: Held) -> Decision<()> {
    match record.phase() {
        Phase::Pending => call.wait(fd, record, Timeout::Send, Errno::TIMEDOUT),
        Phase::Bound | Phase::Arrived => Decision::Done(()),
        _ => Decision::Fail(connect::fail(fd, &record)),
    }
}

/// A socket that is bound here goes on to the proxy: the program listens, or asks where peers can reach it.
///
/// Fails with what a connect to the proxy can fail with; EOPNOTSUPP where it does not know BIND.
pub(super) fn move_to_proxy(call: &mut Call, fd: BorrowedFd<'_>, record: Held) -> Decision<()> {
    if record.phase() != Phase::BoundHere {
        return follow_bind(call, fd, record);
    }
    let addr = socket::local_addr(fd).unwrap_or_else(|| socket::unspecified(record.domain()));
    let started = match rule(fd, addr) {
        Ok(Some(rule)) => start(fd, rule, record.domain()),
        Ok(None) => return Decision::Done(()),
        Err(error) => Err(error),
    };
    match started {
        Ok(record) => follow_bind(call, fd, record),
        Err(error) => Decision::Fail(error),
    }
}

/// listen(2): nothing is left to do at the proxy.
pub(crate) fn listen(call: &mut Call, fd: BorrowedFd<'_>) -> Decision<()> {
    let Some(record) = connect::live(fd) else { return listen_unbound(call, fd) };
    let outcome = match record.phase() {
        Phase::BoundHere => move_to_proxy(call, fd, record),
        Phase::Pending if call.is_resumed() => follow_bind(call, fd, record),
        Phase::Bound | Phase::Arrived | Phase::Accepted => Decision::Done(()),
        Phase::Pending | Phase::Tunnel => Decision::Fail(Errno::INVAL),
        Phase::Failed | Phase::Broken => Decision::Fail(take_failure(&record)),
        Phase::Fresh => return listen_unbound(call, fd),
        Phase::Poller | Phase::Internal => Decision::Pass,
    };
    if let (Decision::Done(()), Some(record)) = (&outcome, table::get(fd.as_raw_fd())) {
        record.set_listening();
    }
    outcome
}

/// Without a bind before it, listening means the wildcard address.
fn listen_unbound(call: &mut Call, fd: BorrowedFd<'_>) -> Decision<()> {
    let Some(addr) = socket::local_addr(fd).filter(|addr| addr.port() == 0) else { return Decision::Pass };
    match rule(fd, addr) {
        Ok(Some(rule)) => match start(fd, rule, Domain::of(&addr)) {
            Ok(record) => follow_bind(call, fd, record),
            Err(error) => Decision::Fail(error),
        },
        Ok(None) => Decision::Pass,
        Err(error) => Decision::Fail(error),
    }
}

/// A connect from an address that was bound: a BIND that nobody listened on is given up for it.
pub(super) fn release(fd: BorrowedFd<'_>, record: &Held) -> bool {
    if record.is_listening() {
        return false;
    }
    let Some(mut slot) = record.work.try_lock() else { return false };
    let Some(work) = slot.as_deref_mut() else { return false };
    let _ = socket::disconnect(fd);
    work.restore(fd, record.domain());
    drop(slot);
    epoll::attach(record, fd);
    connect::let_go(fd, record);
    true
}

/// A connection that was accepted, and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) fd: RawFd,
    pub(crate) peer: SocketAddr,
}

/// accept(2). The flags are those of accept4(2).
pub(crate) fn accept(call: &mut Call, fd: BorrowedFd<'_>, nonblocking: bool, cloexec: bool) -> Decision<Accepted> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    match drive::drive(&record, fd, Readiness::Unknown) {
        // Only one of those who accept gets the one connection, be they threads or forked processes.
        Phase::Arrived if table::change_phase(&record, Phase::Arrived, Phase::Accepted) => {
            // What it cannot be taken out of tells of it once more, in vain.
            let _ = epoll::follow(&record, fd, Phase::Accepted);
            if !record.kin.accept() {
                return wait_for_another(call, fd, record);
            }
            let accepted = take(fd, &record, nonblocking, cloexec);
            if accepted.is_err() {
                record.kin.put_back();
                table::set_phase(&record, Phase::Arrived);
                let _ = epoll::follow(&record, fd, Phase::Arrived);
            }
            accepted.into()
        }
        Phase::Bound | Phase::Arrived | Phase::Accepted => wait_for_another(call, fd, record),
        Phase::Failed => Decision::Fail(take_failure(&record)),
        Phase::Fresh | Phase::Poller | Phase::Internal => Decision::Pass,
        _ => Decision::Fail(Errno::INVAL),
    }
}

/// Nothing is there to be accepted now.
fn wait_for_another<T>(call: &mut Call, fd: BorrowedFd<'_>, record: Held) -> Decision<T> {
    match socket::is_nonblocking(fd) {
        Ok(true) => Decision::Fail(Errno::AGAIN),
        Ok(false) => call.wait(fd, record, Timeout::Receive, Errno::AGAIN),
        Err(error) => Decision::Fail(error),
    }
}

/// The connection goes over to a descriptor of its own; under the listening one stands a socket that nobody
/// connects to, so that the flags of the two are not the same.
fn take(fd: BorrowedFd<'_>, record: &Held, nonblocking: bool, cloexec: bool) -> Result<Accepted, Errno> {
    let peer = record.target.get().unwrap_or_else(|| socket::unspecified(record.domain()));
    let connection = socket::duplicate(fd, cloexec)?;
    let own = table::insert(connection.as_fd(), Phase::Tunnel, record.domain(), None)?;
    own.target.set(Some(peer));
    own.bound.set(record.bound.get());
    own.report_connect();
    let separated = socket::replace_by_idle(fd, record.domain())
        .and_then(|()| socket::set_nonblocking(connection.as_fd(), nonblocking));
    if let Err(error) = separated {
        table::forget(connection.as_raw_fd());
        return Err(error);
    }
    let peer = if record.domain() == Domain::V6 { socket::mapped(peer) } else { peer };
    Ok(Accepted { fd: connection.into_raw_fd(), peer })
}

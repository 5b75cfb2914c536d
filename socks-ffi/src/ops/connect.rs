//! connect(2).

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use socks_config::{ProxyRule, Route};
use socks_proto::TargetAddr;

use super::{Decision, wait_while_pending};
use crate::config;
use crate::drive::{self, Readiness};
use crate::record::Phase;
use crate::sys::resolve;
use crate::sys::socket::{self, Domain};
use crate::table::{self, Held};
use crate::work::{Purpose, Work, nanos};

/// Where the rules send a destination.
pub(super) fn route(to: SocketAddr) -> Route<'static> {
    config::get().route(SocketAddr::new(to.ip().to_canonical(), to.port()))
}

pub(crate) fn connect(fd: BorrowedFd<'_>, to: SocketAddr) -> Decision<()> {
    // A name service module connects for us; sending it through the proxy that is being looked up never ends.
    if resolve::is_inside() {
        return Decision::Pass;
    }
    if let Some(record) = live(fd)
        && let Some(outcome) = connect_again(fd, &record)
    {
        return outcome.into();
    }
    let rule = match route(to) {
        Route::Direct => {
            table::forget(fd.as_raw_fd());
            return Decision::Pass;
        }
        _ if !socket::is_tcp(fd) => return Decision::Pass,
        Route::Proxy(rule) => rule,
        // Neither a refusal nor a kind of route that is not known here may go out.
        _ => return Decision::Fail(Errno::ACCESS),
    };
    start(fd, to, rule).into()
}

/// A socket that is ours already: what a second connect says, or `None` where it may begin anew.
fn connect_again(fd: BorrowedFd<'_>, record: &Held) -> Option<Result<(), Errno>> {
    let phase = match record.phase() {
        Phase::Pending => match socket::is_nonblocking(fd) {
            Ok(true) => drive::drive(record, fd, Readiness::Unknown),
            // The kernel waits as well, for a connect that a signal had cut short.
            Ok(false) => match wait_while_pending(fd, record) {
                Ok(phase) => phase,
                Err(error) => return Some(Err(error)),
            },
            Err(error) => return Some(Err(error)),
        },
        phase => phase,
    };
    match phase {
        Phase::Pending => Some(Err(Errno::ALREADY)),
        Phase::Tunnel if record.tell() => Some(Ok(())),
        Phase::Tunnel | Phase::Bound | Phase::Arrived | Phase::Spent => Some(Err(Errno::ISCONN)),
        Phase::Failed => Some(Err(take_failure(record))),
        Phase::Broken => {
            give_up(fd, record);
            None
        }
        Phase::BoundHere => None,
    }
}

/// The error of a failed connect; the next connect may try again.
pub(super) fn take_failure(record: &Held) -> Errno {
    let error = record.take_error().unwrap_or(Errno::CONNABORTED);
    table::set_phase(record, Phase::Broken);
    error
}

fn start(fd: BorrowedFd<'_>, to: SocketAddr, rule: &'static ProxyRule) -> Result<(), Errno> {
    let flags = socket::flags(fd)?;
    let purpose = Purpose::Connect(TargetAddr::Ip(to));
    let domain = Domain::of(&to);
    let record = table::insert(fd, Phase::Pending, domain)?;
    record.target.set(Some(to));
    let phase = match drive::start(&record, fd, work(purpose, rule, domain, Some(flags))) {
        Phase::Pending if flags.contains(OFlags::NONBLOCK) => return Err(Errno::INPROGRESS),
        Phase::Pending => wait_while_pending(fd, &record)?,
        phase => phase,
    };
    match phase {
        Phase::Tunnel => {
            record.tell();
            Ok(())
        }
        _ => {
            let error = take_failure(&record);
            give_up(fd, &record);
            Err(error)
        }
    }
}

/// Lets a socket go whose connect failed: as after one of the kernel's, it may be used again.
pub(super) fn give_up(fd: BorrowedFd<'_>, record: &Held) {
    table::forget(fd.as_raw_fd());
    if record.is_engaged() {
        let _ = socket::disconnect(fd);
    }
}

/// The record of a descriptor, unless its number was closed behind our back and given to a new socket.
pub(super) fn live(fd: BorrowedFd<'_>) -> Option<Held> {
    let record = table::get(fd.as_raw_fd())?;
    if record.phase() == Phase::Tunnel && socket::is_unconnected(fd) {
        table::forget(fd.as_raw_fd());
        return None;
    }
    Some(record)
}

/// The work that a purpose needs, with the configuration's one deadline.
pub(super) fn work(purpose: Purpose, rule: &'static ProxyRule, domain: Domain, flags: Option<OFlags>) -> Box<Work> {
    Box::new(Work::new(purpose, rule, domain, flags, nanos(config::get().timeout())))
}

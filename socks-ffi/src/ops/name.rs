//! getsockname(2), getpeername(2), and of getsockopt(2) what the kernel does not know.

use std::ffi::c_int;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::pause::Call;
use super::{Decision, bind};
use crate::drive::{self, Readiness};
use crate::record::{Phase, Record};
use crate::sys::socket::{self, Domain};
use crate::table;

/// The target, not the proxy.
pub(crate) fn peer(fd: BorrowedFd<'_>) -> Decision<SocketAddr> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    match record.phase() {
        Phase::Tunnel => match record.target.get().and_then(|target| as_seen(&record, target)) {
            Some(target) => Decision::Done(target),
            None => Decision::Done(socket::unspecified(record.domain())),
        },
        Phase::BoundHere | Phase::Fresh | Phase::Poller | Phase::Internal => Decision::Pass,
        _ => Decision::Fail(Errno::NOTCONN),
    }
}

/// Where the proxy connects from, or where peers must connect to; the socket's own name where the proxy did
/// not say.
pub(crate) fn local(call: &mut Call, fd: BorrowedFd<'_>) -> Decision<SocketAddr> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    if matches!(record.phase(), Phase::Fresh | Phase::Poller | Phase::Internal) {
        return Decision::Pass;
    }
    let binding = record.phase() == Phase::BoundHere || (record.phase() == Phase::Pending && call.is_resumed());
    if binding {
        match bind::move_to_proxy(call, fd, record) {
            Decision::Wait(pause) => return Decision::Wait(pause),
            Decision::Fail(Errno::INTR) => return Decision::Fail(Errno::INTR),
            // A proxy that does not listen for others leaves the address that was bound here.
            _ => {}
        }
    } else {
        drop(record);
    }
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    let said = match record.phase() {
        Phase::Tunnel | Phase::Bound | Phase::Arrived | Phase::Accepted => record.bound.get(),
        _ => None,
    };
    if let Some(addr) = said.and_then(|addr| as_seen(&record, addr)) {
        return Decision::Done(addr);
    }
    match socket::local_addr(fd) {
        Some(addr) => Decision::Done(as_seen(&record, addr).unwrap_or_else(|| socket::unspecified(record.domain()))),
        // Another kind of socket stands there; the program's own has no name.
        None => Decision::Done(socket::unspecified(record.domain())),
    }
}

/// IPV6_V6ONLY: as the program set it on its own socket, whatever the way to the proxy needs.
pub(crate) fn v6_only(fd: BorrowedFd<'_>) -> Decision<c_int> {
    match table::get(fd.as_raw_fd()) {
        Some(record) if record.is_v6_only() => Decision::Done(1),
        Some(record) if record.domain() == Domain::V6 && !matches!(socket::domain(fd), Ok(Some(Domain::V6))) => {
            Decision::Done(0)
        }
        _ => Decision::Pass,
    }
}

/// SO_ERROR: 0 while pending, the error of a failed connect once.
pub(crate) fn error(fd: BorrowedFd<'_>) -> Decision<c_int> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    if record.phase() == Phase::Pending {
        drive::drive(&record, fd, Readiness::Unknown);
    }
    match record.phase() {
        Phase::Pending | Phase::Bound | Phase::Arrived | Phase::Accepted => Decision::Done(0),
        Phase::Failed => {
            let error = record.take_error().map_or(0, Errno::raw_os_error);
            table::set_phase(&record, Phase::Broken);
            Decision::Done(error)
        }
        Phase::Tunnel => {
            // Who asks this has learned that the connect is done.
            record.report_connect();
            Decision::Pass
        }
        Phase::Broken | Phase::BoundHere | Phase::Fresh | Phase::Poller | Phase::Internal => Decision::Pass,
    }
}

/// An address in the family of the program's socket; `None` where it has no form there.
fn as_seen(record: &Record, addr: SocketAddr) -> Option<SocketAddr> {
    match (record.domain(), addr) {
        (Domain::V6, addr) => Some(socket::mapped(addr)),
        (_, addr @ SocketAddr::V4(_)) => Some(addr),
        (_, addr) => {
            let canonical = SocketAddr::new(addr.ip().to_canonical(), addr.port());
            canonical.is_ipv4().then_some(canonical)
        }
    }
}

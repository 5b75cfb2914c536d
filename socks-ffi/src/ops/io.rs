//! read(2), write(2) and the others that move data: only to say when they may not yet.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::connect::take_failure;
use super::{Decision, wait_while_pending};
use crate::drive::{self, Readiness};
use crate::record::Phase;
use crate::sys::socket;
use crate::table;

/// Whether a descriptor that is ours lets data through. `dont_wait` is MSG_DONTWAIT.
pub(crate) fn admit<T>(fd: BorrowedFd<'_>, dont_wait: bool) -> Decision<T> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    let mut phase = record.phase();
    if phase == Phase::Pending {
        phase = drive::drive(&record, fd, Readiness::Unknown);
    }
    if phase == Phase::Pending {
        match socket::is_nonblocking(fd) {
            Ok(nonblocking) if nonblocking || dont_wait => return Decision::Fail(Errno::AGAIN),
            Ok(_) => {}
            Err(error) => return Decision::Fail(error),
        }
        phase = match wait_while_pending(fd, &record) {
            Ok(phase) => phase,
            Err(error) => return Decision::Fail(error),
        };
    }
    match phase {
        Phase::Tunnel | Phase::Broken | Phase::BoundHere => Decision::Pass,
        Phase::Failed => Decision::Fail(take_failure(&record)),
        Phase::Pending => Decision::Fail(Errno::AGAIN),
        // The stream below is the control connection to the proxy.
        Phase::Bound | Phase::Arrived | Phase::Spent => Decision::Fail(Errno::NOTCONN),
    }
}

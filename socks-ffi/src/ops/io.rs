//! read(2), write(2) and the others that move data: only to say when they may not yet.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::Decision;
use super::connect::take_failure;
use super::pause::Call;
use crate::drive::{self, Readiness};
use crate::record::Phase;
use crate::sys::socket::{self, Timeout};
use crate::table;

/// Whether a descriptor that is ours lets data through. `dont_wait` is MSG_DONTWAIT.
pub(crate) fn admit<T>(call: &mut Call, fd: BorrowedFd<'_>, dont_wait: bool, timeout: Timeout) -> Decision<T> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    let mut phase = record.phase();
    if phase == Phase::Pending {
        phase = drive::drive(&record, fd, Readiness::Unknown);
    }
    if phase == Phase::Pending {
        return match socket::is_nonblocking(fd) {
            Ok(nonblocking) if nonblocking || dont_wait => Decision::Fail(Errno::AGAIN),
            Ok(_) => call.wait(fd, record, timeout, Errno::AGAIN),
            Err(error) => Decision::Fail(error),
        };
    }
    match phase {
        Phase::Tunnel | Phase::Broken | Phase::BoundHere | Phase::Fresh | Phase::Poller | Phase::Internal => {
            Decision::Pass
        }
        Phase::Failed => Decision::Fail(take_failure(&record)),
        Phase::Pending => Decision::Fail(Errno::AGAIN),
        // The stream below is the control connection to the proxy.
        Phase::Bound | Phase::Arrived | Phase::Accepted => Decision::Fail(Errno::NOTCONN),
    }
}

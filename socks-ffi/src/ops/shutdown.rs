//! shutdown(2), of sockets that are not what the kernel thinks they are.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::Decision;
use crate::drive;
use crate::record::Phase;
use crate::table::{self, Held};

/// `reads`: whether the direction from the peer is to end, alone or with the other one.
pub(crate) fn shutdown(fd: BorrowedFd<'_>, reads: bool) -> Decision<()> {
    let Some(record) = table::get(fd.as_raw_fd()) else { return Decision::Pass };
    match record.phase() {
        // Whatever the direction, Linux gives the connect up and lets SO_ERROR tell.
        Phase::Pending => give_up(&record, fd, Errno::CONNRESET),
        // Whoever waits in accept is told, and finds that the socket listens no more.
        Phase::Bound | Phase::Arrived if !record.is_listening() => Decision::Fail(Errno::NOTCONN),
        Phase::Bound | Phase::Arrived if reads => give_up(&record, fd, Errno::INVAL),
        Phase::Bound | Phase::Arrived | Phase::Accepted => Decision::Done(()),
        // The kernel's word is right.
        _ => Decision::Pass,
    }
}

fn give_up(record: &Held, fd: BorrowedFd<'_>, error: Errno) -> Decision<()> {
    match drive::abort(record, fd, error) {
        Ok(true) => Decision::Done(()),
        // Connected or failed just now: the kernel knows.
        Ok(false) => Decision::Pass,
        Err(error) => Decision::Fail(error),
    }
}

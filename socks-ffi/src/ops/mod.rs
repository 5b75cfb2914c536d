//! What each function does, in safe Rust: `exports` turns C's pointers into references and back.

pub(crate) mod bind;
pub(crate) mod close;
pub(crate) mod connect;
pub(crate) mod io;
pub(crate) mod name;
pub(crate) mod select;
pub(crate) mod wait;

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::drive::{self, Readiness};
use crate::record::Phase;
use crate::sys::{self, signals, socket};
use crate::table::{self, Held};

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision<T> {
    /// It is done, with this value.
    Done(T),
    /// libc's function has to do it.
    Pass,
    /// It failed.
    Fail(Errno),
}

impl<T> From<Result<T, Errno>> for Decision<T> {
    fn from(outcome: Result<T, Errno>) -> Self {
        match outcome {
            Ok(value) => Self::Done(value),
            Err(error) => Self::Fail(error),
        }
    }
}

/// Waits, and moves the record on, as long as its phase is one of these.
///
/// # Errors
/// EINTR as libc's blocking calls have it; EBADF where another thread closed the descriptor.
fn wait_while(fd: BorrowedFd<'_>, record: &Held, busy: &[Phase]) -> Result<Phase, Errno> {
    loop {
        let phase = record.phase();
        if !busy.contains(&phase) {
            return Ok(phase);
        }
        let deadline = record.deadline();
        let nanos = (deadline != u64::MAX).then(|| deadline.saturating_sub(sys::now()));
        let outcome = if phase == Phase::Spent {
            // For a peer that never comes, as documented: only a signal ends it.
            socket::wait_all(&mut [], None).map(|_| PollFlags::empty())
        } else {
            socket::wait(fd, record.wants(), nanos)
        };
        match outcome {
            Ok(ready) => _ = drive::drive(record, fd, Readiness::Polled(ready)),
            Err(Errno::INTR) if signals::interrupt() => return Err(Errno::INTR),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if !table::is_current(fd.as_raw_fd(), record) {
            return Err(Errno::BADF);
        }
    }
}

/// Waits until a connect is over, one way or the other.
fn wait_while_pending(fd: BorrowedFd<'_>, record: &Held) -> Result<Phase, Errno> {
    wait_while(fd, record, &[Phase::Pending])
}

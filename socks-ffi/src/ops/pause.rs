//! Waiting for a handshake, in a call that blocks or in one that waits for many things.
//!
//! The kernel is asked for what the handshake wants at that moment. So only one of those who wait, the leader, moves
//! it on; the others look again after a while. Otherwise one of them could take the answer away, and the rest would
//! sleep on for bytes that never come. The wait itself is done by `exports`, in libc's function.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use libc::pollfd;
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::Decision;
use crate::drive::{self, Readiness};
use crate::record::{Phase, Record};
use crate::sys::socket::{self, Timeout};
use crate::sys::{self, signals};
use crate::table::{self, Held};

/// How long those who do not lead wait before they look again, in nanoseconds.
const LOOK_AGAIN: u64 = 5_000_000;

/// When who moves a record on must look at it, whatever the kernel tells: its deadline, if it is sure to be told of
/// everything else.
pub(super) fn when_to_look(record: &Record) -> u64 {
    let deadline = record.deadline();
    if record.kin.is_contested() { deadline.min(sys::now().saturating_add(LOOK_AGAIN)) } else { deadline }
}

/// One of those who wait for a record.
pub(crate) enum Waiter {
    Leader(Lead),
    Follower(Held),
}

/// The lead of a record, given back when it is dropped.
pub(crate) struct Lead(Held);

impl Drop for Lead {
    fn drop(&mut self) {
        self.0.leave_lead();
    }
}

impl Waiter {
    pub(crate) fn new(record: Held) -> Self {
        // While another thread is at it, what the handshake wants is about to change.
        let is_free = !record.work.is_taken() && !record.kin.is_elsewhere();
        if is_free && record.take_lead() { Self::Leader(Lead(record)) } else { Self::Follower(record) }
    }

    pub(crate) fn record(&self) -> &Held {
        match self {
            Self::Leader(Lead(record)) | Self::Follower(record) => record,
        }
    }

    /// What to ask the kernel for.
    pub(crate) fn events(&self) -> PollFlags {
        match self {
            Self::Leader(Lead(record)) => record.wants(),
            Self::Follower(_) => PollFlags::empty(),
        }
    }

    /// When to look again at the latest.
    pub(crate) fn until(&self) -> u64 {
        match self {
            Self::Leader(Lead(record)) => when_to_look(record),
            Self::Follower(_) => sys::now().saturating_add(LOOK_AGAIN),
        }
    }

    /// After the wait: moves the record on, if it is ours to move and there is a reason. `true`: its phase is
    /// another now, whoever changed it.
    pub(crate) fn move_on(&self, fd: BorrowedFd<'_>, ready: PollFlags, before: Phase) -> bool {
        let has_cause = match self {
            Self::Leader(Lead(record)) => !ready.is_empty() || sys::now() >= record.deadline(),
            // What another process has come to, nothing here is woken by.
            Self::Follower(record) => record.kin.is_elsewhere(),
        };
        if has_cause {
            drive::drive(self.record(), fd, Readiness::Polled(ready));
        }
        self.record().phase() != before
    }
}

/// A call of the program's, over the times that it is asked.
pub(crate) struct Call {
    begun: u64,
    resumed: bool,
    limit: Option<u64>,
}

/// How long a call waits before it asks for the program's own limit: most are over by then, and save the question.
const GRACE: u64 = 20_000_000;

/// How long after its deadline a handshake is taken for one that nobody moves on any more.
const ABANDONED: u64 = 2_000_000_000;

impl Call {
    pub(crate) fn new() -> Self {
        Self { begun: 0, resumed: false, limit: None }
    }

    /// Whether it was asked before, and waited.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    pub(crate) fn set_resumed(&mut self) {
        self.resumed = true;
    }

    /// Waits for a record to leave its phase, no longer than SO_SNDTIMEO or SO_RCVTIMEO says.
    pub(crate) fn wait<T>(&mut self, fd: BorrowedFd<'_>, record: Held, option: Timeout, late: Errno) -> Decision<T> {
        let now = sys::now();
        // Who moves it on looks at the deadline. If nobody is left to, as in a child forked meanwhile, it ends
        // here.
        if record.deadline() != u64::MAX && now > record.deadline().saturating_add(ABANDONED) {
            return Decision::Fail(Errno::TIMEDOUT);
        }
        if self.begun == 0 {
            self.begun = now;
        }
        let grace = self.begun.saturating_add(GRACE);
        if self.limit.is_none() && now >= grace {
            let timeout = socket::timeout(fd, option).unwrap_or(u64::MAX);
            self.limit = Some(self.begun.saturating_add(timeout));
        }
        match self.limit {
            Some(limit) if now >= limit => Decision::Fail(late),
            Some(limit) => Decision::Wait(Pause::new(fd, record, limit)),
            None => Decision::Wait(Pause::new(fd, record, grace)),
        }
    }
}

/// A wait that a blocking call has to do before it can go on.
pub(crate) struct Pause {
    fd: RawFd,
    asked: pollfd,
    until: u64,
    waiter: Waiter,
    before: Phase,
}

impl Pause {
    /// Until a record has left its phase. `limit` is an earlier end that the program set.
    pub(crate) fn new(fd: BorrowedFd<'_>, record: Held, limit: u64) -> Self {
        let phase = record.phase();
        let waiter = Waiter::new(record);
        // Who accepted the one peer waits for another that never comes, as documented: only a signal ends it.
        let number = if phase == Phase::Accepted { -1 } else { fd.as_raw_fd() };
        let asked = pollfd { fd: number, events: waiter.events().bits() as i16, revents: 0 };
        Self { fd: fd.as_raw_fd(), asked, until: waiter.until().min(limit), waiter, before: phase }
    }

    /// What to give to libc's poll, and the time in nanoseconds.
    pub(crate) fn ask(&mut self) -> (&mut [pollfd], Option<u64>) {
        let nanos = (self.until != u64::MAX).then(|| self.until.saturating_sub(sys::now()));
        (std::slice::from_mut(&mut self.asked), nanos)
    }

    /// What the wait came to.
    ///
    /// # Errors
    /// EINTR as libc's blocking calls have it; EBADF where another thread closed the descriptor.
    pub(crate) fn resume(self, outcome: Result<(), Errno>) -> Result<(), Errno> {
        match outcome {
            Ok(()) => {}
            Err(Errno::INTR) if signals::interrupt() => return Err(Errno::INTR),
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error),
        }
        if !table::is_current(self.fd, self.waiter.record()) {
            return Err(Errno::BADF);
        }
        // SAFETY: the table says that it is still the program's open socket; a lie is EBADF, as everywhere.
        let socket = unsafe { BorrowedFd::borrow_raw(self.fd) };
        self.waiter.move_on(socket, PollFlags::from_bits_retain(self.asked.revents as u16), self.before);
        Ok(())
    }
}

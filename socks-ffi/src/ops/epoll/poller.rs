//! The part of an epoll that is ours: an epoll inside the program's, in which pending sockets are waited for by what
//! their handshakes want, and a timer for their deadlines.
//!
//! It is made with the first pending socket. When something in it is ready, so is the program's epoll, and whichever
//! thread waits there moves the handshakes on.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::lock::TryLock;
use crate::ops::pause::when_to_look;
use crate::record::{Phase, Record};
use crate::sync::global;
use crate::sys::epoll;
use crate::sys::socket::Domain;
use crate::table::{self, Held, SLOTS};

/// Addresses that no program has, one for each record: untouched, they take no memory.
static TAGS: [AtomicU8; SLOTS] = [const { AtomicU8::new(0) }; SLOTS];

/// What the program's epoll says when ours is ready.
fn tag(number: u32) -> u64 {
    TAGS.as_ptr().addr() as u64 + u64::from(number)
}

/// Whose tag it is, by the number of a record.
pub(super) fn tagged(data: u64) -> Option<u32> {
    let number = data.checked_sub(tag(0))?;
    (number < SLOTS as u64).then_some(number as u32)
}

/// Whether there ever was one: while there was none, no epoll needs to be looked at.
pub(crate) fn is_in_use() -> bool {
    IN_USE.load(Ordering::Relaxed)
}

static IN_USE: AtomicBool = AtomicBool::new(false);

/// What ours says when its timer goes off.
pub(crate) const TIMER: u64 = u64::MAX;

global! {
    /// One is made at a time.
    static MAKING: TryLock<()> = TryLock::new(());
}

pub(crate) struct Poller {
    record: Held,
}

impl Poller {
    /// The one of an epoll, if it has one.
    pub(crate) fn of(number: RawFd) -> Option<Self> {
        let record = table::get(number)?;
        Self::from_record(record)
    }

    fn from_record(record: Held) -> Option<Self> {
        (record.phase() == Phase::Poller && record.inner() >= 0).then_some(Self { record })
    }

    /// The one whose tag an epoll told of, which is a duplicate of the one that it was made for: the library learns of
    /// it here, as nothing tells an epoll from other descriptors when it is duplicated.
    pub(super) fn adopt(number: RawFd, tagged: u32) -> Option<Self> {
        let poller = Self::from_record(table::by_number(tagged)?)?;
        table::share(&poller.record, number).ok()?;
        Some(poller)
    }

    /// The one of an epoll, made if need be.
    ///
    /// # Errors
    /// What the kernel says of a descriptor that is no epoll; EMFILE, ENOMEM.
    pub(crate) fn of_or_new(epoll: BorrowedFd<'_>) -> Result<Self, Errno> {
        let _making = MAKING.lock().ok_or(Errno::AGAIN)?;
        if let Some(known) = Self::of(epoll.as_raw_fd()) {
            return Ok(known);
        }
        let (inner, timer) = (epoll::create()?, epoll::create_timer()?);
        epoll::add(inner.as_fd(), timer.as_fd(), PollFlags::IN.bits().into(), TIMER)?;
        // Silent until its record has a number. What is no epoll is refused here.
        epoll::add(epoll, inner.as_fd(), 0, tag(0))?;
        for own in [inner.as_fd(), timer.as_fd()] {
            table::insert(own, Phase::Internal, Domain::Unix, None)?;
        }
        IN_USE.store(true, Ordering::Relaxed);
        let record = table::insert(epoll, Phase::Poller, Domain::Unix, None)?;
        if let Err(error) = epoll::modify(epoll, inner.as_fd(), PollFlags::IN.bits().into(), tag(record.number())) {
            table::forget(epoll.as_raw_fd());
            return Err(error);
        }
        // From here on they are closed with the last descriptor of the program's epoll.
        record.set_poller(inner.into_raw_fd(), timer.into_raw_fd());
        Ok(Self { record })
    }

    pub(crate) fn inner(&self) -> BorrowedFd<'_> {
        // SAFETY: open as long as the record is held.
        unsafe { BorrowedFd::borrow_raw(self.record.inner()) }
    }

    fn timer(&self) -> BorrowedFd<'_> {
        // SAFETY: open as long as the record is held.
        unsafe { BorrowedFd::borrow_raw(self.record.timer()) }
    }

    /// Waits for a socket by these events from now on.
    pub(crate) fn wait_for(&self, fd: BorrowedFd<'_>, record: &Record, events: PollFlags) -> Result<(), Errno> {
        let data = name(fd.as_raw_fd(), record);
        let events = u32::from(events.bits());
        match epoll::modify(self.inner(), fd, events, data) {
            Err(Errno::NOENT) => epoll::add(self.inner(), fd, events, data),
            outcome => outcome,
        }?;
        self.expect(when_to_look(record))
    }

    /// Waits for a socket no more.
    pub(crate) fn leave(&self, fd: BorrowedFd<'_>) {
        // It may not be in it: a descriptor that was replaced or closed left it already.
        let _ = epoll::delete(self.inner(), fd);
    }

    /// Sees to it that the deadline is noticed.
    pub(crate) fn expect(&self, deadline: u64) -> Result<(), Errno> {
        if deadline < self.record.deadline() {
            self.record.set_deadline(deadline);
            epoll::set_timer(self.timer(), deadline)?;
        }
        Ok(())
    }

    /// The timer went off: forgets what it was set to.
    pub(crate) fn clear_timer(&self) {
        epoll::clear_timer(self.timer());
        self.record.set_deadline(u64::MAX);
    }
}

/// The program is about to close, or to give to something else, a number that is one of ours: ours gets another.
///
/// An epoll goes on with what was registered by the old number, as the file behind it stays open.
pub(super) fn make_way(number: RawFd) {
    if table::get(number).is_none_or(|record| record.phase() != Phase::Internal) {
        return;
    }
    // SAFETY: the table says that it is ours and open.
    let Ok(moved) = epoll::duplicate(unsafe { BorrowedFd::borrow_raw(number) }) else { return };
    if table::insert(moved.as_fd(), Phase::Internal, Domain::Unix, None).is_err() {
        return;
    }
    let mut is_used = false;
    table::for_each(|_, record| {
        is_used |= record.phase() == Phase::Poller && record.move_poller(number, moved.as_raw_fd())
    });
    if is_used {
        let _ = moved.into_raw_fd();
    } else {
        table::forget(moved.as_raw_fd());
    }
}

/// A forked child: the thread that was making one is not there.
pub(crate) fn forget_maker() {
    MAKING.reset(());
}

/// What stands for a socket in ours: its number and the generation of its record.
fn name(fd: c_int, record: &Record) -> u64 {
    (u64::from(record.generation()) << 32) | u64::from(fd as u32)
}

/// The socket of that name, unless it was closed or is another one by now.
pub(crate) fn named(data: u64) -> Option<(RawFd, Held)> {
    let fd = data as u32 as RawFd;
    let record = table::get(fd)?;
    (u64::from(record.generation()) == data >> 32).then_some((fd, record))
}

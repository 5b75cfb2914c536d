//! epoll(7) and timerfd by raw system calls.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

/// Numbers from here on, so that a program finds the low ones as it expects them.
const OUT_OF_THE_WAY: i32 = 256;

pub(crate) fn create() -> Result<OwnedFd, Errno> {
    epoll::create(CreateFlags::CLOEXEC).map(out_of_the_way)
}

pub(crate) fn create_timer() -> Result<OwnedFd, Errno> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags).map(out_of_the_way)
}

/// A second number for one of ours: above it, so that who closes a range, from below, comes to it again.
pub(crate) fn duplicate(fd: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let above = OUT_OF_THE_WAY.max(fd.as_raw_fd().saturating_add(1));
    rustix::io::fcntl_dupfd_cloexec(fd, above).or_else(|_| rustix::io::fcntl_dupfd_cloexec(fd, OUT_OF_THE_WAY))
}

fn out_of_the_way(fd: OwnedFd) -> OwnedFd {
    // Where the limit is lower, it stays where it is.
    rustix::io::fcntl_dupfd_cloexec(&fd, OUT_OF_THE_WAY).unwrap_or(fd)
}

/// Lets a timer go off at a time of the monotonic clock, in nanoseconds; `u64::MAX` never.
pub(crate) fn set_timer(timer: BorrowedFd<'_>, at: u64) -> Result<(), Errno> {
    let at = if at == u64::MAX { 0 } else { at.max(1) };
    let it_value = Timespec { tv_sec: (at / 1_000_000_000) as i64, tv_nsec: (at % 1_000_000_000) as _ };
    let time = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
    rustix::time::timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &time).map(drop)
}

/// Takes the news that a timer went off.
pub(crate) fn clear_timer(timer: BorrowedFd<'_>) {
    let _ = rustix::io::read(timer, &mut [0_u8; 8]);
}

pub(crate) fn add(poller: BorrowedFd<'_>, fd: BorrowedFd<'_>, events: u32, data: u64) -> Result<(), Errno> {
    epoll::add(poller, fd, EventData::new_u64(data), EventFlags::from_bits_retain(events))
}

pub(crate) fn modify(poller: BorrowedFd<'_>, fd: BorrowedFd<'_>, events: u32, data: u64) -> Result<(), Errno> {
    epoll::modify(poller, fd, EventData::new_u64(data), EventFlags::from_bits_retain(events))
}

pub(crate) fn delete(poller: BorrowedFd<'_>, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    epoll::delete(poller, fd)
}

/// What is ready now, without waiting: events and data, as many as there is room for.
pub(crate) fn ready(poller: impl AsFd, room: &mut [(u32, u64)]) -> Result<usize, Errno> {
    let nothing = Event { flags: EventFlags::empty(), data: EventData::new_u64(0) };
    let mut events = [nothing; 64];
    let most = room.len().min(events.len());
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let count = epoll::wait(poller, &mut events[..most], Some(&now))?;
    for (place, event) in room.iter_mut().zip(&events[..count]) {
        // Copied out: the kernel's layout is packed.
        let (flags, data) = (event.flags, event.data);
        *place = (flags.bits(), data.u64());
    }
    Ok(count)
}

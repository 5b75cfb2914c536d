//! epoll(7), with sockets that are not what the kernel thinks they are.

mod poller;
mod watch;

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use libc::epoll_event;
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::Decision;
use super::pause::when_to_look;
use crate::debug::{About, tell_all};
use crate::drive::{self, Readiness};
use crate::record::{Phase, Record};
use crate::sys::{self, epoll};
use crate::table::{self, Held};
use poller::{Poller, TIMER, named, tagged};
pub(crate) use poller::{forget_maker, is_in_use};
pub(crate) use watch::{Operation, Watch, Watches, note};

/// Of <sys/epoll.h>: tell once, and wait to be asked anew.
const ONE_SHOT: u32 = 1 << 30;
/// Of <sys/epoll.h>: tell of changes only.
const EDGE: u32 = 1 << 31;

/// epoll_ctl(2) of a socket that is ours and not yet, or never, the kernel's to tell of.
pub(crate) fn control(epoll: BorrowedFd<'_>, op: Operation, watch: Watch) -> Decision<()> {
    let Some(record) = table::get(watch.fd) else { return Decision::Pass };
    let Some(mut watches) = record.watches.lock() else { return Decision::Fail(Errno::AGAIN) };
    // Said before the phase is looked at: who ends the phase looks here after it.
    record.set_watched(true);
    if !is_ours_to_tell(record.phase()) {
        record.set_watched(!watches.is_empty());
        return Decision::Pass;
    }
    // The kernel's own answer for a descriptor that is no epoll comes with it.
    let applied = Poller::of_or_new(epoll).and_then(|poller| {
        watch::apply(&mut watches, op, watch)?;
        Ok(poller)
    });
    record.set_watched(!watches.is_empty());
    let poller = match applied {
        Ok(poller) => poller,
        Err(error) => return Decision::Fail(error),
    };
    // SAFETY: the table says that it is the program's open socket; a lie is EBADF, as everywhere.
    let socket = unsafe { BorrowedFd::borrow_raw(watch.fd) };
    match op {
        Operation::Delete => {
            poller.leave(socket);
            Decision::Done(())
        }
        Operation::Add | Operation::Modify => {
            let shown = show(&poller, socket, &record, record.phase());
            if shown.is_err() && op == Operation::Add {
                // As if it had not been asked for.
                let _ = watch::apply(&mut watches, Operation::Delete, watch);
                record.set_watched(!watches.is_empty());
            }
            shown.into()
        }
    }
}

fn is_ours_to_tell(phase: Phase) -> bool {
    match phase {
        Phase::Pending | Phase::Bound | Phase::Arrived | Phase::Accepted => true,
        Phase::Tunnel
        | Phase::Failed
        | Phase::Broken
        | Phase::BoundHere
        | Phase::Fresh
        | Phase::Poller
        | Phase::Internal => false,
    }
}

/// Puts a socket into our epoll, by what it is waited for in this phase.
fn show(poller: &Poller, socket: BorrowedFd<'_>, record: &Record, phase: Phase) -> Result<(), Errno> {
    match phase {
        Phase::Pending | Phase::Bound => poller.wait_for(socket, record, record.wants()),
        // Ready at once, to be told of a peer that can be accepted.
        Phase::Arrived => poller.wait_for(socket, record, PollFlags::OUT),
        _ => {
            poller.leave(socket);
            Ok(())
        }
    }
}

/// A connect or a bind begins: takes the socket out of the program's epolls, before there is anything to see.
///
/// # Errors
/// What the kernel says where it leaves it in one: [`attach`] puts it back into the others.
pub(crate) fn detach(record: &Record, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    detach_number(record, fd)?;
    table::duplicates(fd.as_raw_fd()).try_for_each(|other| {
        // SAFETY: the table says that it is the program's open socket; a lie is EBADF, as everywhere.
        detach_number(record, unsafe { BorrowedFd::borrow_raw(other) })
    })
}

fn detach_number(record: &Record, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    let noted = watch::take_noted(fd.as_raw_fd());
    if noted.is_empty() {
        return Ok(());
    }
    let mut watches = record.watches.lock().ok_or(Errno::AGAIN)?;
    let mut fault = Ok(());
    for watch in noted {
        // SAFETY: a number that was an epoll; the kernel says if it is none any more.
        let epoll = unsafe { BorrowedFd::borrow_raw(watch.epoll) };
        match epoll::delete(epoll, fd) {
            Ok(()) => watches.push(watch),
            // What is stale was registered for a socket, or with an epoll, that is gone.
            Err(Errno::NOENT | Errno::BADF | Errno::INVAL) => {}
            Err(error) => {
                note(Operation::Add, watch);
                fault = Err(error);
            }
        }
    }
    record.set_watched(!watches.is_empty());
    fault
}

/// The handshake waits for something else, or a peer arrived or was accepted.
///
/// # Errors
/// What keeps one of the epolls from waiting for it; one that the program has closed does not count.
pub(crate) fn follow(record: &Record, fd: BorrowedFd<'_>, phase: Phase) -> Result<(), Errno> {
    if !record.is_watched() {
        return Ok(());
    }
    let Some(watches) = record.watches.lock() else { return Ok(()) };
    watches.iter().try_for_each(|watch| {
        // SAFETY: as in `detach`.
        let epoll = unsafe { BorrowedFd::borrow_raw(watch.epoll) };
        match Poller::of_or_new(epoll).and_then(|poller| show(&poller, watch.socket(fd), record, phase)) {
            Err(Errno::BADF | Errno::INVAL) => Ok(()),
            outcome => outcome,
        }
    })
}

/// A descriptor of a watched socket is about to be closed, while others of it live on: the kernel would go on telling
/// of it, so it is waited for under another number.
///
/// A number that is one of ours makes way.
pub(crate) fn close(number: RawFd) {
    poller::make_way(number);
    let Some(record) = table::get(number).filter(|record| record.is_watched()) else { return };
    let Some(other) = table::duplicates(number).next() else { return };
    // SAFETY: the table says that both are the program's open socket; a lie is EBADF, as everywhere.
    let (closing, other) = unsafe { (BorrowedFd::borrow_raw(number), BorrowedFd::borrow_raw(other)) };
    let Some(mut watches) = record.watches.lock() else { return };
    for watch in watches.iter_mut().filter(|watch| watch.fd == number) {
        let Some(poller) = Poller::of(watch.epoll) else { continue };
        poller.leave(closing);
        watch.fd = other.as_raw_fd();
        let _ = show(&poller, other, &record, record.phase());
    }
}

/// The connect is over: puts the socket back, and the kernel tells what there is to tell.
pub(crate) fn attach(record: &Record, fd: BorrowedFd<'_>) {
    if !record.is_watched() {
        return;
    }
    let Some(mut watches) = record.watches.lock() else { return };
    watches.retain(|&watch| !put_back(watch, record, fd));
    record.set_watched(!watches.is_empty());
}

/// Puts a socket back into an epoll of the program's; `false`: it has to be tried again.
fn put_back(watch: Watch, record: &Record, fd: BorrowedFd<'_>) -> bool {
    let socket = watch.socket(fd);
    let poller = Poller::of(watch.epoll);
    // SAFETY: as in `detach`.
    let epoll = unsafe { BorrowedFd::borrow_raw(watch.epoll) };
    let outcome = epoll::add(epoll, socket, watch.events, watch.data);
    match (outcome, poller) {
        // Without memory: it stays in ours, ready at once, so that who waits comes by to try again.
        (Err(Errno::NOMEM | Errno::NOSPC | Errno::PERM), Some(poller))
            if poller.wait_for(socket, record, PollFlags::OUT).is_ok() =>
        {
            return false;
        }
        (outcome, poller) => {
            if let Some(poller) = poller {
                poller.leave(socket);
            }
            if outcome.is_ok() {
                note(Operation::Add, watch);
            }
        }
    }
    true
}

/// What the kernel told of a program's epoll: moves handshakes on if ours is among it, and returns how many events
/// are left for the program, at the front.
pub(crate) fn digest(number: RawFd, events: &mut [epoll_event]) -> usize {
    let ours = |(place, event): (usize, &epoll_event)| tagged(event.u64).map(|tagged| (place, tagged));
    let Some((place, tagged)) = events.iter().enumerate().find_map(ours) else { return events.len() };
    events.copy_within(place + 1.., place);
    let mut left = events.len() - 1;
    let Some(poller) = Poller::of(number).or_else(|| Poller::adopt(number, tagged)) else { return left };
    let mut ready = [(0, 0); 64];
    let Ok(count) = epoll::ready(poller.inner(), &mut ready) else { return left };
    tell_all(About::Wait, || format!("epoll {number}: {count} on their way have news"));
    for &(flags, data) in &ready[..count] {
        if data == TIMER {
            give_up_late(&poller);
        } else if let Some((fd, record)) = named(data) {
            // SAFETY: the table says that it is the program's open socket; a lie is EBADF, as everywhere.
            let socket = unsafe { BorrowedFd::borrow_raw(fd) };
            move_on(&poller, socket, &record, flags);
            // Where there is no room, it is as ready the next time.
            if record.phase() == Phase::Arrived
                && let Some(place) = events.get_mut(left)
                && let Some(event) = arrived(&poller, socket, &record, number)
            {
                *place = event;
                left += 1;
            }
        }
    }
    left
}

fn move_on(poller: &Poller, socket: BorrowedFd<'_>, record: &Held, flags: u32) {
    // Another thread waits for it in poll, was woken by the same bytes, and counts on finding them.
    if record.is_led() {
        std::thread::yield_now();
        return;
    }
    let phase = drive::drive(record, socket, Readiness::Polled(PollFlags::from_bits_truncate(flags as u16)));
    if !is_ours_to_tell(phase) && record.is_watched() {
        // The kernel would not take it back before.
        attach(record, socket);
    }
    if matches!(phase, Phase::Pending | Phase::Bound) && record.kin.is_elsewhere() {
        // It stays as ready as it is until another process reads from it: leave that the time, and look again.
        sys::nap();
        let _ = poller.expect(when_to_look(record));
    }
}

/// The timer went off: every pending socket that is late is moved on, and the timer set to the next.
fn give_up_late(poller: &Poller) {
    poller.clear_timer();
    let now = sys::now();
    table::for_each(|fd, record| {
        if !matches!(record.phase(), Phase::Pending | Phase::Bound) {
            return;
        }
        if record.deadline() <= now || record.kin.is_elsewhere() {
            // SAFETY: as in `digest`.
            let socket = unsafe { BorrowedFd::borrow_raw(fd) };
            drive::drive(record, socket, Readiness::Polled(PollFlags::empty()));
        }
        if matches!(record.phase(), Phase::Pending | Phase::Bound) {
            // Where it fails, the next event of any socket sets it.
            let _ = poller.expect(when_to_look(record));
        }
    });
}

/// The event of a peer that can be accepted, as the program asked for it.
fn arrived(poller: &Poller, socket: BorrowedFd<'_>, record: &Record, number: RawFd) -> Option<epoll_event> {
    let mut watches = record.watches.lock()?;
    let asked = u32::from((PollFlags::IN | PollFlags::RDNORM).bits());
    let watch = watches.iter_mut().find(|watch| watch.epoll == number)?;
    let events = if record.kin.is_accepted() { 0 } else { watch.events & asked };
    if events == 0 || watch.spent || watch.events & (ONE_SHOT | EDGE) != 0 {
        // Not to be told again until it is asked for again.
        poller.leave(socket);
    }
    if events == 0 || std::mem::replace(&mut watch.spent, watch.events & (ONE_SHOT | EDGE) != 0) {
        return None;
    }
    Some(epoll_event { events, u64: watch.data })
}

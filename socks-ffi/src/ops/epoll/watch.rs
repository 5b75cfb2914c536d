//! What programs registered with epoll: for sockets that are ours, in place of the kernel; for all others, as a hint
//! for the connect that may come.
//!
//! Event loops register a socket before or after its connect, and then wait. While a connect is on its way, the
//! kernel must not show the connection to the proxy as the program's. So the registration is taken out of the
//! program's epoll and kept here; when the proxy has answered it is put back, and the kernel then looks at once
//! whether there is something to tell: in every mode, to whichever thread waits.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicPtr, Ordering};

use rustix::io::Errno;

use crate::lock::{Guard, TryLock};
use crate::table::SLOTS;

/// A registration: EPOLL_CTL_ADD's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) epoll: RawFd,
    pub(crate) fd: RawFd,
    pub(crate) events: u32,
    pub(crate) data: u64,
    /// Whether the program was told and must ask anew: EPOLLONESHOT, EPOLLET.
    pub(crate) spent: bool,
}

impl Watch {
    /// The socket by the number that was registered, which may be another than the one at hand.
    pub(super) fn socket<'fd>(&self, at_hand: BorrowedFd<'fd>) -> BorrowedFd<'fd> {
        if self.fd == at_hand.as_raw_fd() {
            return at_hand;
        }
        // SAFETY: `close` gives a registration another number before its own goes; a lie is EBADF.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

/// The registrations of one socket.
pub(crate) type Watches = TryLock<Vec<Watch>>;

/// By descriptor, what was registered of those that are not ours. A list is made once and kept for the number.
static HINTS: [AtomicPtr<Watches>; SLOTS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; SLOTS];

fn hints(fd: RawFd) -> Option<&'static AtomicPtr<Watches>> {
    HINTS.get(usize::try_from(fd).ok()?)
}

fn list(fd: RawFd) -> Option<Guard<'static, Vec<Watch>>> {
    let list = hints(fd)?.load(Ordering::Acquire);
    if list.is_null() {
        return None;
    }
    // SAFETY: published below by Box::into_raw and never freed.
    unsafe { &*list }.lock()
}

fn list_or_new(fd: RawFd) -> Option<Guard<'static, Vec<Watch>>> {
    let slot = hints(fd)?;
    if slot.load(Ordering::Acquire).is_null() {
        let made = Box::into_raw(Box::new(TryLock::new(Vec::new())));
        if slot.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: it was not published.
            drop(unsafe { Box::from_raw(made) });
        }
    }
    list(fd)
}

/// Notes what the kernel has taken for a descriptor that is not ours.
pub(crate) fn note(op: Operation, watch: Watch) {
    let found = match op {
        Operation::Add | Operation::Modify => list_or_new(watch.fd),
        Operation::Delete => list(watch.fd),
    };
    if let Some(mut list) = found {
        list.retain(|noted| noted.epoll != watch.epoll);
        if op != Operation::Delete {
            list.push(watch);
        }
    }
}

/// Takes what was noted of a descriptor. It may be stale: the kernel says so when it is asked to take it out.
pub(crate) fn take_noted(fd: RawFd) -> Vec<Watch> {
    list(fd).map_or_else(Vec::new, |mut list| std::mem::take(&mut *list))
}

/// EPOLLEXCLUSIVE, and what may be asked for together with it: IN, OUT, ERR, HUP, EPOLLWAKEUP and EPOLLET.
const EXCLUSIVE: u32 = 1 << 28;
const WITH_EXCLUSIVE: u32 = EXCLUSIVE
    | (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLERR | libc::EPOLLHUP | libc::EPOLLWAKEUP | libc::EPOLLET) as u32;

/// The operations of epoll_ctl(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Modify,
    Delete,
}

/// Does to a list what epoll_ctl(2) does to an epoll.
///
/// # Errors
/// EEXIST, EINVAL and ENOENT as the kernel has them.
pub(crate) fn apply(list: &mut Vec<Watch>, op: Operation, watch: Watch) -> Result<(), Errno> {
    let at = list.iter().position(|known| (known.epoll, known.fd) == (watch.epoll, watch.fd));
    let is_exclusive = watch.events & EXCLUSIVE != 0;
    match (op, at) {
        // Only few flags go with it, and it cannot be changed, nor be changed to.
        (Operation::Add, _) if is_exclusive && watch.events & !WITH_EXCLUSIVE != 0 => return Err(Errno::INVAL),
        (Operation::Modify, _) if is_exclusive => return Err(Errno::INVAL),
        (Operation::Modify, Some(at)) if list[at].events & EXCLUSIVE != 0 => return Err(Errno::INVAL),
        (Operation::Add, None) => list.push(watch),
        (Operation::Add, Some(_)) => return Err(Errno::EXIST),
        (Operation::Modify, Some(at)) => list[at] = watch,
        (Operation::Delete, Some(at)) => _ = list.swap_remove(at),
        (Operation::Modify | Operation::Delete, None) => return Err(Errno::NOENT),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(epoll: RawFd, fd: RawFd, data: u64) -> Watch {
        Watch { epoll, fd, events: 1, data, spent: false }
    }

    #[test]
    fn a_list_behaves_as_an_epoll() {
        let mut list = Vec::new();
        assert_eq!(apply(&mut list, Operation::Modify, watch(3, 4, 1)), Err(Errno::NOENT));
        assert_eq!(apply(&mut list, Operation::Add, watch(3, 4, 1)), Ok(()));
        assert_eq!(apply(&mut list, Operation::Add, watch(3, 4, 2)), Err(Errno::EXIST));
        assert_eq!(apply(&mut list, Operation::Add, watch(3, 5, 2)), Ok(()), "a duplicate of the socket");
        assert_eq!(apply(&mut list, Operation::Add, watch(6, 4, 3)), Ok(()), "a second epoll");
        assert_eq!(apply(&mut list, Operation::Modify, watch(3, 4, 7)), Ok(()));
        assert_eq!(apply(&mut list, Operation::Delete, watch(6, 4, 0)), Ok(()));
        assert_eq!(list, [watch(3, 4, 7), watch(3, 5, 2)]);
        assert_eq!(apply(&mut list, Operation::Delete, watch(6, 4, 0)), Err(Errno::NOENT));
    }

    #[test]
    fn exclusive_ones_are_as_they_were_added() {
        let mut list = Vec::new();
        let with = |events| Watch { events, ..watch(3, 4, 1) };
        assert_eq!(apply(&mut list, Operation::Add, with(EXCLUSIVE | libc::EPOLLONESHOT as u32)), Err(Errno::INVAL));
        assert_eq!(apply(&mut list, Operation::Add, with(EXCLUSIVE | libc::EPOLLOUT as u32)), Ok(()));
        assert_eq!(apply(&mut list, Operation::Modify, with(libc::EPOLLIN as u32)), Err(Errno::INVAL));
        assert_eq!(apply(&mut list, Operation::Delete, with(0)), Ok(()));
        assert_eq!(apply(&mut list, Operation::Add, with(1)), Ok(()));
        assert_eq!(apply(&mut list, Operation::Modify, with(EXCLUSIVE | 1)), Err(Errno::INVAL));
    }

    #[test]
    fn hints_are_by_descriptor_and_epoll() {
        let fd = SLOTS as RawFd - 7;
        assert!(take_noted(fd).is_empty());
        note(Operation::Delete, watch(3, fd, 0));
        note(Operation::Add, watch(3, fd, 1));
        note(Operation::Add, watch(4, fd, 2));
        note(Operation::Modify, watch(3, fd, 3));
        note(Operation::Delete, watch(4, fd, 0));
        assert_eq!(take_noted(fd), [watch(3, fd, 3)]);
        assert!(take_noted(fd).is_empty());
        assert!(take_noted(-1).is_empty() && take_noted(RawFd::MAX).is_empty());
    }
}

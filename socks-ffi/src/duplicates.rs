//! Descriptors that were duplicated while nothing was known of them.
//!
//! When one of them connects through a proxy, the others are that connection too. dup(2) itself is not the place to ask
//! whether it is about a socket at all: programs duplicate files and pipes all the time. So it only notes which numbers
//! belong together, and a connect asks the kernel which of them still name its socket.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::io::Errno;

use crate::sys::socket;
use crate::table::SLOTS;

/// By descriptor, the group that it was put into last; 0: none. Nobody is taken out when it is closed, nor does it matter
/// what a child of vfork puts in: a group says only where to look.
static GROUPS: [AtomicU32; SLOTS] = [const { AtomicU32::new(0) }; SLOTS];

/// The last group that was begun.
static LAST: AtomicU32 = AtomicU32::new(0);

/// The highest descriptor in any group.
static HIGHEST: AtomicU32 = AtomicU32::new(0);

fn group(fd: RawFd) -> Option<&'static AtomicU32> {
    GROUPS.get(usize::try_from(fd).ok()?)
}

/// `new` was made from `old`.
pub(crate) fn note(old: RawFd, new: RawFd) {
    let (Some(old_group), Some(new_group)) = (group(old), group(new)) else { return };
    let mut number = old_group.load(Ordering::Relaxed);
    if number == 0 {
        number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        old_group.store(number, Ordering::Relaxed);
    }
    new_group.store(number, Ordering::Relaxed);
    let highest = old.max(new) as u32;
    if highest > HIGHEST.load(Ordering::Relaxed) {
        HIGHEST.fetch_max(highest, Ordering::Relaxed);
    }
}

/// The other descriptors of a socket, as far as they were noted; an error for one that the kernel does not tell of. For a
/// socket that was never duplicated it is a load.
pub(crate) fn of(socket: BorrowedFd<'_>) -> impl Iterator<Item = Result<RawFd, Errno>> {
    let own = socket.as_raw_fd();
    let number = group(own).map_or(0, |group| group.load(Ordering::Relaxed));
    let (cookie, fault) = match if number == 0 { Ok(None) } else { socket::cookie(socket) } {
        Ok(cookie) => (cookie, None),
        Err(error) => (None, Some(Err(error))),
    };
    let last = if cookie.is_some() { HIGHEST.load(Ordering::Relaxed) as RawFd } else { -1 };
    let is_noted = move |fd: &RawFd| *fd != own && group(*fd).is_some_and(|at| at.load(Ordering::Relaxed) == number);
    // SAFETY: only asked what it is; a number that is not open is EBADF.
    let cookie_of = |fd| socket::cookie(unsafe { BorrowedFd::borrow_raw(fd) });
    let its = (0..=last).filter(is_noted).filter_map(move |fd| match cookie_of(fd) {
        Ok(other) => (other == cookie).then_some(Ok(fd)),
        Err(error) => Some(Err(error)),
    });
    fault.into_iter().chain(its)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn duplicates_of_a_socket_are_found_and_what_took_their_numbers_is_not() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let twin = socket.try_clone().unwrap();
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(of(socket.as_fd()).count(), 0, "nothing was noted");
        note(socket.as_raw_fd(), twin.as_raw_fd());
        // As if it had got the number of a duplicate that was closed.
        note(socket.as_raw_fd(), stranger.as_raw_fd());
        assert_eq!(of(socket.as_fd()).collect::<Vec<_>>(), [Ok(twin.as_raw_fd())]);
        assert_eq!(of(twin.as_fd()).collect::<Vec<_>>(), [Ok(socket.as_raw_fd())]);
        assert_eq!(of(stranger.as_fd()).count(), 0);
    }

    #[test]
    fn numbers_out_of_range_are_nobodys() {
        for fd in [-1, RawFd::MIN, RawFd::MAX, SLOTS as RawFd] {
            note(fd, 0);
            note(0, fd);
        }
    }
}

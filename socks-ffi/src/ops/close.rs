//! How descriptors multiply and go: dup(2), close(2) and their kin.

use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::Errno;

use super::epoll;
use crate::record::Phase;
use crate::sys::socket;
use crate::{process, table};

/// `new` was made from `old`: it shares what is known of the socket.
///
/// # Errors
/// EMFILE where the table cannot hold it; then nothing may use it.
pub(crate) fn share(old: RawFd, new: RawFd) -> Result<(), Errno> {
    match table::get(old) {
        Some(record) if old != new => table::share(&record, new),
        Some(_) => Ok(()),
        None => {
            // Whatever stood under the number before was closed by the kernel.
            table::forget(new);
            remember(old, new);
            Ok(())
        }
    }
}

/// A TCP socket that may yet be connected through a proxy: both descriptors must learn of it then.
fn remember(old: RawFd, new: RawFd) {
    // SAFETY: the caller has just duplicated it; a lie is EBADF, as everywhere.
    let socket = unsafe { BorrowedFd::borrow_raw(old) };
    let domain = socket::domain(socket).filter(|_| socket::is_tcp(socket) && socket::is_fresh(socket));
    let Some(domain) = domain.filter(|_| !process::may_be_vfork_child()) else { return };
    // Where it fails, the duplicate is none of ours: it moves data, and is not known to be the same socket.
    if let Ok(record) = table::insert(socket, Phase::Fresh, domain, None) {
        let _ = table::share(&record, new);
    }
}

/// The descriptor is about to be closed. In a child of vfork that is no news: the table is its parent's.
///
/// Before and not after: another thread may get the number the moment it is free.
pub(crate) fn forget(fd: RawFd) {
    if table::is_ours(fd) && !process::is_vfork_child() {
        epoll::close(fd);
        table::forget(fd);
    }
}

/// The descriptors of a range, both ends included, are about to be closed.
pub(crate) fn forget_range(first: u32, last: u32) {
    table::ours_in(first, last).for_each(forget);
}

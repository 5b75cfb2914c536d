//! How descriptors multiply and go: dup(2), close(2) and their kin.

use std::os::fd::RawFd;

use rustix::io::Errno;

use super::epoll;
use crate::{duplicates, process, table};

/// `new` was made from `old`, of which something is known, as perhaps of what stood under the new number before.
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
            duplicates::note(old, new);
            Ok(())
        }
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

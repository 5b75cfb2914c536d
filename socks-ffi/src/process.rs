//! Which process this is: the one whose table this memory holds, a copy of it, or a child of vfork in it.
//!
//! A child of vfork runs in its parent's memory: what it closes and dups before exec must leave the parent's
//! table alone. Neither getpid alone nor pthread_atfork can tell it from a forked child; a page that the kernel
//! wipes in forked copies can.

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

use crate::fork;

static PAGE: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

const PAGE_SIZE: usize = 4096;

/// Whether this is a child of vfork, in whose hands the table is not its own.
///
/// Only asked for descriptors that are ours: one system call.
pub(crate) fn is_vfork_child() -> bool {
    let Some(owner) = owner() else { return false };
    let pid = id();
    match owner.load(Ordering::Relaxed) {
        // A forked copy starts wiped; it owns its copy of the table.
        0 => {
            owner.store(pid, Ordering::Relaxed);
            false
        }
        known => known != pid,
    }
}

/// Remembers whose table it is, before the first entry is made.
pub(crate) fn claim() {
    // Asks the system only when nobody is known: once in a process.
    if owner().is_some_and(|owner| owner.load(Ordering::Relaxed) == 0) {
        let _ = is_vfork_child();
    }
}

/// The number of this process.
pub(crate) fn id() -> u32 {
    // Not libc's getpid: old ones remember the pid across vfork.
    rustix::process::getpid().as_raw_nonzero().get() as u32
}

fn owner() -> Option<&'static AtomicU32> {
    let page = PAGE.load(Ordering::Acquire);
    let page = if page.is_null() { map()? } else { page };
    // SAFETY: a page that is never unmapped; wiped memory is a valid AtomicU32 too.
    Some(unsafe { &*page })
}

#[cold]
fn map() -> Option<*mut AtomicU32> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh mapping touches nothing.
    let page = unsafe { mmap_anonymous(std::ptr::null_mut(), PAGE_SIZE, access, MapFlags::PRIVATE) }.ok()?;
    // SAFETY: the mapping just made, of this size.
    unsafe { madvise(page, PAGE_SIZE, Advice::LinuxWipeOnFork) }.ok()?;
    let page = page.cast::<AtomicU32>();
    match PAGE.compare_exchange(std::ptr::null_mut(), page, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            // SAFETY: the handlers are functions of a library that is never unmapped. Without memory for them, the
            // first question in a forked child claims its table.
            unsafe { libc::pthread_atfork(Some(fork::prepare), None, Some(fork::in_child)) };
            Some(page)
        }
        // Another thread was first; the spare page stays, once at the most.
        Err(first) => Some(first),
    }
}

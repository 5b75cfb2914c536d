//! Whether a process has threads, as far as its C library knows.

use std::ffi::c_char;
use std::sync::atomic::{AtomicPtr, Ordering};

/// glibc's flag, looked up when it is first asked for; it has one since 2.32.
static FLAG: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());

/// Stands for the flag where there is none: there may always be others.
static MAYBE_OTHERS: c_char = 0;

/// Whether there is no thread but this one, nor can be one until it makes one.
#[inline]
pub(crate) fn is_alone() -> bool {
    let flag = FLAG.load(Ordering::Relaxed);
    let flag = if flag.is_null() { look_up() } else { flag };
    // SAFETY: glibc's flag or ours, both of them there for the life of the process. It changes in this thread only.
    unsafe { flag.read_volatile() != 0 }
}

#[cold]
fn look_up() -> *mut c_char {
    let saved = super::errno();
    // Not in libc itself: a program that uses the flag may have taken it over.
    // SAFETY: the name ends in NUL.
    let known = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
    super::set_errno(saved);
    let flag = if known.is_null() { (&raw const MAYBE_OTHERS).cast_mut() } else { known.cast() };
    FLAG.store(flag, Ordering::Relaxed);
    flag
}

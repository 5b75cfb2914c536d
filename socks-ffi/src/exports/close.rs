//! Rclose, Rfclose, Rdup, Rdup2.

use std::ffi::c_int;

use super::{borrow, fail, guard};
use crate::ops::{self, Decision};
use crate::sys::{self, real};
use crate::table;

/// close(2).
///
/// # Safety
/// None beyond close(2), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rclose(fd: c_int) -> c_int {
    if table::is_ours(fd) {
        forget(fd);
    }
    // SAFETY: takes no pointer.
    unsafe { real::close(fd) }
}

/// fclose(3).
///
/// # Safety
/// As fclose(3): `stream` is an open stream.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rfclose(stream: *mut libc::FILE) -> c_int {
    let saved = sys::errno();
    // SAFETY: the caller's promise.
    let fd = unsafe { libc::fileno(stream) };
    // A stream without a descriptor is no error here.
    sys::set_errno(saved);
    if table::is_ours(fd) {
        forget(fd);
    }
    // SAFETY: the caller's promise.
    unsafe { real::fclose(stream) }
}

fn forget(fd: c_int) {
    guard(|| {
        ops::close::forget(fd);
        Decision::Done(())
    });
}

/// dup(2): both descriptors are the same socket, on its way to the same target.
///
/// # Safety
/// None beyond dup(2), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rdup(fd: c_int) -> c_int {
    // SAFETY: takes no pointer.
    let new = unsafe { real::dup(fd) };
    shared(fd, new)
}

/// dup2(2).
///
/// # Safety
/// None beyond dup2(2), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rdup2(old: c_int, new: c_int) -> c_int {
    // What `new` was is gone before its number names another socket, unless the call will fail.
    if old != new && table::is_ours(new) && is_open(old) {
        forget(new);
    }
    // SAFETY: takes no pointer.
    let new = unsafe { real::dup2(old, new) };
    shared(old, new)
}

fn is_open(fd: c_int) -> bool {
    borrow(fd).is_some_and(|fd| rustix::io::fcntl_getfd(fd).is_ok())
}

/// The new descriptor takes part in what is known of the old one, or does not come to be.
fn shared(old: c_int, new: c_int) -> c_int {
    if new < 0 || !(table::is_ours(old) || table::is_ours(new)) {
        return new;
    }
    match guard(|| ops::close::share(old, new).into()) {
        Decision::Done(()) | Decision::Pass | Decision::Wait(_) => new,
        Decision::Fail(error) => {
            // SAFETY: takes no pointer; the descriptor was made by us just now.
            unsafe { real::close(new) };
            fail(error)
        }
    }
}

//! Rdup, Rdup2, Rdup3, Rfcntl.

use std::ffi::c_int;

use super::{borrow, fail, guard};
use crate::ops::{self, Decision};
use crate::sys::{real, socket};
use crate::table;

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
    make_way(old, new);
    // SAFETY: takes no pointer.
    let new = unsafe { real::dup2(old, new) };
    shared(old, new)
}

/// dup3(2).
///
/// # Safety
/// None beyond dup3(2), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rdup3(old: c_int, new: c_int, flags: c_int) -> c_int {
    if flags & !libc::O_CLOEXEC == 0 {
        make_way(old, new);
    }
    // SAFETY: takes no pointer.
    let new = unsafe { real::dup3(old, new, flags) };
    shared(old, new)
}

/// fcntl(2): F_DUPFD and F_DUPFD_CLOEXEC are a dup, and all else is the kernel's.
///
/// C declares the argument with an ellipsis: an int, a pointer, or nothing. Where this library runs, such an argument
/// is passed in the same register as a third one of pointer size that is declared; what nobody passed is not looked at.
///
/// # Safety
/// As fcntl(2): the argument is what the command wants.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rfcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    // SAFETY: the caller's promise.
    let outcome = unsafe { real::fcntl(fd, command, argument) };
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => shared(fd, outcome),
        _ => outcome,
    }
}

/// What `new` was is gone before its number names another socket, unless the call will fail.
fn make_way(old: c_int, new: c_int) {
    if old != new && table::is_ours(new) && is_open(old) {
        guard(|| {
            ops::close::forget(new);
            Decision::Done(())
        });
    }
}

fn is_open(fd: c_int) -> bool {
    borrow(fd).is_some_and(|fd| rustix::io::fcntl_getfd(fd).is_ok())
}

/// The new descriptor takes part in what is known of the old one, or does not come to be.
fn shared(old: c_int, new: c_int) -> c_int {
    let is_known = table::is_ours(old) || table::is_ours(new);
    let may_become_ours = |fd| socket::is_socket(fd) && socket::is_tcp(fd);
    if new < 0 || !(is_known || borrow(new).is_some_and(may_become_ours)) {
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

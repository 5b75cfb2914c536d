//! Rclose, Rfclose, Rclose_range, Rclosefrom, Rshutdown.

use std::ffi::{c_int, c_uint};

use super::{borrow, finish, guard, run};
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

/// close_range(2).
///
/// # Safety
/// None beyond close_range(2), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rclose_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    // With CLOSE_RANGE_CLOEXEC nothing is closed yet, and with a flag that nobody knows nothing at all. With
    // CLOSE_RANGE_UNSHARE the descriptors may live on in other threads: there they go on without their names.
    if flags as c_uint & !libc::CLOSE_RANGE_UNSHARE == 0 {
        forget_range(first, last);
    }
    // SAFETY: takes no pointer.
    unsafe { real::close_range(first, last, flags) }
}

/// closefrom(3).
///
/// # Safety
/// None beyond closefrom(3), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rclosefrom(low: c_int) {
    forget_range(c_uint::try_from(low).unwrap_or(0), c_uint::MAX);
    // SAFETY: takes no pointer.
    unsafe { real::closefrom(low) }
}

fn forget_range(first: c_uint, last: c_uint) {
    guard(|| {
        ops::close::forget_range(first, last);
        Decision::Done(())
    });
}

/// shutdown(2): a socket that is on its way stops there, as one of the kernel's does.
///
/// # Safety
/// None beyond shutdown(2), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rshutdown(fd: c_int, how: c_int) -> c_int {
    // The kernel looks at `how` first.
    let is_known = matches!(how, libc::SHUT_RD | libc::SHUT_WR | libc::SHUT_RDWR);
    let decision = if is_known && table::is_ours(fd) {
        run(|_| borrow(fd).map_or(Decision::Pass, |socket| ops::shutdown::shutdown(socket, how != libc::SHUT_WR)))
    } else {
        Decision::Pass
    };
    // SAFETY: takes no pointer.
    finish(decision, || unsafe { real::shutdown(fd, how) })
}

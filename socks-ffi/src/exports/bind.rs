//! Rbind, Rlisten, Raccept, Raccept4.

use std::ffi::c_int;

use libc::{sockaddr, socklen_t};
use rustix::io::Errno;

use super::{borrow, fail, finish, run};
use crate::ops::{self, Decision};
use crate::sys::real;
use crate::{address, sys, table};

/// bind(2): where the configuration sends the address to a proxy, for one incoming connection through it.
///
/// # Safety
/// As bind(2): `addr` is null or points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rbind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    let decision = run(|call| {
        let Some(socket) = borrow(fd) else { return Decision::Pass };
        // SAFETY: the caller's promise.
        match unsafe { address::read(addr, len) } {
            // SAFETY: the caller's promise.
            Some(to) => ops::bind::bind(call, socket, to, || match unsafe { real::bind(fd, addr, len) } {
                0 => Ok(()),
                _ => Err(Errno::from_raw_os_error(sys::errno())),
            }),
            None => Decision::Pass,
        }
    });
    // SAFETY: the caller's promise.
    finish(decision, || unsafe { real::bind(fd, addr, len) })
}

/// listen(2).
///
/// # Safety
/// None beyond listen(2), which takes no pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rlisten(fd: c_int, backlog: c_int) -> c_int {
    let decision = run(|call| match borrow(fd) {
        Some(socket) => ops::bind::listen(call, socket),
        None => Decision::Pass,
    });
    // SAFETY: takes no pointer.
    finish(decision, || unsafe { real::listen(fd, backlog) })
}

/// accept(2). The connection of the one peer that came to the proxy; a second never comes.
///
/// # Safety
/// As accept(2): `addr` and `len` are null, or `len` points to the room at `addr`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Raccept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { take(fd, addr, len, 0) }
        // SAFETY: the caller's promise.
        .unwrap_or_else(|| unsafe { real::accept(fd, addr, len) })
}

/// accept4(2): as [`Raccept`].
///
/// # Safety
/// As accept4(2): `addr` and `len` are null, or `len` points to the room at `addr`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Raccept4(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { take(fd, addr, len, flags) }
        // SAFETY: the caller's promise.
        .unwrap_or_else(|| unsafe { real::accept4(fd, addr, len, flags) })
}

/// What accepting comes to; `None` where libc's has to do it.
///
/// # Safety
/// `addr` and `len` are null, or `len` points to the room at `addr`.
unsafe fn take(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> Option<c_int> {
    // The kernel looks at the flags first.
    if !table::is_ours(fd) || flags & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) != 0 {
        return None;
    }
    let (nonblocking, cloexec) = (flags & libc::SOCK_NONBLOCK != 0, flags & libc::SOCK_CLOEXEC != 0);
    let decision = run(|call| match borrow(fd) {
        Some(socket) => ops::bind::accept(call, socket, nonblocking, cloexec),
        None => Decision::Pass,
    });
    match decision {
        Decision::Done(accepted) => {
            if !addr.is_null() && !len.is_null() {
                // SAFETY: the caller's promise.
                unsafe { address::write(accepted.peer, addr, len) };
            }
            Some(accepted.fd)
        }
        Decision::Fail(error) => Some(fail(error)),
        Decision::Wait(_) => Some(fail(Errno::IO)),
        Decision::Pass => None,
    }
}

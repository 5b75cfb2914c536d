//! Rgetpeername, Rgetsockname, Rgetsockopt.

use std::ffi::{c_int, c_void};
use std::net::SocketAddr;
use std::ptr;

use libc::{sockaddr, socklen_t};
use rustix::io::Errno;

use super::{borrow, fail, guard, run};
use crate::ops::{self, Decision};
use crate::sys::real;
use crate::{address, table};

/// getpeername(2): the target, not the proxy.
///
/// # Safety
/// As getpeername(2): `len` points to the room at `addr`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgetpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    let decision =
        if table::is_ours(fd) { guard(|| borrow(fd).map_or(Decision::Pass, ops::name::peer)) } else { Decision::Pass };
    // SAFETY: the caller's promise.
    unsafe { tell(decision, addr, len, || real::getpeername(fd, addr, len)) }
}

/// getsockname(2): where the proxy connects from, or after Rbind where peers must connect to.
///
/// # Safety
/// As getsockname(2): `len` points to the room at `addr`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgetsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    let decision = if table::is_ours(fd) {
        run(|call| borrow(fd).map_or(Decision::Pass, |socket| ops::name::local(call, socket)))
    } else {
        Decision::Pass
    };
    // SAFETY: the caller's promise.
    unsafe { tell(decision, addr, len, || real::getsockname(fd, addr, len)) }
}

/// # Safety
/// `len` is null or points to the room at `addr`; `pass` is libc's function with the same arguments.
unsafe fn tell(
    decision: Decision<SocketAddr>,
    addr: *mut sockaddr,
    len: *mut socklen_t,
    pass: impl FnOnce() -> c_int,
) -> c_int {
    match decision {
        Decision::Done(_) if addr.is_null() || len.is_null() => fail(Errno::FAULT),
        // SAFETY: the caller's promise.
        Decision::Done(_) if unsafe { *len } > c_int::MAX as socklen_t => fail(Errno::INVAL),
        Decision::Done(name) => {
            // SAFETY: the caller's promise.
            unsafe { address::write(name, addr, len) };
            0
        }
        Decision::Fail(error) => fail(error),
        Decision::Wait(_) => fail(Errno::IO),
        Decision::Pass => pass(),
    }
}

/// getsockopt(2): SO_ERROR and IPV6_V6ONLY of a connect through the proxy; all else is the kernel's.
///
/// # Safety
/// As getsockopt(2): `len` points to the room at `value`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgetsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    let is_asked =
        matches!((level, name), (libc::SOL_SOCKET, libc::SO_ERROR) | (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY));
    // Telling the error takes it away, so there must be somewhere to tell it to.
    if !is_asked || !table::is_ours(fd) || value.is_null() || len.is_null() {
        // SAFETY: the caller's promise.
        return unsafe { real::getsockopt(fd, level, name, value, len) };
    }
    // SAFETY: the caller's promise, and neither is null.
    unsafe { answer(fd, level, name, value, len) }
}

/// Apart, so that what is not ours saves no registers for it.
///
/// # Safety
/// As getsockopt(2), for one of the two options that it answers, with pointers that are not null.
#[inline(never)]
unsafe fn answer(fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int {
    let answer = if level == libc::SOL_SOCKET { ops::name::error } else { ops::name::v6_only };
    match guard(|| borrow(fd).map_or(Decision::Pass, answer)) {
        Decision::Done(number) => {
            // SAFETY: the caller's promise; as much is written as there is room for.
            unsafe {
                let room = (*len as usize).min(size_of::<c_int>());
                ptr::copy_nonoverlapping((&raw const number).cast::<u8>(), value.cast::<u8>(), room);
                *len = room as socklen_t;
            }
            0
        }
        Decision::Fail(error) => fail(error),
        Decision::Wait(_) => fail(Errno::IO),
        // SAFETY: the caller's promise.
        Decision::Pass => unsafe { real::getsockopt(fd, level, name, value, len) },
    }
}

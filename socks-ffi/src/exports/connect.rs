//! Rconnect, SOCKSinit.

use std::ffi::{c_char, c_int};

use libc::{sockaddr, socklen_t};

use super::{borrow, finish, guard, is_guarded, run};
use crate::ops::{self, Decision};
use crate::sys::real;
use crate::{address, config, table};

/// connect(2): by way of the proxy that the configuration names for this destination.
///
/// # Safety
/// As connect(2): `addr` is null or points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rconnect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: the caller's promise.
    let family = unsafe { address::family(addr, len) };
    let is_watched = match family {
        Some(libc::AF_INET | libc::AF_INET6) => true,
        Some(libc::AF_UNIX) => is_guarded(),
        _ => false,
    };
    if !is_watched && !table::is_ours(fd) {
        // SAFETY: the caller's promise.
        return unsafe { real::connect(fd, addr, len) };
    }
    // SAFETY: the caller's promise.
    unsafe { connect(fd, addr, len, family) }
}

/// Apart, so that what is not ours saves no registers for it.
///
/// # Safety
/// As connect(2); `family` is that of `addr`.
#[inline(never)]
unsafe fn connect(fd: c_int, addr: *const sockaddr, len: socklen_t, family: Option<c_int>) -> c_int {
    let decision = run(|call| {
        let Some(socket) = borrow(fd) else { return Decision::Pass };
        // SAFETY: the caller's promise.
        if let Some(to) = unsafe { address::read(addr, len) } {
            return ops::connect::connect(call, socket, to);
        }
        // SAFETY: the caller's promise.
        if let Some(Err(error)) = unsafe { address::unix_path(addr, len) }.map(ops::ways::unix) {
            return Decision::Fail(error);
        }
        match family {
            Some(libc::AF_UNSPEC) => ops::connect::dissolve(socket),
            // Of a socket that is connected, or about to be, the kernel says so before it looks at the address.
            Some(_) => return ops::connect::connect_again(call, socket).unwrap_or(Decision::Pass),
            None => {}
        }
        Decision::Pass
    });
    // SAFETY: the caller's promise.
    finish(decision, || unsafe { real::connect(fd, addr, len) })
}

/// Reads the configuration now instead of at the first connect. Returns 0.
///
/// Programs call it with their name, which says nothing here.
///
/// # Safety
/// None: the argument is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn SOCKSinit(_program: *mut c_char) -> c_int {
    finish(
        guard(|| {
            config::get();
            Decision::Done(())
        }),
        || 0,
    )
}

//! Rconnect, SOCKSinit.

use std::ffi::{c_char, c_int};
use std::ptr;

use libc::{sa_family_t, sockaddr, socklen_t};

use super::{borrow, finish, guard};
use crate::ops::{self, Decision};
use crate::sys::real;
use crate::{address, config, table};

/// connect(2): by way of the proxy that the configuration names for this destination.
///
/// # Safety
/// As connect(2): `addr` is null or points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rconnect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    let decision = guard(|| {
        let Some(socket) = borrow(fd) else { return Decision::Pass };
        // SAFETY: the caller's promise.
        match unsafe { address::read(addr, len) } {
            Some(to) => ops::connect::connect(socket, to),
            None => {
                // SAFETY: the caller's promise; a family is read where there is room for one.
                if unsafe { is_unspecified(addr, len) } {
                    table::forget(fd);
                }
                Decision::Pass
            }
        }
    });
    // SAFETY: the caller's promise.
    finish(decision, || unsafe { real::connect(fd, addr, len) })
}

/// Whether the address is of AF_UNSPEC, by which a program dissolves a connection.
///
/// # Safety
/// `addr` is null or points to `len` bytes.
unsafe fn is_unspecified(addr: *const sockaddr, len: socklen_t) -> bool {
    !addr.is_null()
        && len as usize >= size_of::<sa_family_t>()
        // SAFETY: there are bytes for a family.
        && c_int::from(unsafe { ptr::read_unaligned(addr.cast::<sa_family_t>()) }) == libc::AF_UNSPEC
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

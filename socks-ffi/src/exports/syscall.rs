//! Rsyscall: system calls by their numbers, of which some must not go past this library.

use std::ffi::{c_int, c_long, c_uint};
use std::ptr;

use libc::{size_t, socklen_t};
use rustix::io::Errno;

use super::close::{Rclose, Rclose_range};
use super::connect::Rconnect;
use super::fail;
use super::io::{Rsendmmsg, Rsendmsg, Rsendto};
use crate::sys::real;

/// syscall(2). connect, sendto, sendmsg, sendmmsg, close and close_range are the functions of that name; there is no io_uring, by which sockets
/// would be connected past this library and waited for in the kernel, and programs do without it. All else is the
/// kernel's.
///
/// C declares the arguments with an ellipsis. Where this library runs, up to six of the size of a register are passed as
/// if they were declared; of those that nobody passed, the kernel looks at none.
///
/// # Safety
/// As the system call of that number.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rsyscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    match number {
        libc::SYS_io_uring_setup => fail(Errno::NOSYS).into(),
        // SAFETY: the caller's promise: a pointer, which C passed as a number.
        libc::SYS_connect => unsafe {
            Rconnect(a as c_int, ptr::with_exposed_provenance(b as usize), c as socklen_t).into()
        },
        // SAFETY: the caller's promise, as above; likewise below.
        libc::SYS_sendto => unsafe {
            let (data, to) = (ptr::with_exposed_provenance(b as usize), ptr::with_exposed_provenance(e as usize));
            Rsendto(a as c_int, data, c as size_t, d as c_int, to, f as socklen_t) as c_long
        },
        // SAFETY: as above.
        libc::SYS_sendmsg => unsafe {
            Rsendmsg(a as c_int, ptr::with_exposed_provenance(b as usize), c as c_int) as c_long
        },
        // SAFETY: as above.
        libc::SYS_sendmmsg => unsafe {
            let messages = ptr::with_exposed_provenance_mut(b as usize);
            Rsendmmsg(a as c_int, messages, c as c_uint, d as c_int).into()
        },
        // SAFETY: takes no pointer.
        libc::SYS_close => unsafe { Rclose(a as c_int).into() },
        // SAFETY: takes no pointer.
        libc::SYS_close_range => unsafe { Rclose_range(a as c_uint, b as c_uint, c as c_int).into() },
        // SAFETY: the caller's promise.
        _ => unsafe { real::syscall(number, a, b, c, d, e, f) },
    }
}

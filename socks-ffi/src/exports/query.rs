//! Rres_query and its kin, Rgetaddrinfo_a: roads to the system's resolver that no address can stand in for.

use std::ffi::{c_char, c_int, c_uchar, c_void};

use rustix::io::Errno;

use super::{fail, guard};
use crate::names;
use crate::ops::Decision;
use crate::sys::{real, resolve};

/// Whether the system's resolver may be asked by itself: not where names are the proxy's to know, or may be.
fn may_ask() -> bool {
    match guard(|| Decision::Done(names::are_local() || resolve::is_inside())) {
        Decision::Done(may) => may,
        _ => false,
    }
}

/// `NO_RECOVERY` of <netdb.h>.
const NO_RECOVERY: c_int = 3;

fn refuse() -> c_int {
    unsafe extern "C" {
        safe fn __h_errno_location() -> *mut c_int;
    }
    // SAFETY: the location is this thread's own.
    unsafe { *__h_errno_location() = NO_RECOVERY };
    fail(Errno::CONNREFUSED)
}

macro_rules! query {
    ($($(#[$doc:meta])* fn $name:ident = $real:ident($($arg:ident: $type:ty),*);)*) => {
        $(
            $(#[$doc])*
            ///
            /// With `dns remote` it fails: -1, h_errno `NO_RECOVERY`, errno ECONNREFUSED.
            ///
            /// # Safety
            /// As libc's function of this name.
            #[unsafe(no_mangle)]
            pub unsafe extern "C-unwind" fn $name($($arg: $type),*) -> c_int {
                if !may_ask() {
                    return refuse();
                }
                // SAFETY: the caller's promise.
                unsafe { real::$real($($arg),*) }
            }
        )*
    };
}

query! {
    /// res_query(3).
    fn Rres_query = res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int);
    /// res_search(3).
    fn Rres_search = res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int);
    /// res_querydomain(3).
    fn Rres_querydomain = res_querydomain(
        name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    );
    /// res_send(3).
    fn Rres_send = res_send(message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int);
    /// res_nquery(3).
    fn Rres_nquery = res_nquery(
        state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    );
    /// res_nsearch(3).
    fn Rres_nsearch = res_nsearch(
        state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    );
    /// res_nquerydomain(3).
    fn Rres_nquerydomain = res_nquerydomain(
        state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int,
        answer: *mut c_uchar, room: c_int
    );
    /// res_nsend(3).
    fn Rres_nsend = res_nsend(
        state: *mut c_void, message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int
    );
}

/// getaddrinfo_a(3). With `dns remote` it fails with `EAI_SYSTEM` and ENOSYS: it asks from a thread of its own.
///
/// # Safety
/// As getaddrinfo_a(3).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgetaddrinfo_a(
    mode: c_int,
    list: *mut *mut c_void,
    count: c_int,
    event: *mut c_void,
) -> c_int {
    if !may_ask() {
        fail(Errno::NOSYS);
        return libc::EAI_SYSTEM;
    }
    // SAFETY: the caller's promise.
    unsafe { real::getaddrinfo_a(mode, list, count, event) }
}

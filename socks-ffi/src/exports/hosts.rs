//! Rgethostbyname, Rgethostbyaddr and their kin: the functions that getaddrinfo(3) and getnameinfo(3) took the place of.

use std::ffi::{CString, c_char, c_int, c_void};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

use libc::{hostent, size_t, socklen_t};

use super::resolve::{Reverse, resolver, reverse};
use crate::names::{self, Resolver};
use crate::sys::real;

/// Of <netdb.h>, for h_errno.
const HOST_NOT_FOUND: c_int = 1;
const NO_RECOVERY: c_int = 3;
const NO_DATA: c_int = 4;

unsafe extern "C" {
    safe fn __h_errno_location() -> *mut c_int;
}

/// No host, and why.
fn none(why: c_int) -> *mut hostent {
    // SAFETY: the location is this thread's own.
    unsafe { *__h_errno_location() = why };
    ptr::null_mut()
}

/// The family that addresses standing for names are of, as libc's functions want to hear an address that is a text.
fn numeric(ip: IpAddr) -> (CString, c_int) {
    let family = if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    // An address has no NUL in it.
    (CString::new(ip.to_string()).unwrap_or_default(), family)
}

/// Puts the name that an address stands for into what libc said of the address.
///
/// # Safety
/// `host` is null or points to one that is the caller's to change.
unsafe fn name_it(host: *mut hostent, ip: IpAddr) -> *mut hostent {
    if let Some(name) = names::c_name(ip).filter(|_| !host.is_null()) {
        // SAFETY: the caller's promise. Nobody writes through the pointer.
        unsafe { (*host).h_name = name.cast_mut() };
    }
    host
}

/// gethostbyname(3): as [`Rgetaddrinfo`](super::resolve::Rgetaddrinfo), IPv4 only.
///
/// # Safety
/// As gethostbyname(3): `name` ends in NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgethostbyname(name: *const c_char) -> *mut hostent {
    // SAFETY: the caller's promise.
    match unsafe { resolver(name, || 0) } {
        // SAFETY: the caller's promise.
        Resolver::System => unsafe { real::gethostbyname(name) },
        Resolver::Nobody => none(NO_RECOVERY),
        // SAFETY: a text of our own; what libc returns is the thread's to change.
        Resolver::Address(ip) => unsafe { name_it(real::gethostbyname(numeric(ip.into()).0.as_ptr()), ip.into()) },
    }
}

/// gethostbyname2(3): as [`Rgethostbyname`]; a name that the proxy resolves has no IPv6 address.
///
/// # Safety
/// As gethostbyname2(3): `name` ends in NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgethostbyname2(name: *const c_char, family: c_int) -> *mut hostent {
    // SAFETY: the caller's promise.
    match unsafe { resolver(name, || 0) } {
        // SAFETY: the caller's promise.
        Resolver::System => unsafe { real::gethostbyname2(name, family) },
        Resolver::Nobody => none(NO_RECOVERY),
        Resolver::Address(_) if family != libc::AF_INET => none(NO_DATA),
        // SAFETY: as in Rgethostbyname.
        Resolver::Address(ip) => unsafe { name_it(real::gethostbyname(numeric(ip.into()).0.as_ptr()), ip.into()) },
    }
}

/// Where the reentrant functions put what they find.
struct Room {
    host: *mut hostent,
    buffer: *mut c_char,
    len: size_t,
    found: *mut *mut hostent,
    why: *mut c_int,
}

impl Room {
    /// # Safety
    /// The pointers are those of a caller of gethostbyname_r(3).
    unsafe fn none(&self, why: c_int) -> c_int {
        // SAFETY: the caller's promise.
        unsafe {
            *self.found = ptr::null_mut();
            *self.why = why;
        }
        0
    }

    /// # Safety
    /// As [`none`](Self::none).
    unsafe fn stand_in(&self, ip: IpAddr) -> c_int {
        let (text, family) = numeric(ip);
        let &Self { host, buffer, len, found, why } = self;
        // SAFETY: the caller's promise, and a text of our own.
        unsafe {
            let outcome = real::gethostbyname2_r(text.as_ptr(), family, host, buffer, len, found, why);
            if outcome == 0 {
                name_it(*found, ip);
            }
            outcome
        }
    }
}

/// gethostbyname_r(3): as [`Rgethostbyname`].
///
/// # Safety
/// As gethostbyname_r(3): `name` ends in NUL, there is room for `len` bytes at `buffer`, and for one value at each of the
/// other pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgethostbyname_r(
    name: *const c_char,
    host: *mut hostent,
    buffer: *mut c_char,
    len: size_t,
    found: *mut *mut hostent,
    why: *mut c_int,
) -> c_int {
    let room = Room { host, buffer, len, found, why };
    // SAFETY: the caller's promise.
    unsafe {
        match resolver(name, || 0) {
            Resolver::System => real::gethostbyname_r(name, host, buffer, len, found, why),
            Resolver::Nobody => room.none(NO_RECOVERY),
            Resolver::Address(ip) => room.stand_in(ip.into()),
        }
    }
}

/// gethostbyname2_r(3): as [`Rgethostbyname2`].
///
/// # Safety
/// As [`Rgethostbyname_r`].
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgethostbyname2_r(
    name: *const c_char,
    family: c_int,
    host: *mut hostent,
    buffer: *mut c_char,
    len: size_t,
    found: *mut *mut hostent,
    why: *mut c_int,
) -> c_int {
    let room = Room { host, buffer, len, found, why };
    // SAFETY: the caller's promise.
    unsafe {
        match resolver(name, || 0) {
            Resolver::System => real::gethostbyname2_r(name, family, host, buffer, len, found, why),
            Resolver::Nobody => room.none(NO_RECOVERY),
            Resolver::Address(_) if family != libc::AF_INET => room.none(NO_DATA),
            Resolver::Address(ip) => room.stand_in(ip.into()),
        }
    }
}

/// The address that gethostbyaddr(3) is asked about, if it is one of IPv4 or IPv6.
///
/// # Safety
/// `addr` points to `len` bytes.
unsafe fn address(addr: *const c_void, len: socklen_t, family: c_int) -> Option<IpAddr> {
    // SAFETY: the caller's promise.
    unsafe {
        match (family, len) {
            (libc::AF_INET, 4) => Some(Ipv4Addr::from(addr.cast::<[u8; 4]>().read_unaligned()).into()),
            (libc::AF_INET6, 16) => Some(Ipv6Addr::from(addr.cast::<[u8; 16]>().read_unaligned()).into()),
            _ => None,
        }
    }
}

/// gethostbyaddr(3): the name that an address stands for, as [`Rgetnameinfo`](super::resolve::Rgetnameinfo).
///
/// # Safety
/// As gethostbyaddr(3): `addr` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgethostbyaddr(addr: *const c_void, len: socklen_t, family: c_int) -> *mut hostent {
    // SAFETY: the caller's promise.
    let ip = unsafe { address(addr, len, family) };
    match ip.map(|ip| (ip, reverse(ip))) {
        Some((ip, Reverse::Name(_))) => {
            let (text, family) = numeric(ip);
            // SAFETY: a text of our own; what libc returns is the thread's to change.
            unsafe { name_it(real::gethostbyname2(text.as_ptr(), family), ip) }
        }
        Some((_, Reverse::Nobody)) => none(HOST_NOT_FOUND),
        // SAFETY: the caller's promise.
        Some((_, Reverse::System)) | None => unsafe { real::gethostbyaddr(addr, len, family) },
    }
}

/// gethostbyaddr_r(3): as [`Rgethostbyaddr`].
///
/// # Safety
/// As gethostbyaddr_r(3): `addr` points to `len` bytes, the rest is as for [`Rgethostbyname_r`].
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgethostbyaddr_r(
    addr: *const c_void,
    len: socklen_t,
    family: c_int,
    host: *mut hostent,
    buffer: *mut c_char,
    buffer_len: size_t,
    found: *mut *mut hostent,
    why: *mut c_int,
) -> c_int {
    let room = Room { host, buffer, len: buffer_len, found, why };
    // SAFETY: the caller's promise.
    unsafe {
        match address(addr, len, family).map(|ip| (ip, reverse(ip))) {
            Some((ip, Reverse::Name(_))) => room.stand_in(ip),
            Some((_, Reverse::Nobody)) => room.none(HOST_NOT_FOUND),
            Some((_, Reverse::System)) | None => {
                real::gethostbyaddr_r(addr, len, family, host, buffer, buffer_len, found, why)
            }
        }
    }
}

//! Rgetaddrinfo, Rgetnameinfo: names that the proxy resolves, by addresses that stand for them.

use std::ffi::{CStr, CString, c_char, c_int};
use std::net::{IpAddr, Ipv4Addr};
use std::ptr;

use libc::{addrinfo, sockaddr, socklen_t};

use super::guard;
use crate::names::{self, Resolver};
use crate::ops::Decision;
use crate::sys::{real, resolve};
use crate::{address, config};

/// `EAI_NODATA` of GNU: the name has no address of this family.
const NO_DATA: c_int = -5;

/// getaddrinfo(3): with `dns remote` an address that stands for the name; what needs no resolver, and what a rule keeps
/// local, as ever.
///
/// # Safety
/// As getaddrinfo(3): the texts end in NUL or are null, `hints` is null or points to one, `list` to room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgetaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    list: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: the caller's promise.
    let port = || unsafe { text(service) }.and_then(|service| std::str::from_utf8(service).ok()?.parse().ok());
    // SAFETY: the caller's promise.
    let wants_number = unsafe { hints.as_ref() }.is_some_and(|hints| hints.ai_flags & libc::AI_NUMERICHOST != 0);
    let who = match wants_number {
        // libc asks nobody then, and refuses what is a name.
        true => Resolver::System,
        // SAFETY: the caller's promise.
        false => unsafe { resolver(node, || port().unwrap_or(0)) },
    };
    match who {
        // SAFETY: the caller's promise.
        Resolver::System => unsafe { real::getaddrinfo(node, service, hints, list) },
        Resolver::Nobody => libc::EAI_FAIL,
        // SAFETY: the caller's promise.
        Resolver::Address(ip) => unsafe { stand_in(ip, service, hints, list) },
    }
}

/// Has libc make the list that it makes for an address, and puts the name in.
///
/// # Safety
/// As getaddrinfo(3).
unsafe fn stand_in(ip: Ipv4Addr, service: *const c_char, hints: *const addrinfo, list: *mut *mut addrinfo) -> c_int {
    // SAFETY: the caller's promise; where there are none, a zeroed addrinfo asks for the same.
    let mut asked = unsafe { if hints.is_null() { std::mem::zeroed() } else { *hints } };
    if asked.ai_family == libc::AF_INET6 && asked.ai_flags & libc::AI_V4MAPPED == 0 {
        return NO_DATA;
    }
    // Whether this machine has an IPv4 address says nothing about the proxy.
    asked.ai_flags = (asked.ai_flags | libc::AI_NUMERICHOST) & !libc::AI_ADDRCONFIG;
    let Ok(numeric) = CString::new(ip.to_string()) else { return libc::EAI_FAIL };
    // SAFETY: the caller's promise, and texts and hints of our own that outlive the call.
    let outcome = unsafe { real::getaddrinfo(numeric.as_ptr(), service, &raw const asked, list) };
    if outcome == 0 && asked.ai_flags & libc::AI_CANONNAME != 0 {
        // SAFETY: libc has just made the list; its first entry has the name, from malloc.
        unsafe {
            let first = *list;
            if let Some(name) = names::c_name(ip.into()).filter(|_| !(*first).ai_canonname.is_null()) {
                libc::free((*first).ai_canonname.cast());
                (*first).ai_canonname = libc::strdup(name);
            }
        }
    }
    outcome
}

/// getnameinfo(3): the name that an address stands for. No resolver is asked about what goes through a proxy.
///
/// # Safety
/// As getnameinfo(3): `addr` points to `len` bytes, each buffer is null or has room for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rgetnameinfo(
    addr: *const sockaddr,
    len: socklen_t,
    host: *mut c_char,
    host_len: socklen_t,
    service: *mut c_char,
    service_len: socklen_t,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    let ip = unsafe { address::read(addr, len) }.map(|addr| addr.ip());
    let asks_for_name = flags & libc::NI_NUMERICHOST == 0 && !host.is_null() && host_len > 0;
    let reverse = match ip.filter(|_| asks_for_name) {
        Some(ip) => reverse(ip),
        None => Reverse::System,
    };
    let flags = match reverse {
        Reverse::System => flags,
        Reverse::Name(name) => {
            // SAFETY: a name of the table ends in NUL; the caller's promise about the room.
            let fits = unsafe { put(CStr::from_ptr(name), host, host_len) };
            if !fits {
                return libc::EAI_OVERFLOW;
            }
            if service.is_null() || service_len == 0 {
                return 0;
            }
            // SAFETY: the caller's promise. Only the service is left to be told.
            return unsafe { real::getnameinfo(addr, len, ptr::null_mut(), 0, service, service_len, flags) };
        }
        Reverse::Nobody if flags & libc::NI_NAMEREQD != 0 => return libc::EAI_NONAME,
        Reverse::Nobody => flags | libc::NI_NUMERICHOST,
    };
    // SAFETY: the caller's promise.
    unsafe { real::getnameinfo(addr, len, host, host_len, service, service_len, flags) }
}

/// Who is to be asked for the name of an address.
pub(super) enum Reverse {
    System,
    Name(*const c_char),
    Nobody,
}

pub(super) fn reverse(ip: IpAddr) -> Reverse {
    let decision = guard(|| {
        if names::are_local() || resolve::is_inside() {
            return Decision::Pass;
        }
        Decision::Done(match names::c_name(ip) {
            Some(name) => Reverse::Name(name),
            None if !names::is_name(ip) && config::get().route((ip.to_canonical(), 0)).is_direct() => Reverse::System,
            None => Reverse::Nobody,
        })
    });
    match decision {
        Decision::Done(reverse) => reverse,
        Decision::Pass => Reverse::System,
        Decision::Fail(_) | Decision::Wait(_) => Reverse::Nobody,
    }
}

/// Who resolves a name; libc has to refuse a null one.
///
/// # Safety
/// `name` is null or ends in NUL.
pub(super) unsafe fn resolver(name: *const c_char, port: impl FnOnce() -> u16) -> Resolver {
    // SAFETY: the caller's promise.
    let Some(name) = (unsafe { text(name) }) else { return Resolver::System };
    match guard(|| match resolve::is_inside() {
        true => Decision::Pass,
        false => Decision::Done(names::resolver(name, port())),
    }) {
        Decision::Done(who) => who,
        Decision::Pass => Resolver::System,
        // After a panic nobody is asked.
        Decision::Fail(_) | Decision::Wait(_) => Resolver::Nobody,
    }
}

/// # Safety
/// `text` is null or ends in NUL, and stays as it is for the length of the call.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// Copies a text with its NUL. `false`: it does not fit.
///
/// # Safety
/// There is room for `len` bytes at `room`.
unsafe fn put(text: &CStr, room: *mut c_char, len: socklen_t) -> bool {
    let bytes = text.to_bytes_with_nul();
    let fits = bytes.len() <= len as usize;
    if fits {
        // SAFETY: the caller's promise, and it fits.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), room, bytes.len()) };
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_copied_whole_or_not_at_all() {
        let mut room = [7 as c_char; 8];
        // SAFETY: there is room for as much as is said.
        unsafe {
            assert!(put(c"abc", room.as_mut_ptr(), 4));
            assert_eq!(room[..5], [97, 98, 99, 0, 7]);
            assert!(!put(c"abcd", room.as_mut_ptr(), 4));
        }
        assert_eq!(room[..5], [97, 98, 99, 0, 7]);
    }
}

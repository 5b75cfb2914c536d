//! `struct sockaddr` of C, both ways.

use std::ffi::c_int;
use std::mem::{offset_of, size_of};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ptr;

use libc::{sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage, sockaddr_un, socklen_t};

/// The family of the address behind a pointer of C; `None` for what the kernel does not take at all.
///
/// # Safety
/// `addr` is null or points to `len` readable bytes.
pub(crate) unsafe fn family(addr: *const sockaddr, len: socklen_t) -> Option<c_int> {
    let len = len as usize;
    if addr.is_null() || len < size_of::<sa_family_t>() || len > size_of::<sockaddr_storage>() {
        return None;
    }
    // SAFETY: there are bytes for a family, by the caller's promise and the test above.
    Some(c_int::from(unsafe { ptr::read_unaligned(addr.cast::<sa_family_t>()) }))
}

/// The address behind a pointer of C, if it is one of IPv4 or IPv6.
///
/// # Safety
/// `addr` is null or points to `len` readable bytes.
pub(crate) unsafe fn read(addr: *const sockaddr, len: socklen_t) -> Option<SocketAddr> {
    // SAFETY: the caller's promise.
    let family = unsafe { family(addr, len) }?;
    let len = len as usize;
    match family {
        // SAFETY: as above, for a whole sockaddr_in.
        libc::AF_INET if len >= size_of::<sockaddr_in>() => Some(unsafe { read_v4(addr) }),
        // The kernel takes one without its last field too (RFC 2133).
        libc::AF_INET6 if len >= SIN6_LEN_RFC2133 => {
            // SAFETY: as above, up to the address; sin6_scope_id is not read.
            let (port, flow, octets) = unsafe {
                let v6 = addr.cast::<sockaddr_in6>();
                (
                    ptr::read_unaligned(&raw const (*v6).sin6_port),
                    ptr::read_unaligned(&raw const (*v6).sin6_flowinfo),
                    ptr::read_unaligned(&raw const (*v6).sin6_addr.s6_addr),
                )
            };
            Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(octets), u16::from_be(port), flow, 0)))
        }
        _ => None,
    }
}

/// The address behind a pointer of C that says nothing of its family: to sockets of IPv4 that send datagrams, one of
/// theirs.
///
/// # Safety
/// `addr` is null or points to `len` readable bytes.
pub(crate) unsafe fn read_bare(addr: *const sockaddr, len: socklen_t) -> Option<SocketAddr> {
    // SAFETY: the caller's promise.
    let is_bare = unsafe { family(addr, len) } == Some(libc::AF_UNSPEC) && len as usize >= size_of::<sockaddr_in>();
    // SAFETY: the caller's promise, for a whole sockaddr_in.
    is_bare.then(|| unsafe { read_v4(addr) })
}

/// # Safety
/// `addr` points to a whole sockaddr_in.
unsafe fn read_v4(addr: *const sockaddr) -> SocketAddr {
    // SAFETY: the caller's promise.
    let v4 = unsafe { ptr::read_unaligned(addr.cast::<sockaddr_in>()) };
    let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
    SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port))
}

/// The path behind a pointer of C, if it is an address of a Unix socket in the file system.
///
/// # Safety
/// `addr` is null or points to `len` bytes, which stay as they are for as long as the path is looked at.
pub(crate) unsafe fn unix_path<'a>(addr: *const sockaddr, len: socklen_t) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    if unsafe { family(addr, len) } != Some(libc::AF_UNIX) {
        return None;
    }
    let start = offset_of!(sockaddr_un, sun_path);
    let len = (len as usize).checked_sub(start)?;
    // SAFETY: the caller's promise: so many bytes follow the family.
    let path = unsafe { std::slice::from_raw_parts(addr.cast::<u8>().add(start), len) };
    let path = path.split(|octet| *octet == 0).next()?;
    (!path.is_empty()).then_some(path)
}

const SIN6_LEN_RFC2133: usize = 24;

/// Writes an address as the kernel does: as much as there is room for, and the length that it has.
///
/// # Safety
/// `len` points to the room at `addr`, which is writable so far.
pub(crate) unsafe fn write(from: SocketAddr, addr: *mut sockaddr, len: *mut socklen_t) {
    let (v4, v6);
    let (source, size): (*const u8, usize) = match from {
        SocketAddr::V4(from) => {
            v4 = sockaddr_in {
                sin_family: libc::AF_INET as sa_family_t,
                sin_port: from.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(*from.ip()).to_be() },
                sin_zero: [0; 8],
            };
            (ptr::from_ref(&v4).cast(), size_of::<sockaddr_in>())
        }
        SocketAddr::V6(from) => {
            v6 = sockaddr_in6 {
                sin6_family: libc::AF_INET6 as sa_family_t,
                sin6_port: from.port().to_be(),
                sin6_flowinfo: from.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: from.ip().octets() },
                sin6_scope_id: from.scope_id(),
            };
            (ptr::from_ref(&v6).cast(), size_of::<sockaddr_in6>())
        }
    };
    // SAFETY: the caller's promise; `source` has `size` bytes.
    unsafe {
        let room = (*len as usize).min(size);
        ptr::copy_nonoverlapping(source, addr.cast::<u8>(), room);
        *len = size as socklen_t;
    }
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use super::*;

    fn round_trip(addr: SocketAddr) -> Option<SocketAddr> {
        let mut storage = MaybeUninit::<sockaddr_storage>::zeroed();
        let mut len = size_of::<sockaddr_storage>() as socklen_t;
        // SAFETY: `storage` has room for `len` bytes, and is zeroed.
        unsafe {
            write(addr, storage.as_mut_ptr().cast(), &raw mut len);
            read(storage.as_ptr().cast(), len)
        }
    }

    #[test]
    fn addresses_come_back() {
        for text in ["127.0.0.1:80", "[::1]:443", "[::ffff:10.0.0.1]:1"] {
            let addr: SocketAddr = text.parse().expect("an address");
            assert_eq!(round_trip(addr), Some(addr));
        }
    }

    #[test]
    fn a_short_buffer_gets_what_fits_and_learns_the_length() {
        let mut room = [0xaa_u8; 32];
        let mut len = 5;
        // SAFETY: there is more room than `len` says.
        unsafe { write("[::1]:443".parse().expect("an address"), room.as_mut_ptr().cast(), &raw mut len) };
        assert_eq!(len as usize, size_of::<sockaddr_in6>());
        assert_eq!(room[5..], [0xaa; 27], "written beyond the room");
    }

    #[test]
    fn what_is_too_short_or_of_another_family_is_none() {
        let unix = sockaddr { sa_family: libc::AF_UNIX as sa_family_t, sa_data: [0; 14] };
        let inet = sockaddr { sa_family: libc::AF_INET as sa_family_t, sa_data: [0; 14] };
        // SAFETY: each pointer is null or has that many bytes behind it.
        unsafe {
            assert_eq!(read(ptr::null(), 16), None);
            assert_eq!(read(&raw const unix, 16), None);
            assert_eq!(read(&raw const inet, 1), None);
            assert_eq!(read(&raw const inet, 15), None);
            assert!(read(&raw const inet, 16).is_some());
        }
    }
}

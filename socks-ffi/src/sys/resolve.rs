//! The addresses of a proxy that is given by name.

use std::cell::Cell;
use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

use rustix::io::Errno;

use super::real;

thread_local! {
    /// Where this thread's stack was when it went into libc code that may open sockets of its own; 0 outside.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// Whether a call comes out of this library's own work and has nothing to do with the program.
pub(crate) fn is_inside() -> bool {
    let here = stack();
    INSIDE
        .try_with(|inside| {
            let entered = inside.get();
            // A program that left by siglongjmp never came back to clear it; its stack did.
            if entered != 0 && here >= entered {
                inside.set(0);
            }
            inside.get() != 0
        })
        .unwrap_or(false)
}

/// About where the stack is. It grows downwards wherever this library runs.
#[inline(never)]
fn stack() -> usize {
    let here = 0_u8;
    (&raw const here).addr()
}

/// Runs libc code whose sockets, such as those of a name service module, are not the program's.
fn inside<T>(work: impl FnOnce() -> T) -> T {
    /// Puts it back as it was, after a panic too.
    struct Outside(usize);
    impl Drop for Outside {
        fn drop(&mut self) {
            let _ = INSIDE.try_with(|inside| inside.set(self.0));
        }
    }
    let _outside = Outside(INSIDE.try_with(|inside| inside.replace(stack())).unwrap_or(0));
    work()
}

/// All addresses of a proxy's name, in the resolver's order. Waits as long as the resolver does.
pub(crate) fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    // SAFETY: a zeroed addrinfo is what getaddrinfo wants for a hint.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = ptr::null_mut();
    let outcome = inside(|| {
        // SAFETY: `name` ends in NUL, `hints` and `list` live as long as the call.
        unsafe { real::getaddrinfo(name.as_ptr(), ptr::null(), &raw const hints, &raw mut list) }
    });
    match outcome {
        0 => {}
        libc::EAI_MEMORY => return Err(Errno::NOMEM),
        _ => return Err(Errno::HOSTUNREACH),
    }
    let mut found = Vec::new();
    let mut item = list;
    while !item.is_null() {
        // SAFETY: `item` is an element of the list that getaddrinfo made; it is freed below.
        let entry = unsafe { &*item };
        if let Some(ip) = address(entry) {
            found.push(SocketAddr::new(ip, port));
        }
        item = entry.ai_next;
    }
    // SAFETY: `list` came from getaddrinfo and is not used any more.
    unsafe { real::freeaddrinfo(list) };
    if found.is_empty() { Err(Errno::HOSTUNREACH) } else { Ok(found) }
}

fn address(entry: &libc::addrinfo) -> Option<IpAddr> {
    match entry.ai_family {
        libc::AF_INET => {
            // SAFETY: an entry of this family points to a sockaddr_in.
            let addr = unsafe { ptr::read_unaligned(entry.ai_addr.cast::<libc::sockaddr_in>()) };
            Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(addr.sin_addr.s_addr))))
        }
        libc::AF_INET6 => {
            // SAFETY: an entry of this family points to a sockaddr_in6.
            let addr = unsafe { ptr::read_unaligned(entry.ai_addr.cast::<libc::sockaddr_in6>()) };
            Some(IpAddr::V6(Ipv6Addr::from(addr.sin6_addr.s6_addr)))
        }
        _ => None,
    }
}

//! libc's own functions, for what is passed through.
//!
//! Passing through libc rather than the kernel keeps what libc adds: cancellation points above all. The
//! functions are looked up in libc itself and not as "the next ones": libsockswrap may stand before or behind
//! this library in the search order.

use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{
    addrinfo, epoll_event, fd_set, hostent, iovec, loff_t, mmsghdr, msghdr, nfds_t, off_t, pollfd, sigset_t, size_t,
    sockaddr, socklen_t, ssize_t, timespec, timeval,
};

use super::elf;

/// A function of libc, looked up when any of them is first called.
pub(crate) struct Symbol {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

impl Symbol {
    const fn new(name: &'static CStr) -> Self {
        Self { name, address: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The function's address; the process ends where libc does not have it, as it would at its start.
    #[inline]
    fn address(&self) -> *mut c_void {
        let address = self.address.load(Ordering::Relaxed);
        if address.is_null() { self.look_up() } else { address }
    }

    /// Looks up all of them, once in a process: the list of loaded libraries has a lock, which in a child that was forked
    /// while another thread was in dlopen nobody gives back, and the next one may be needed just there.
    #[cold]
    fn look_up(&self) -> *mut c_void {
        let saved = super::errno();
        for symbol in ALL {
            let mut places = LIBRARIES.iter().map(|library| elf::function(library, symbol.name));
            let found = places.find(|address| !address.is_null());
            symbol.address.store(found.unwrap_or(ptr::null_mut()), Ordering::Relaxed);
        }
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            // SAFETY: both names end in NUL; libc is loaded already and is not loaded anew.
            address = unsafe {
                let libc = libc::dlopen(LIBC.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
                let scope = if libc.is_null() { libc::RTLD_NEXT } else { libc };
                libc::dlsym(scope, self.name.as_ptr())
            };
        }
        if address.is_null() {
            // From wherever else the program has it.
            // SAFETY: the name ends in NUL.
            address = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        }
        if address.is_null() {
            // SAFETY: abort has no preconditions. Going on would mean to call nothing.
            unsafe { libc::abort() }
        }
        self.address.store(address, Ordering::Relaxed);
        super::set_errno(saved);
        address
    }
}

#[cfg(target_env = "gnu")]
const LIBC: &CStr = c"libc.so.6";
#[cfg(not(target_env = "gnu"))]
const LIBC: &CStr = c"libc.so";

/// Where the functions are. Until glibc 2.34 some were in libraries of their own, which a program that calls them has
/// loaded, perhaps without one for dlsym.
const LIBRARIES: [&CStr; 3] = [LIBC, c"libresolv.so.2", c"libanl.so.1"];

macro_rules! real {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Safety
            /// As for libc's function of this name.
            #[inline]
            pub(crate) unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
                type Function = unsafe extern "C-unwind" fn($($type),*) -> $ret;
                // SAFETY: libc's function of this name has this type.
                let function: Function = unsafe { std::mem::transmute(symbols::$name.address()) };
                // SAFETY: the caller's promise.
                unsafe { function($($arg),*) }
            }
        )*

        #[allow(non_upper_case_globals, reason = "they have the functions' names")]
        mod symbols {
            use super::{CStr, Symbol};

            $(
                pub(super) static $name: Symbol = Symbol::new(
                    // The macro appends the NUL.
                    match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                        Ok(name) => name,
                        Err(_) => panic!("a name with a NUL"),
                    },
                );
            )*
        }

        static ALL: &[&Symbol] = &[$(&symbols::$name),*];
    };
}

real! {
    /// accept(2)
    fn accept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int;
    /// accept4(2)
    fn accept4(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int;
    /// bind(2)
    fn bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int;
    /// close(2)
    fn close(fd: c_int) -> c_int;
    /// close_range(2)
    fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int;
    /// closefrom(3)
    fn closefrom(low: c_int) -> ();
    /// connect(2)
    fn connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int;
    /// dup(2)
    fn dup(fd: c_int) -> c_int;
    /// dup2(2)
    fn dup2(old: c_int, new: c_int) -> c_int;
    /// dup3(2)
    fn dup3(old: c_int, new: c_int, flags: c_int) -> c_int;
    /// epoll_ctl(2)
    fn epoll_ctl(epoll: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int;
    /// epoll_pwait(2)
    fn epoll_pwait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int, mask: *const sigset_t) -> c_int;
    /// epoll_pwait2(2)
    fn epoll_pwait2(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: *const timespec, mask: *const sigset_t) -> c_int;
    /// epoll_wait(2)
    fn epoll_wait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int) -> c_int;
    /// fclose(3)
    fn fclose(stream: *mut libc::FILE) -> c_int;
    /// fcntl(2), whose argument is an int or a pointer: see `Rfcntl`
    fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int;
    /// freeaddrinfo(3)
    fn freeaddrinfo(list: *mut addrinfo) -> ();
    /// getaddrinfo(3)
    fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, list: *mut *mut addrinfo) -> c_int;
    /// gethostbyaddr(3)
    fn gethostbyaddr(addr: *const c_void, len: socklen_t, family: c_int) -> *mut hostent;
    /// gethostbyaddr_r(3)
    fn gethostbyaddr_r(addr: *const c_void, len: socklen_t, family: c_int, host: *mut hostent, buffer: *mut c_char, buffer_len: size_t, found: *mut *mut hostent, why: *mut c_int) -> c_int;
    /// gethostbyname(3)
    fn gethostbyname(name: *const c_char) -> *mut hostent;
    /// gethostbyname2(3)
    fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent;
    /// gethostbyname_r(3)
    fn gethostbyname_r(name: *const c_char, host: *mut hostent, buffer: *mut c_char, len: size_t, found: *mut *mut hostent, why: *mut c_int) -> c_int;
    /// gethostbyname2_r(3)
    fn gethostbyname2_r(name: *const c_char, family: c_int, host: *mut hostent, buffer: *mut c_char, len: size_t, found: *mut *mut hostent, why: *mut c_int) -> c_int;
    /// getaddrinfo_a(3)
    fn getaddrinfo_a(mode: c_int, list: *mut *mut c_void, count: c_int, event: *mut c_void) -> c_int;
    /// getnameinfo(3)
    fn getnameinfo(addr: *const sockaddr, len: socklen_t, host: *mut c_char, host_len: socklen_t, service: *mut c_char, service_len: socklen_t, flags: c_int) -> c_int;
    /// getpeername(2)
    fn getpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int;
    /// getsockname(2)
    fn getsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int;
    /// getsockopt(2)
    fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int;
    /// listen(2)
    fn listen(fd: c_int, backlog: c_int) -> c_int;
    /// poll(2)
    fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int;
    /// ppoll(2)
    fn ppoll(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int;
    /// preadv2(2)
    fn preadv2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t;
    /// pselect(2)
    fn pselect(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *const timespec, mask: *const sigset_t) -> c_int;
    /// pwritev2(2)
    fn pwritev2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t;
    /// read(2)
    fn read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t;
    /// readv(2)
    fn readv(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t;
    /// recv(2)
    fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t;
    /// recvfrom(2)
    fn recvfrom(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int, addr: *mut sockaddr, addr_len: *mut socklen_t) -> ssize_t;
    /// recvmmsg(2)
    fn recvmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec) -> c_int;
    /// recvmsg(2)
    fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t;
    /// res_nquery(3)
    fn res_nquery(state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// res_nquerydomain(3)
    fn res_nquerydomain(state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// res_nsearch(3)
    fn res_nsearch(state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// res_nsend(3)
    fn res_nsend(state: *mut c_void, message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// res_query(3)
    fn res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// res_querydomain(3)
    fn res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// res_search(3)
    fn res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// res_send(3)
    fn res_send(message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    /// select(2)
    fn select(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval) -> c_int;
    /// send(2)
    fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t;
    /// sendfile(2)
    fn sendfile(to: c_int, from: c_int, offset: *mut off_t, count: size_t) -> ssize_t;
    /// sendmmsg(2)
    fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int;
    /// sendmsg(2)
    fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t;
    /// sendto(2)
    fn sendto(fd: c_int, buf: *const c_void, len: size_t, flags: c_int, addr: *const sockaddr, addr_len: socklen_t) -> ssize_t;
    /// shutdown(2)
    fn shutdown(fd: c_int, how: c_int) -> c_int;
    /// splice(2)
    fn splice(from: c_int, from_offset: *mut loff_t, to: c_int, to_offset: *mut loff_t, len: size_t, flags: c_uint) -> ssize_t;
    /// syscall(2)
    fn syscall(number: c_long, a: c_long, b: c_long, c: c_long, d: c_long, e: c_long, f: c_long) -> c_long;
    /// write(2)
    fn write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t;
    /// writev(2)
    fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t;
}

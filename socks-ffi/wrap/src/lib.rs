//! libsockswrap: each libc name forwards to its R name in libsocks. Nothing else is here.
//!
//! Linked with `-lsockswrap` or preloaded by `socksify`, it makes a program that was never changed follow
//! socksrc(5). All that is known and decided is in libsocks, once, whether a program uses one or both.

// Nothing here can panic. Built to abort, as it is installed, it needs nothing of std, which would be mapped into every
// program; cargo's usual build and its tests unwind, and for that std is needed.
#![cfg_attr(all(panic = "abort", any(target_arch = "x86_64", target_arch = "aarch64")), no_std)]

use core::ffi::{c_char, c_int, c_long, c_uchar, c_uint, c_void};

use libc::{
    FILE, addrinfo, epoll_event, fd_set, hostent, iovec, loff_t, mmsghdr, msghdr, nfds_t, off_t, pollfd, sigset_t,
    size_t, sockaddr, socklen_t, ssize_t, timespec, timeval,
};

macro_rules! forward {
    ($($name:ident => $target:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        unsafe extern "C-unwind" {
            $(fn $target($($arg: $type),*) -> $ret;)*
        }

        alias! { $($name => $target($($arg: $type),*) -> $ret;)* }
    };
}

/// A second name for what is forwarded already.
///
/// A jump and not a call: a call returns once more, which after a system call costs more than all else here, and
/// leaves a frame for a cancelled thread to unwind.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! alias {
    ($($name:ident => $target:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        $(
            #[doc = concat!("Forwards to `", stringify!($target), "`.")]
            ///
            /// # Safety
            /// As libc's function of this name.
            // SAFETY: the name is libc's, to be taken; the arguments and the return address stay where they are.
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            pub unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
                #[cfg(target_arch = "x86_64")]
                core::arch::naked_asm!("jmp *{}@GOTPCREL(%rip)", sym $target, options(att_syntax));
                #[cfg(target_arch = "aarch64")]
                core::arch::naked_asm!("b {}", sym $target);
            }
        )*
    };
}

/// A second name for what is forwarded already.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
macro_rules! alias {
    ($($name:ident => $target:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        $(
            #[doc = concat!("Forwards to `", stringify!($target), "`.")]
            ///
            /// # Safety
            /// As libc's function of this name.
            #[unsafe(no_mangle)]
            pub unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
                // SAFETY: the caller's promise.
                unsafe { $target($($arg),*) }
            }
        )*
    };
}

forward! {
    accept => Raccept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int;
    accept4 => Raccept4(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int;
    bind => Rbind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int;
    close => Rclose(fd: c_int) -> c_int;
    close_range => Rclose_range(first: c_uint, last: c_uint, flags: c_int) -> c_int;
    closefrom => Rclosefrom(low: c_int) -> ();
    connect => Rconnect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int;
    dup => Rdup(fd: c_int) -> c_int;
    dup2 => Rdup2(old: c_int, new: c_int) -> c_int;
    dup3 => Rdup3(old: c_int, new: c_int, flags: c_int) -> c_int;
    epoll_ctl => Repoll_ctl(epoll: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int;
    epoll_pwait => Repoll_pwait(
        epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int, mask: *const sigset_t
    ) -> c_int;
    epoll_pwait2 => Repoll_pwait2(
        epoll: c_int, events: *mut epoll_event, most: c_int, timeout: *const timespec, mask: *const sigset_t
    ) -> c_int;
    epoll_wait => Repoll_wait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int) -> c_int;
    fclose => Rfclose(stream: *mut FILE) -> c_int;
    fcntl => Rfcntl(fd: c_int, command: c_int, argument: usize) -> c_int;
    getaddrinfo => Rgetaddrinfo(
        node: *const c_char, service: *const c_char, hints: *const addrinfo, list: *mut *mut addrinfo
    ) -> c_int;
    getaddrinfo_a => Rgetaddrinfo_a(mode: c_int, list: *mut *mut c_void, count: c_int, event: *mut c_void) -> c_int;
    gethostbyaddr => Rgethostbyaddr(addr: *const c_void, len: socklen_t, family: c_int) -> *mut hostent;
    gethostbyaddr_r => Rgethostbyaddr_r(
        addr: *const c_void, len: socklen_t, family: c_int, host: *mut hostent, buffer: *mut c_char,
        buffer_len: size_t, found: *mut *mut hostent, why: *mut c_int
    ) -> c_int;
    gethostbyname => Rgethostbyname(name: *const c_char) -> *mut hostent;
    gethostbyname2 => Rgethostbyname2(name: *const c_char, family: c_int) -> *mut hostent;
    gethostbyname2_r => Rgethostbyname2_r(
        name: *const c_char, family: c_int, host: *mut hostent, buffer: *mut c_char, len: size_t,
        found: *mut *mut hostent, why: *mut c_int
    ) -> c_int;
    gethostbyname_r => Rgethostbyname_r(
        name: *const c_char, host: *mut hostent, buffer: *mut c_char, len: size_t, found: *mut *mut hostent,
        why: *mut c_int
    ) -> c_int;
    getnameinfo => Rgetnameinfo(
        addr: *const sockaddr, len: socklen_t, host: *mut c_char, host_len: socklen_t, service: *mut c_char,
        service_len: socklen_t, flags: c_int
    ) -> c_int;
    getpeername => Rgetpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int;
    getsockname => Rgetsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int;
    getsockopt => Rgetsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int;
    listen => Rlisten(fd: c_int, backlog: c_int) -> c_int;
    poll => Rpoll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int;
    ppoll => Rppoll(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int;
    preadv2 => Rpreadv2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t;
    pselect => Rpselect(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *const timespec,
        mask: *const sigset_t
    ) -> c_int;
    pwritev2 => Rpwritev2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t;
    read => Rread(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t;
    readv => Rreadv(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t;
    recv => Rrecv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t;
    recvfrom => Rrecvfrom(
        fd: c_int, buf: *mut c_void, len: size_t, flags: c_int, addr: *mut sockaddr, addr_len: *mut socklen_t
    ) -> ssize_t;
    recvmmsg => Rrecvmmsg(
        fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec
    ) -> c_int;
    recvmsg => Rrecvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t;
    res_nquery => Rres_nquery(
        state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    ) -> c_int;
    res_nquerydomain => Rres_nquerydomain(
        state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int,
        answer: *mut c_uchar, room: c_int
    ) -> c_int;
    res_nsearch => Rres_nsearch(
        state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    ) -> c_int;
    res_nsend => Rres_nsend(
        state: *mut c_void, message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int
    ) -> c_int;
    res_query => Rres_query(
        name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    ) -> c_int;
    res_querydomain => Rres_querydomain(
        name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    ) -> c_int;
    res_search => Rres_search(
        name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
    ) -> c_int;
    res_send => Rres_send(message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int;
    select => Rselect(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval
    ) -> c_int;
    send => Rsend(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t;
    sendfile => Rsendfile(to: c_int, from: c_int, offset: *mut off_t, count: size_t) -> ssize_t;
    sendmmsg => Rsendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int;
    sendmsg => Rsendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t;
    sendto => Rsendto(
        fd: c_int, buf: *const c_void, len: size_t, flags: c_int, addr: *const sockaddr, addr_len: socklen_t
    ) -> ssize_t;
    shutdown => Rshutdown(fd: c_int, how: c_int) -> c_int;
    splice => Rsplice(
        from: c_int, from_offset: *mut loff_t, to: c_int, to_offset: *mut loff_t, len: size_t, flags: c_uint
    ) -> ssize_t;
    syscall => Rsyscall(
        number: c_long, a: c_long, b: c_long, c: c_long, d: c_long, e: c_long, f: c_long
    ) -> c_long;
    write => Rwrite(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t;
    writev => Rwritev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t;
}

/// The names that glibc's headers use where files may be large: the same functions on the systems of 64 bits that this
/// library is for.
// Private, so that rustdoc does not list names which nobody calls.
#[allow(unreachable_pub)]
mod large {
    use super::{Rfcntl, Rpreadv2, Rpwritev2, Rsendfile, c_int, iovec, off_t, size_t, ssize_t};

    alias! {
        fcntl64 => Rfcntl(fd: c_int, command: c_int, argument: usize) -> c_int;
        preadv64v2 => Rpreadv2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t;
        pwritev64v2 => Rpwritev2(fd: c_int, parts: *const iovec, count: c_int, offset: off_t, flags: c_int) -> ssize_t;
        sendfile64 => Rsendfile(to: c_int, from: c_int, offset: *mut off_t, count: size_t) -> ssize_t;
    }
}

/// The names that glibc's <resolv.h> had for them before 2.34.
#[cfg(target_env = "gnu")]
// Private, so that rustdoc does not list names which nobody calls.
#[allow(unreachable_pub)]
mod resolver {
    use super::{
        Rres_nquery, Rres_nquerydomain, Rres_nsearch, Rres_nsend, Rres_query, Rres_querydomain, Rres_search, Rres_send,
        c_char, c_int, c_uchar, c_void,
    };

    alias! {
        __res_nquery => Rres_nquery(
            state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
        ) -> c_int;
        __res_nquerydomain => Rres_nquerydomain(
            state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int,
            answer: *mut c_uchar, room: c_int
        ) -> c_int;
        __res_nsearch => Rres_nsearch(
            state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
        ) -> c_int;
        __res_nsend => Rres_nsend(
            state: *mut c_void, message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int
        ) -> c_int;
        __res_query => Rres_query(
            name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
        ) -> c_int;
        __res_querydomain => Rres_querydomain(
            name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
        ) -> c_int;
        __res_search => Rres_search(
            name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int
        ) -> c_int;
        __res_send => Rres_send(
            message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int
        ) -> c_int;
    }
}

/// The names that glibc's headers use under `_FORTIFY_SOURCE`: with the size of the buffer, to be checked first.
#[cfg(target_env = "gnu")]
// Private, so that rustdoc does not list names which nobody calls.
#[allow(unreachable_pub)]
mod fortified {
    use super::{
        Rpoll, Rppoll, Rread, Rrecv, Rrecvfrom, c_int, c_void, nfds_t, pollfd, sigset_t, size_t, sockaddr, socklen_t,
        ssize_t, timespec,
    };

    unsafe extern "C" {
        /// glibc's end of a program that overflows a buffer.
        safe fn __chk_fail() -> !;
    }

    fn check(len: size_t, room: size_t) {
        if len > room {
            __chk_fail();
        }
    }

    /// Checks the buffer and forwards to `Rpoll`.
    ///
    /// # Safety
    /// As poll(2).
    #[unsafe(no_mangle)]
    pub unsafe extern "C-unwind" fn __poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, room: size_t) -> c_int {
        check(count as size_t, room / size_of::<pollfd>());
        // SAFETY: the caller's promise.
        unsafe { Rpoll(fds, count, timeout) }
    }

    /// Checks the buffer and forwards to `Rppoll`.
    ///
    /// # Safety
    /// As ppoll(2).
    #[unsafe(no_mangle)]
    pub unsafe extern "C-unwind" fn __ppoll_chk(
        fds: *mut pollfd,
        count: nfds_t,
        timeout: *const timespec,
        mask: *const sigset_t,
        room: size_t,
    ) -> c_int {
        check(count as size_t, room / size_of::<pollfd>());
        // SAFETY: the caller's promise.
        unsafe { Rppoll(fds, count, timeout, mask) }
    }

    /// Checks the buffer and forwards to `Rread`.
    ///
    /// # Safety
    /// As read(2).
    #[unsafe(no_mangle)]
    pub unsafe extern "C-unwind" fn __read_chk(fd: c_int, buf: *mut c_void, len: size_t, room: size_t) -> ssize_t {
        check(len, room);
        // SAFETY: the caller's promise.
        unsafe { Rread(fd, buf, len) }
    }

    /// Checks the buffer and forwards to `Rrecv`.
    ///
    /// # Safety
    /// As recv(2).
    #[unsafe(no_mangle)]
    pub unsafe extern "C-unwind" fn __recv_chk(
        fd: c_int,
        buf: *mut c_void,
        len: size_t,
        room: size_t,
        flags: c_int,
    ) -> ssize_t {
        check(len, room);
        // SAFETY: the caller's promise.
        unsafe { Rrecv(fd, buf, len, flags) }
    }

    /// Checks the buffer and forwards to `Rrecvfrom`.
    ///
    /// # Safety
    /// As recvfrom(2).
    #[unsafe(no_mangle)]
    pub unsafe extern "C-unwind" fn __recvfrom_chk(
        fd: c_int,
        buf: *mut c_void,
        len: size_t,
        room: size_t,
        flags: c_int,
        addr: *mut sockaddr,
        addr_len: *mut socklen_t,
    ) -> ssize_t {
        check(len, room);
        // SAFETY: the caller's promise.
        unsafe { Rrecvfrom(fd, buf, len, flags, addr, addr_len) }
    }
}

/// What the compiler asks for where there is no std.
#[cfg(all(panic = "abort", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod without_std {
    use core::arch::global_asm;
    use core::panic::PanicInfo;

    /// Loads the result `_URC_CONTINUE_UNWIND`.
    #[cfg(target_arch = "x86_64")]
    macro_rules! continue_unwinding {
        () => {
            "mov eax, 8"
        };
    }
    #[cfg(target_arch = "aarch64")]
    macro_rules! continue_unwinding {
        () => {
            "mov w0, #8"
        };
    }

    // Asked when a cancelled thread unwinds a frame of the few functions here that are no jumps: it has nothing to clean
    // up. Hidden, since a Rust program around this library may have the real one.
    global_asm!(
        ".hidden rust_eh_personality",
        ".globl rust_eh_personality",
        "rust_eh_personality:",
        continue_unwinding!(),
        "ret"
    );

    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        unsafe extern "C" {
            safe fn abort() -> !;
        }
        abort()
    }
}

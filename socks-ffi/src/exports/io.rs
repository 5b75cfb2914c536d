//! Rread, Rwrite and their kin: libc's, once the connection is made.

use std::ffi::{c_int, c_uint, c_void};

use libc::{iovec, loff_t, mmsghdr, msghdr, off_t, size_t, sockaddr, socklen_t, ssize_t, timespec};
use rustix::io::Errno;

use super::{borrow, fail, guard, is_guarded, run};
use crate::ops::{self, Decision};
use crate::sys::real;
use crate::sys::socket::{self, Domain, Timeout};
use crate::{address, table};

/// Whether data may go; else why not.
#[inline]
fn admit(fd: c_int, flags: c_int, timeout: Timeout) -> Result<(), Errno> {
    if table::is_through(fd) { Ok(()) } else { wait_or_fail(fd, flags, timeout) }
}

/// Apart, so that what is not ours saves no registers for it.
#[inline(never)]
fn wait_or_fail(fd: c_int, flags: c_int, timeout: Timeout) -> Result<(), Errno> {
    let dont_wait = flags & libc::MSG_DONTWAIT != 0;
    let decision =
        run(|call| borrow(fd).map_or(Decision::Pass, |socket| ops::io::admit::<()>(call, socket, dont_wait, timeout)));
    match decision {
        Decision::Fail(error) => Err(error),
        Decision::Pass | Decision::Done(()) => Ok(()),
        Decision::Wait(_) => Err(Errno::IO),
    }
}

/// What preadv2's flags say, as recv's do.
fn no_wait(flags: c_int) -> c_int {
    if flags & libc::RWF_NOWAIT != 0 { libc::MSG_DONTWAIT } else { 0 }
}

macro_rules! io {
    ($($(#[$doc:meta])* fn $name:ident = $real:ident($($arg:ident: $type:ty),*), flags $flags:expr, $timeout:ident;)*) => {
        $(
            $(#[$doc])*
            ///
            /// While the connection is being made: EAGAIN, or a blocking descriptor waits for it.
            ///
            /// # Safety
            /// As libc's function of this name.
            #[unsafe(no_mangle)]
            pub unsafe extern "C-unwind" fn $name(fd: c_int, $($arg: $type),*) -> ssize_t {
                match admit(fd, $flags, Timeout::$timeout) {
                    // SAFETY: the caller's promise.
                    Ok(()) => unsafe { real::$real(fd, $($arg),*) },
                    Err(error) => fail(error) as ssize_t,
                }
            }
        )*
    };
}

io! {
    /// read(2).
    fn Rread = read(buf: *mut c_void, len: size_t), flags 0, Receive;
    /// readv(2).
    fn Rreadv = readv(parts: *const iovec, count: c_int), flags 0, Receive;
    /// preadv2(2), which with an offset of -1 reads from a socket.
    fn Rpreadv2 = preadv2(parts: *const iovec, count: c_int, offset: off_t, flags: c_int), flags no_wait(flags), Receive;
    /// pwritev2(2), which with an offset of -1 writes to a socket.
    fn Rpwritev2 = pwritev2(parts: *const iovec, count: c_int, offset: off_t, flags: c_int), flags no_wait(flags), Send;
    /// recv(2).
    fn Rrecv = recv(buf: *mut c_void, len: size_t, flags: c_int), flags flags, Receive;
    /// recvfrom(2).
    fn Rrecvfrom = recvfrom(
        buf: *mut c_void, len: size_t, flags: c_int, addr: *mut sockaddr, addr_len: *mut socklen_t
    ), flags flags, Receive;
    /// recvmsg(2).
    fn Rrecvmsg = recvmsg(message: *mut msghdr, flags: c_int), flags flags, Receive;
    /// send(2).
    fn Rsend = send(buf: *const c_void, len: size_t, flags: c_int), flags flags, Send;
    /// sendfile(2). Here `fd` is where the data go.
    fn Rsendfile = sendfile(from: c_int, offset: *mut off_t, count: size_t), flags 0, Send;
    /// write(2).
    fn Rwrite = write(buf: *const c_void, len: size_t), flags 0, Send;
    /// writev(2).
    fn Rwritev = writev(parts: *const iovec, count: c_int), flags 0, Send;
}

/// sendto(2). With MSG_FASTOPEN it connects: through the proxy, and the data follow when that is done.
///
/// # Safety
/// As sendto(2).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rsendto(
    fd: c_int,
    buf: *const c_void,
    len: size_t,
    flags: c_int,
    addr: *const sockaddr,
    addr_len: socklen_t,
) -> ssize_t {
    // SAFETY: the caller's promise.
    let admitted = match unsafe { connect_first(fd, flags, addr, addr_len) } {
        // SAFETY: the caller's promise. Connected by us, the socket needs no address.
        Ok(true) => return unsafe { real::send(fd, buf, len, flags & !libc::MSG_FASTOPEN) },
        // SAFETY: the caller's promise.
        Ok(false) => unsafe { way_out(fd, addr, addr_len) }.and_then(|()| admit(fd, flags, Timeout::Send)),
        Err(error) => Err(error),
    };
    match admitted {
        // SAFETY: the caller's promise.
        Ok(()) => unsafe { real::sendto(fd, buf, len, flags, addr, addr_len) },
        Err(error) => fail(error) as ssize_t,
    }
}

/// sendmsg(2). With MSG_FASTOPEN as [`Rsendto`].
///
/// # Safety
/// As sendmsg(2).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rsendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller's promise: a message header, with an address of that length or none.
    let named = unsafe { message.as_ref() }.filter(|message| !message.msg_name.is_null());
    let admitted = if let Some(named) = named {
        let (addr, len) = (named.msg_name.cast_const().cast::<sockaddr>(), named.msg_namelen);
        // SAFETY: the caller's promise.
        match unsafe { connect_first(fd, flags, addr, len) } {
            Ok(true) => {
                // Only the copy loses its address.
                let mut message = *named;
                (message.msg_name, message.msg_namelen) = (std::ptr::null_mut(), 0);
                // SAFETY: the caller's promise.
                return unsafe { real::sendmsg(fd, &raw const message, flags & !libc::MSG_FASTOPEN) };
            }
            // SAFETY: the caller's promise.
            Ok(false) => unsafe { way_out(fd, addr, len) }.and_then(|()| admit(fd, flags, Timeout::Send)),
            Err(error) => Err(error),
        }
    } else {
        admit(fd, flags, Timeout::Send)
    };
    match admitted {
        // SAFETY: the caller's promise.
        Ok(()) => unsafe { real::sendmsg(fd, message, flags) },
        Err(error) => fail(error) as ssize_t,
    }
}

/// sendmmsg(2): as so many [`Rsendmsg`], of which the first that fails ends it.
///
/// # Safety
/// As sendmmsg(2): `messages` points to `count` messages.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rsendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int {
    if flags & libc::MSG_FASTOPEN == 0 && !is_guarded() {
        return match admit(fd, flags, Timeout::Send) {
            // SAFETY: the caller's promise.
            Ok(()) => unsafe { real::sendmmsg(fd, messages, count, flags) },
            Err(error) => fail(error),
        };
    }
    // As many as the kernel takes at a time.
    for index in 0..count.min(libc::UIO_MAXIOV as c_uint) {
        // SAFETY: the caller's promise: there is a message of that index.
        let message = unsafe { messages.add(index as usize) };
        // SAFETY: as above.
        let sent = unsafe { Rsendmsg(fd, &raw const (*message).msg_hdr, flags) };
        match c_uint::try_from(sent) {
            // SAFETY: as above.
            Ok(sent) => unsafe { (*message).msg_len = sent },
            Err(_) if index == 0 => return -1,
            Err(_) => return index as c_int,
        }
    }
    count.min(libc::UIO_MAXIOV as c_uint) as c_int
}

/// recvmmsg(2).
///
/// While the connection is being made: EAGAIN, or a blocking descriptor waits for it.
///
/// # Safety
/// As recvmmsg(2): `messages` points to `count` messages, `timeout` is null or points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rrecvmmsg(
    fd: c_int,
    messages: *mut mmsghdr,
    count: c_uint,
    flags: c_int,
    timeout: *mut timespec,
) -> c_int {
    match admit(fd, flags, Timeout::Receive) {
        // SAFETY: the caller's promise.
        Ok(()) => unsafe { real::recvmmsg(fd, messages, count, flags, timeout) },
        Err(error) => fail(error),
    }
}

/// splice(2), whose ends may be sockets both.
///
/// While a connection is being made: EAGAIN, or a blocking descriptor waits for it.
///
/// # Safety
/// As splice(2): the offsets are null or point to one.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rsplice(
    from: c_int,
    from_offset: *mut loff_t,
    to: c_int,
    to_offset: *mut loff_t,
    len: size_t,
    flags: c_uint,
) -> ssize_t {
    let dont_wait = if flags & libc::SPLICE_F_NONBLOCK != 0 { libc::MSG_DONTWAIT } else { 0 };
    match admit(from, dont_wait, Timeout::Receive).and_then(|()| admit(to, dont_wait, Timeout::Send)) {
        // SAFETY: the caller's promise.
        Ok(()) => unsafe { real::splice(from, from_offset, to, to_offset, len, flags) },
        Err(error) => fail(error) as ssize_t,
    }
}

/// Whether a datagram may go to an address.
///
/// # Safety
/// `addr` is null or points to `len` bytes.
#[inline]
unsafe fn way_out(fd: c_int, addr: *const sockaddr, len: socklen_t) -> Result<(), Errno> {
    if addr.is_null() || !is_guarded() {
        return Ok(());
    }
    let Some(socket) = borrow(fd) else { return Ok(()) };
    // SAFETY: the caller's promise.
    let to = match unsafe { address::read(addr, len) } {
        Some(to) => to,
        // SAFETY: the caller's promise.
        None => match unsafe { address::read_bare(addr, len) } {
            Some(to) if socket::domain(socket)? == Some(Domain::V4) => to,
            _ => return Ok(()),
        },
    };
    match guard(|| ops::ways::datagram(socket, to).into()) {
        Decision::Done(()) => Ok(()),
        Decision::Fail(error) => Err(error),
        Decision::Pass | Decision::Wait(_) => Err(Errno::IO),
    }
}

/// What MSG_FASTOPEN asks for: `true` where it is connected through a proxy now.
///
/// # Safety
/// `addr` is null or points to `len` bytes.
unsafe fn connect_first(fd: c_int, flags: c_int, addr: *const sockaddr, len: socklen_t) -> Result<bool, Errno> {
    if flags & libc::MSG_FASTOPEN == 0 {
        return Ok(false);
    }
    // SAFETY: the caller's promise.
    let to = unsafe { address::read(addr, len) };
    let (Some(socket), Some(to)) = (borrow(fd), to) else { return Ok(false) };
    match run(|call| ops::connect::connect(call, socket, to)) {
        Decision::Done(()) => Ok(true),
        Decision::Pass => Ok(false),
        Decision::Fail(error) => Err(error),
        Decision::Wait(_) => Err(Errno::IO),
    }
}

//! Repoll_ctl, Repoll_wait, Repoll_pwait, Repoll_pwait2.

use std::ffi::c_int;
use std::slice;

use libc::{epoll_event, sigset_t, timespec};
use rustix::io::Errno;

use super::{borrow, fail, guard};
use crate::ops::Decision;
use crate::ops::epoll::{Operation, Watch, control, digest, is_in_use, note};
use crate::sys::{self, real, threads};
use crate::table;

/// epoll_ctl(2): a socket on its way is told of when the proxy has answered.
///
/// # Safety
/// As epoll_ctl(2): `event` is null or points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Repoll_ctl(epoll: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int {
    let operation = match op {
        libc::EPOLL_CTL_ADD if !event.is_null() => Operation::Add,
        libc::EPOLL_CTL_MOD if !event.is_null() => Operation::Modify,
        libc::EPOLL_CTL_DEL => Operation::Delete,
        // SAFETY: the caller's promise. The kernel says what is wrong with it.
        _ => return unsafe { real::epoll_ctl(epoll, op, fd, event) },
    };
    let (events, data) = match operation {
        Operation::Delete => (0, 0),
        // SAFETY: the caller's promise; it need not be aligned.
        _ => unsafe { ((&raw const (*event).events).read_unaligned(), (&raw const (*event).u64).read_unaligned()) },
    };
    let watch = Watch { epoll, fd, events, data, spent: false };
    if table::is_ours(fd) {
        match guard(|| borrow(epoll).map_or(Decision::Pass, |socket| control(socket, operation, watch))) {
            Decision::Done(()) => return 0,
            Decision::Fail(error) => return fail(error),
            Decision::Pass | Decision::Wait(_) => {}
        }
    }
    // SAFETY: the caller's promise.
    let outcome = unsafe { real::epoll_ctl(epoll, op, fd, event) };
    if outcome == 0 {
        guard(|| {
            note(operation, watch);
            Decision::Done(())
        });
    }
    outcome
}

/// epoll_wait(2).
///
/// # Safety
/// As epoll_wait(2): `events` has room for `most`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Repoll_wait(
    epoll: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: c_int,
) -> c_int {
    if is_the_kernels(epoll) {
        // SAFETY: the caller's promise.
        return unsafe { real::epoll_wait(epoll, events, most, timeout) };
    }
    // SAFETY: the caller's promise.
    let wait = |timeout| unsafe { real::epoll_wait(epoll, events, most, timeout) };
    // SAFETY: the caller's promise.
    unsafe { follow(epoll, events, from_millis(timeout), |left| wait(left.map_or(timeout, to_millis))) }
}

/// epoll_pwait(2).
///
/// # Safety
/// As epoll_pwait(2).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Repoll_pwait(
    epoll: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: c_int,
    mask: *const sigset_t,
) -> c_int {
    if is_the_kernels(epoll) {
        // SAFETY: the caller's promise.
        return unsafe { real::epoll_pwait(epoll, events, most, timeout, mask) };
    }
    // SAFETY: the caller's promise.
    let wait = |timeout| unsafe { real::epoll_pwait(epoll, events, most, timeout, mask) };
    // SAFETY: the caller's promise.
    unsafe { follow(epoll, events, from_millis(timeout), |left| wait(left.map_or(timeout, to_millis))) }
}

/// epoll_pwait2(2).
///
/// # Safety
/// As epoll_pwait2(2).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Repoll_pwait2(
    epoll: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    if is_the_kernels(epoll) {
        // SAFETY: the caller's promise.
        return unsafe { real::epoll_pwait2(epoll, events, most, timeout, mask) };
    }
    // SAFETY: the caller's promise.
    let given = unsafe { timeout.as_ref() };
    let nanos = given.and_then(|time| {
        let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
        Some(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    });
    let wait = |left: Option<u64>| {
        let left = left.map(|left| timespec {
            tv_sec: (left / 1_000_000_000) as libc::time_t,
            tv_nsec: (left % 1_000_000_000) as libc::c_long,
        });
        let timeout = left.as_ref().map_or(timeout, std::ptr::from_ref);
        // SAFETY: the caller's promise; the time left lives as long as the call.
        unsafe { real::epoll_pwait2(epoll, events, most, timeout, mask) }
    };
    // SAFETY: the caller's promise.
    unsafe { follow(epoll, events, nanos, wait) }
}

/// Whether nothing of ours is in an epoll, nor can come into it while it is waited for: a signal handler that puts
/// something in ends the wait.
#[inline]
fn is_the_kernels(epoll: c_int) -> bool {
    // Any other may be a duplicate of one that is ours.
    !table::is_ours(epoll) && !is_in_use() && threads::is_alone()
}

fn from_millis(timeout: c_int) -> Option<u64> {
    u64::try_from(timeout).ok().map(|millis| millis * 1_000_000)
}

/// Rounded up: no wait ends early.
fn to_millis(nanos: u64) -> c_int {
    c_int::try_from(nanos.div_ceil(1_000_000)).unwrap_or(c_int::MAX)
}

/// Waits, moves handshakes on, and waits again, until there is something for the program or its time is up.
///
/// `wait` is libc's function, called outside of the boundary with the time that is left; with `None` at first, for
/// the time as the program gave it.
///
/// # Safety
/// `events` is where `wait` writes.
#[inline(never)]
unsafe fn follow(
    epoll: c_int,
    events: *mut epoll_event,
    nanos: Option<u64>,
    wait: impl Fn(Option<u64>) -> c_int,
) -> c_int {
    let until = if table::nothing_intercepted() && !table::is_ours(epoll) {
        None
    } else {
        nanos.map(|nanos| sys::now().saturating_add(nanos))
    };
    let mut told = wait(None);
    // Asked after the wait: the first pending socket may have come meanwhile.
    while told > 0 && is_in_use() {
        // SAFETY: the kernel has just written so many.
        let events = unsafe { slice::from_raw_parts_mut(events, told as usize) };
        let Decision::Done(left) = guard(|| Decision::Done(digest(epoll, events))) else { return fail(Errno::IO) };
        let now = sys::now();
        if left > 0 || until.is_some_and(|until| now >= until) {
            return left as c_int;
        }
        told = wait(until.map(|until| until - now));
    }
    told
}

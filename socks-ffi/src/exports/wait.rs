//! Rpoll, Rppoll, and what every wait has in common.

use std::ffi::c_int;
use std::slice;

use libc::{nfds_t, pollfd, sigset_t, timespec};
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::{borrow, fail, guard};
use crate::ops::Decision;
use crate::ops::wait::{Entry, Waiting};
use crate::sys::real;
use crate::table;

/// poll(2): a socket on its way is ready when the proxy has answered.
///
/// # Safety
/// As poll(2): `fds` points to `count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rpoll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    // SAFETY: the caller's promise.
    if table::nothing_intercepted() || unsafe { none_is_ours(fds, count) } {
        // SAFETY: the caller's promise.
        return unsafe { real::poll(fds, count, timeout) };
    }
    // SAFETY: the caller's promise.
    unsafe { poll(fds, count, timeout) }
}

/// Apart, so that what is not ours saves no registers for it.
///
/// # Safety
/// As poll(2).
#[inline(never)]
unsafe fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    let nanos = u64::try_from(timeout).ok().map(|millis| millis * 1_000_000);
    // SAFETY: the caller's promise.
    unsafe { translate(fds, count, nanos, None) }
        // SAFETY: the caller's promise.
        .unwrap_or_else(|| unsafe { real::poll(fds, count, timeout) })
}

/// ppoll(2): as [`Rpoll`]; the signal mask holds while it waits.
///
/// # Safety
/// As ppoll(2): `fds` points to `count` entries, `timeout` and `mask` are null or point to one.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rppoll(
    fds: *mut pollfd,
    count: nfds_t,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: the caller's promise.
    let translated = match unsafe { nanos(timeout) } {
        // SAFETY: the caller's promise.
        Ok(nanos) => unsafe { translate(fds, count, nanos, mask.as_ref()) },
        // For the kernel to refuse.
        Err(_) => None,
    };
    // SAFETY: the caller's promise.
    translated.unwrap_or_else(|| unsafe { real::ppoll(fds, count, timeout, mask) })
}

/// What poll comes to; `None` where libc's knows it all.
///
/// # Safety
/// `fds` points to `count` entries.
unsafe fn translate(fds: *mut pollfd, count: nfds_t, nanos: Option<u64>, mask: Option<&sigset_t>) -> Option<c_int> {
    // SAFETY: the caller's promise.
    if table::nothing_intercepted() || unsafe { none_is_ours(fds, count) } {
        return None;
    }
    // SAFETY: the caller's promise.
    let entries = unsafe { slice::from_raw_parts_mut(fds, count as usize) };
    let mut waiting = match guard(|| begin_poll(entries, nanos)) {
        Decision::Done(waiting) => waiting,
        Decision::Fail(error) => return Some(fail(error)),
        Decision::Pass | Decision::Wait(_) => return None,
    };
    let ready = follow(&mut waiting, mask, Waiting::ask, |waiting| Ok(waiting.digest()));
    Some(match ready {
        Ok(ready) => {
            for (entry, waited) in entries.iter_mut().zip(&waiting.entries) {
                entry.revents = waited.revents.bits() as i16;
            }
            c_int::try_from(ready).unwrap_or(c_int::MAX)
        }
        Err(error) => fail(error),
    })
}

/// Whether the kernel knows all that is asked for.
///
/// # Safety
/// `fds` is null or points to `count` entries.
#[inline]
unsafe fn none_is_ours(fds: *const pollfd, count: nfds_t) -> bool {
    // SAFETY: the caller's promise.
    let asked = |at: nfds_t| unsafe { (*fds.add(at as usize)).fd };
    fds.is_null() || count > MOST || (0..count).all(|at| !table::is_ours(asked(at)))
}

/// More entries than a process can have descriptors are for the kernel to refuse.
const MOST: nfds_t = 1 << 20;

fn begin_poll<'fd>(entries: &[pollfd], nanos: Option<u64>) -> Decision<Waiting<'fd>> {
    let entry = |entry: &pollfd| Entry {
        fd: borrow(entry.fd),
        events: PollFlags::from_bits_retain(entry.events as u16),
        revents: PollFlags::empty(),
    };
    Waiting::new(entries.iter().map(entry).collect(), nanos).map_or(Decision::Pass, Decision::Done)
}

/// Asks libc's poll, outside of the boundary, until there is something to say.
///
/// The mask holds in the kernel's wait and nowhere else: a signal that it lets through comes then, or stays pending
/// until the next one.
pub(super) fn follow<W>(
    waiting: &mut W,
    mask: Option<&sigset_t>,
    ask: impl Fn(&mut W) -> (&mut [pollfd], Option<u64>),
    digest: impl Fn(&mut W) -> Result<Option<usize>, Errno>,
) -> Result<usize, Errno> {
    loop {
        let (fds, nanos) = ask(waiting);
        super::poll(fds, nanos, mask)?;
        match guard(|| digest(waiting).into()) {
            Decision::Done(Some(ready)) => return Ok(ready),
            Decision::Done(None) => {}
            Decision::Fail(error) => return Err(error),
            Decision::Pass | Decision::Wait(_) => return Err(Errno::IO),
        }
    }
}

/// A timeout in nanoseconds, `None` for ever.
///
/// # Safety
/// `time` is null or points to one.
///
/// # Errors
/// EINVAL where it is none.
pub(super) unsafe fn nanos(time: *const timespec) -> Result<Option<u64>, Errno> {
    // SAFETY: the caller's promise.
    let Some(time) = (unsafe { time.as_ref() }) else { return Ok(None) };
    match (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec)) {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 => {
            Ok(Some(seconds.saturating_mul(1_000_000_000).saturating_add(nanos)))
        }
        _ => Err(Errno::INVAL),
    }
}

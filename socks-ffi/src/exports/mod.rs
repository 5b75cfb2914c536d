//! The functions that C sees: raw arguments to typed ones, one call, the decision to a value and errno.
//!
//! Each is `extern "C-unwind"`, and libc's function is called outside of `guard`, so that the forced unwinding
//! of a cancelled thread finds nothing of ours to run. A panic of ours never gets past `guard`.

pub mod bind;
pub mod close;
pub mod connect;
pub mod dup;
pub mod epoll;
pub mod hosts;
pub mod io;
pub mod name;
pub mod query;
pub mod resolve;
pub mod select;
pub mod syscall;
pub mod wait;

use std::cell::Cell;
use std::ffi::c_int;
use std::os::fd::BorrowedFd;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{nfds_t, pollfd, sigset_t, timespec};
use rustix::io::Errno;

use crate::debug::{About, tell_all};
use crate::names;
use crate::ops::Decision;
use crate::ops::pause::Call;
use crate::sys::cancel::HeldOff;
use crate::sys::{self, real, unwind};

thread_local! {
    /// How deep this thread is in our code.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs our code: a panic becomes EIO, and errno is left as it was.
fn guard<T>(work: impl FnOnce() -> Decision<T>) -> Decision<T> {
    let saved = sys::errno();
    let _held_off = HeldOff::new();
    silence_panics();
    let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
    let decision = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tell_all(About::Internal, || "an error inside of libsocks: the call fails with EIO".to_owned());
        Decision::Fail(Errno::IO)
    });
    let _ = DEPTH.try_with(|depth| depth.set(depth.get() - 1));
    sys::set_errno(saved);
    decision
}

/// Whether other ways out than TCP are watched: a load, once the configuration is read.
fn is_guarded() -> bool {
    // Where that went wrong, everything is.
    names::guarded().unwrap_or_else(|| !matches!(guard(|| Decision::Done(names::is_guarded())), Decision::Done(false)))
}

/// A library prints nothing that it was not asked for; panics of a Rust program around it keep their words.
fn silence_panics() {
    // Not a Once: a signal handler that interrupts its first use would wait for itself.
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Ordering::Relaxed) || DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    unwind::prepare();
    let theirs = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
            theirs(info);
        }
    }));
}

/// Runs a call of ours to its end. It waits in between, in libc's function and so outside of the boundary.
fn run<T>(mut call: impl FnMut(&mut Call) -> Decision<T>) -> Decision<T> {
    let mut state = Call::new();
    loop {
        let mut pause = match guard(|| call(&mut state)) {
            Decision::Wait(pause) => pause,
            decision => return decision,
        };
        let (fds, nanos) = pause.ask();
        let outcome = poll(fds, nanos, None);
        if let Decision::Fail(error) = guard(|| pause.resume(outcome).into()) {
            return Decision::Fail(error);
        }
        state.set_resumed();
    }
}

/// libc's poll, to the nanosecond, with a signal mask of its own if there is one.
fn poll(fds: &mut [pollfd], nanos: Option<u64>, mask: Option<&sigset_t>) -> Result<(), Errno> {
    let timeout = nanos.map(|nanos| timespec {
        tv_sec: (nanos / 1_000_000_000) as libc::time_t,
        tv_nsec: (nanos % 1_000_000_000) as libc::c_long,
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mask = mask.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the slice is an array of its length; the timeout and the mask live as long as the call.
    match unsafe { real::ppoll(fds.as_mut_ptr(), fds.len() as nfds_t, timeout, mask) } {
        ..0 => Err(Errno::from_raw_os_error(sys::errno())),
        _ => Ok(()),
    }
}

/// The descriptor that C names by its number; `None` for a negative one.
fn borrow<'fd>(fd: c_int) -> Option<BorrowedFd<'fd>> {
    // SAFETY: the caller owns the descriptor for the length of the call. If it lied, the kernel says EBADF:
    // no memory depends on it.
    (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
}

/// -1 and errno.
fn fail(error: Errno) -> c_int {
    sys::set_errno(error.raw_os_error());
    -1
}

/// 0, -1 and errno, or what libc's function says.
fn finish(decision: Decision<()>, pass: impl FnOnce() -> c_int) -> c_int {
    match decision {
        Decision::Done(()) => 0,
        Decision::Fail(error) => fail(error),
        Decision::Pass => pass(),
        // `run` has waited; what did not run there cannot.
        Decision::Wait(_) => fail(Errno::IO),
    }
}

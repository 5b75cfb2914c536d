//! The functions that C sees: raw arguments to typed ones, one call, the decision to a value and errno.
//!
//! Each is `extern "C-unwind"`, and libc's function is called outside of [`guard`], so that the forced unwinding
//! of a cancelled thread finds nothing of ours to run. A panic of ours never gets past `guard`.

pub mod bind;
pub mod close;
pub mod connect;
pub mod io;
pub mod name;
pub mod wait;

use std::cell::Cell;
use std::ffi::c_int;
use std::os::fd::BorrowedFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

use crate::ops::Decision;
use crate::sys;

thread_local! {
    /// How deep this thread is in our code.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs our code: a panic becomes EIO, and errno is left as it was.
fn guard<T>(work: impl FnOnce() -> Decision<T>) -> Decision<T> {
    let saved = sys::errno();
    silence_panics();
    let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
    let decision = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Decision::Fail(Errno::IO));
    let _ = DEPTH.try_with(|depth| depth.set(depth.get() - 1));
    sys::set_errno(saved);
    decision
}

/// A library prints nothing that it was not asked for; panics of a Rust program around it keep their words.
fn silence_panics() {
    // Not a Once: a signal handler that interrupts its first use would wait for itself.
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Ordering::Relaxed) || DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let theirs = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
            theirs(info);
        }
    }));
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
    }
}

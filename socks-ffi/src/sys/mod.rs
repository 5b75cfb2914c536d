//! The border to the operating system: raw system calls, libc's own functions, the clock.
//!
//! The library's own I/O never goes through libc's symbols, since libsockswrap replaces them.

pub(crate) mod cancel;
mod elf;
pub(crate) mod environment;
pub(crate) mod epoll;
pub(crate) mod files;
pub(crate) mod real;
pub(crate) mod resolve;
pub(crate) mod shared;
pub(crate) mod signals;
pub(crate) mod socket;
pub(crate) mod threads;
pub(crate) mod unwind;

pub(crate) use environment::env;

/// Now, in nanoseconds of the monotonic clock.
pub(crate) fn now() -> u64 {
    let time = clock(libc::CLOCK_MONOTONIC);
    (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64)
}

/// Now, as the clock on the wall has it: seconds since 1970 and microseconds.
pub(crate) fn wall_clock() -> (i64, i64) {
    let time = clock(libc::CLOCK_REALTIME);
    (time.tv_sec, time.tv_nsec / 1000)
}

/// By libc, which knows better than a raw call whether the kernel has to be asked, and whether there is a vDSO.
fn clock(id: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec to write to.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    time
}

/// Sleeps for a millisecond, or until a signal comes.
pub(crate) fn nap() {
    let _ = rustix::thread::nanosleep(&rustix::time::Timespec { tv_sec: 0, tv_nsec: 1_000_000 });
}

/// What this machine calls itself.
pub(crate) fn host_name() -> Vec<u8> {
    rustix::system::uname().nodename().to_bytes().to_vec()
}

/// Whether the kernel started this program with more rights than its user has.
pub(crate) fn is_set_id() -> bool {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Sets errno.
pub(crate) fn set_errno(value: libc::c_int) {
    // SAFETY: the location is this thread's own.
    unsafe { *libc::__errno_location() = value };
}

/// Reads errno.
pub(crate) fn errno() -> libc::c_int {
    // SAFETY: the location is this thread's own.
    unsafe { *libc::__errno_location() }
}

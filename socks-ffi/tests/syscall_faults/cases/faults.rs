//! What can become of each system call that the library makes, and what the program may see of it.

use libc::c_long;

use super::plan::{Call, Fault};

/// The calls that are known here: number, name, and what manual pages say they can fail with beside mistakes of the
/// caller's. EPERM is what a sandbox (seccomp) says.
const CALLS: &[(c_long, &str, &[Fault])] = &[
    (libc::SYS_accept4, "accept4", &[AGAIN, INTR, MFILE, NOBUFS, NOMEM]),
    (libc::SYS_bind, "bind", &[NOMEM, PERM]),
    (
        libc::SYS_connect,
        "connect",
        &[Fault::After(libc::EINTR), NOBUFS, NOMEM, Fault::Instead(libc::EADDRNOTAVAIL), PERM],
    ),
    (libc::SYS_dup, "dup", &[MFILE, NOMEM]),
    (libc::SYS_dup3, "dup3", &[INTR, MFILE, Fault::Instead(libc::EBUSY), NOMEM]),
    (libc::SYS_epoll_create1, "epoll_create1", &[MFILE, NFILE, NOMEM, PERM]),
    (libc::SYS_epoll_ctl, "epoll_ctl", &[NOMEM, Fault::Instead(libc::ENOSPC), PERM]),
    (libc::SYS_epoll_wait, "epoll_wait", &[INTR]),
    (libc::SYS_epoll_pwait, "epoll_pwait", &[INTR]),
    (libc::SYS_fcntl, "fcntl", &[PERM]),
    (libc::SYS_fstat, "fstat", &[NOMEM, IO]),
    (libc::SYS_ftruncate, "ftruncate", &[INTR, IO, PERM]),
    (libc::SYS_getpeername, "getpeername", &[NOBUFS]),
    (libc::SYS_getrandom, "getrandom", &[INTR, PERM]),
    (libc::SYS_getsockname, "getsockname", &[NOBUFS]),
    (libc::SYS_getsockopt, "getsockopt", &[NOMEM, PERM]),
    (libc::SYS_listen, "listen", &[Fault::Instead(libc::EADDRINUSE)]),
    (libc::SYS_madvise, "madvise", &[Fault::Instead(libc::EAGAIN), NOMEM, PERM]),
    (libc::SYS_mmap, "mmap", &[NOMEM, PERM]),
    (libc::SYS_mprotect, "mprotect", &[NOMEM]),
    (libc::SYS_munmap, "munmap", &[NOMEM]),
    (libc::SYS_newfstatat, "newfstatat", &[NOMEM, IO]),
    (libc::SYS_open, "open", &[INTR, MFILE, NFILE, NOMEM, IO]),
    (libc::SYS_openat, "openat", &[INTR, MFILE, NFILE, NOMEM, IO]),
    (libc::SYS_poll, "poll", &[INTR, NOMEM]),
    (libc::SYS_ppoll, "ppoll", &[INTR, NOMEM]),
    (libc::SYS_pselect6, "pselect6", &[INTR, NOMEM]),
    (libc::SYS_read, "read", &[INTR, IO, NOMEM, Fault::Short]),
    (libc::SYS_recvfrom, "recvfrom", &[INTR, AGAIN, NOMEM, PERM, Fault::Short]),
    (libc::SYS_sendto, "sendto", &[INTR, AGAIN, NOBUFS, NOMEM, PERM, Fault::Short]),
    (libc::SYS_setsockopt, "setsockopt", &[NOBUFS, NOMEM, PERM]),
    (libc::SYS_shutdown, "shutdown", &[NOBUFS]),
    (libc::SYS_socket, "socket", &[MFILE, NFILE, NOBUFS, NOMEM, PERM]),
    (libc::SYS_stat, "stat", &[NOMEM, IO]),
    (libc::SYS_timerfd_create, "timerfd_create", &[MFILE, NFILE, NOMEM, PERM]),
    (libc::SYS_timerfd_settime, "timerfd_settime", &[PERM]),
    (libc::SYS_uname, "uname", &[PERM]),
    (libc::SYS_write, "write", &[INTR, NOBUFS, NOMEM, Fault::Short]),
    // They cannot fail, or say so in no errno. A close is one whatever it says, and rustix, where it is compiled for
    // debugging, takes an error of it for a mistake of ours.
    (libc::SYS_brk, "brk", &[]),
    (libc::SYS_close, "close", &[]),
    (libc::SYS_futex, "futex", &[]),
    (libc::SYS_geteuid, "geteuid", &[]),
    (libc::SYS_getpid, "getpid", &[]),
    (libc::SYS_gettid, "gettid", &[]),
    (libc::SYS_rt_sigaction, "rt_sigaction", &[]),
    (libc::SYS_rt_sigprocmask, "rt_sigprocmask", &[]),
    (libc::SYS_sched_yield, "sched_yield", &[]),
];

const AGAIN: Fault = Fault::Instead(libc::EAGAIN);
const INTR: Fault = Fault::Instead(libc::EINTR);
const IO: Fault = Fault::Instead(libc::EIO);
const MFILE: Fault = Fault::Instead(libc::EMFILE);
const NFILE: Fault = Fault::Instead(libc::ENFILE);
const NOBUFS: Fault = Fault::Instead(libc::ENOBUFS);
const NOMEM: Fault = Fault::Instead(libc::ENOMEM);
const PERM: Fault = Fault::Instead(libc::EPERM);

/// The faults of a duplicating fcntl; of its other commands only a sandbox has any.
const DUPLICATE: &[Fault] = &[MFILE, PERM];

/// What a call is called, for the report.
pub(crate) fn name(number: c_long) -> String {
    let known = CALLS.iter().find(|(known, ..)| *known == number);
    known.map_or_else(|| format!("system call {number}"), |(_, name, _)| (*name).to_owned())
}

/// What can become of a call; `None` for one that is not known here.
pub(crate) fn of(call: &Call) -> Option<&'static [Fault]> {
    let (number, _, faults) = CALLS.iter().find(|(known, ..)| *known == call.number)?;
    let duplicates = [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC].contains(&(call.args[1] as i32));
    Some(if *number == libc::SYS_fcntl && duplicates { DUPLICATE } else { faults })
}

/// What the program may be told, where it need not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The library does without, or asks again.
    Survived,
    /// It succeeds, or fails with this error.
    Told(i32),
    /// As `Told`, or with this other error.
    ToldAs(i32, i32),
    /// As `Told`, or with EACCES, from then on too: without its configuration the library lets nothing out.
    Closed(i32),
}

/// What the program says of a name that was not resolved: getaddrinfo has no errno.
const UNRESOLVED: i32 = -1;

impl Rule {
    pub(crate) fn of(call: &Call, fault: Fault) -> Self {
        let error = match fault {
            // There is a want of memory, and no wait.
            Fault::Instead(libc::EAGAIN) if call.number == libc::SYS_madvise => libc::EAGAIN,
            Fault::Short | Fault::Instead(libc::EINTR | libc::EAGAIN) | Fault::After(libc::EINTR) => {
                return Self::Survived;
            }
            Fault::Instead(error) | Fault::After(error) => error,
        };
        match call.number {
            // Memory that cannot be had is told as such, whyever.
            libc::SYS_mmap => return Self::ToldAs(error, libc::ENOMEM),
            // A name that cannot be looked up in the memory that all processes share leads nowhere.
            libc::SYS_madvise => return Self::ToldAs(error, libc::EHOSTUNREACH),
            _ => {}
        }
        let is_of_files =
            [libc::SYS_open, libc::SYS_stat, libc::SYS_openat, libc::SYS_newfstatat, libc::SYS_fstat, libc::SYS_read];
        if is_of_files.contains(&call.number) { Self::Closed(error) } else { Self::Told(error) }
    }

    /// Whether the conversation that the fault struck may have come to this; 0 is success.
    pub(crate) fn allows(self, error: i32) -> bool {
        error == 0
            || match self {
                Self::Survived => false,
                Self::Told(told) => [told, UNRESOLVED].contains(&error),
                Self::ToldAs(told, other) => [told, other, UNRESOLVED].contains(&error),
                Self::Closed(told) => [told, libc::EACCES, UNRESOLVED].contains(&error),
            }
    }

    /// Whether the next conversation may have come to this.
    pub(crate) fn allows_again(self, error: i32) -> bool {
        error == 0 || ([libc::EACCES, UNRESOLVED].contains(&error) && matches!(self, Self::Closed(_)))
    }
}

/// What is shown of a fault.
pub(crate) fn show(fault: Fault) -> String {
    match fault {
        Fault::Instead(error) => {
            nix::errno::Errno::from_raw(error).to_string().split(':').next().unwrap_or("").to_owned()
        }
        Fault::After(error) => format!("{} after it was made", show(Fault::Instead(error))),
        Fault::Short => "one byte at a time".to_owned(),
    }
}

//! Whether an interrupted wait goes on.
//!
//! The kernel restarts a blocking connect after a handler that was installed with SA_RESTART; poll, by which
//! this library waits, it never restarts. So the library asks how the program's handlers were installed.

use std::mem::MaybeUninit;
use std::ptr;

const FAULTS: [libc::c_int; 6] = [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP];

/// Whether some handler of the program wants its signal to end a blocking call with EINTR.
///
/// Asked only after a signal came; which one it was cannot be told, so any such handler counts. Those for the faults
/// of a thread's own instructions do not: nobody waits meanwhile, and what catches crashes rarely asks for a restart.
pub(crate) fn interrupt() -> bool {
    (1..=libc::SIGRTMAX()).filter(|signal| !FAULTS.contains(signal)).any(|signal| {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: only reads the disposition, into room for it.
        let known = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } == 0;
        // SAFETY: zeroed, which is valid for this type, or filled by the call.
        let action = unsafe { action.assume_init() };
        let handled = action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN;
        known && handled && action.sa_flags & libc::SA_RESTART == 0
    })
}

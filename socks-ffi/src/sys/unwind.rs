//! The unwinder that is linked into this library, and the one of the process.
//!
//! A cancelled thread is unwound by the libgcc_s of the process, through the frames of ours that wait. What those clean
//! up they find by way of our own copy of that code, which must have set itself up by then, as it does when it is first
//! used: else it ends the process.

use std::ffi::{c_int, c_void};
use std::ptr;

unsafe extern "C" {
    fn _Unwind_Backtrace(visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int, argument: *mut c_void) -> c_int;
}

/// `_URC_END_OF_STACK`: no more frames, please.
const END_OF_STACK: c_int = 5;

extern "C" fn stop(_: *mut c_void, _: *mut c_void) -> c_int {
    END_OF_STACK
}

/// Lets our copy set itself up. No memory is allocated, and one frame is looked at.
pub(crate) fn prepare() {
    // SAFETY: walks this thread's own stack, as far as the first frame; the argument is not looked at.
    unsafe { _Unwind_Backtrace(stop, ptr::null_mut()) };
}

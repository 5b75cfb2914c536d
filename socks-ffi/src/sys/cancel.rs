//! Holding off pthread_cancel(3) while our code runs.

use std::ffi::c_int;
use std::ptr;

/// Of <pthread.h>, the same on glibc and musl.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// For as long as it lives this thread is not cancelled. A request that comes meanwhile stays pending, until libc's
/// functions, which are called outside, look for it.
///
/// Our code calls some of those functions too, by way of std: a close, say. A thread that was cancelled there would unwind
/// through the panic boundary, and leave a lock taken.
pub(crate) struct HeldOff(c_int);

impl HeldOff {
    pub(crate) fn new() -> Self {
        let mut before = 0;
        // SAFETY: a valid state, and a place for the old one.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        Self(before)
    }
}

impl Drop for HeldOff {
    fn drop(&mut self) {
        // SAFETY: restores a state that this thread had.
        unsafe { pthread_setcancelstate(self.0, ptr::null_mut()) };
    }
}

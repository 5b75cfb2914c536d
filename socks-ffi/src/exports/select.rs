//! Rselect, Rpselect.

use std::ffi::{c_int, c_ulong};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::slice;

use libc::{fd_set, sigset_t, timespec, timeval};
use rustix::io::Errno;

use super::wait::{self, follow};
use super::{borrow, fail, guard};
use crate::ops::Decision;
use crate::ops::select::{Interest, Selecting};
use crate::sys::real;
use crate::{sys, table};

/// select(2): as [`Rpoll`](wait::Rpoll). The time left is written back, as Linux does.
///
/// # Safety
/// As select(2): each set is null or has room for `count` bits; `timeout` is null or points to a timeval.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rselect(
    count: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    timeout: *mut timeval,
) -> c_int {
    // SAFETY: the caller's promise.
    if table::nothing_intercepted() || !unsafe { Sets::new(count, [read, write, except]) }.has_ours() {
        // SAFETY: the caller's promise.
        return unsafe { real::select(count, read, write, except, timeout) };
    }
    // SAFETY: the caller's promise.
    let nanos = match unsafe { timeout.as_ref() }.map(nanos).transpose() {
        Ok(nanos) => nanos,
        Err(error) => return fail(error),
    };
    let begun = sys::now();
    // SAFETY: the caller's promise.
    let Some(ready) = (unsafe { translate(count, [read, write, except], nanos, None) }) else {
        // SAFETY: the caller's promise.
        return unsafe { real::select(count, read, write, except, timeout) };
    };
    if let Some(nanos) = nanos {
        let left = nanos.saturating_sub(sys::now().saturating_sub(begun));
        // SAFETY: the caller's promise: not null, as there is a value.
        unsafe {
            (*timeout).tv_sec = (left / 1_000_000_000) as libc::time_t;
            (*timeout).tv_usec = (left % 1_000_000_000 / 1000) as libc::suseconds_t;
        }
    }
    ready
}

/// pselect(2): as [`Rselect`]; the signal mask holds while it waits, and the timeout is left as it is.
///
/// # Safety
/// As pselect(2): as select(2), and `mask` is null or points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn Rpselect(
    count: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    let translated = if table::nothing_intercepted() || count <= 0 {
        None
    } else {
        // SAFETY: the caller's promise.
        match unsafe { wait::nanos(timeout) } {
            // SAFETY: the caller's promise.
            Ok(nanos) => unsafe { translate(count, [read, write, except], nanos, mask.as_ref()) },
            // For the kernel to refuse.
            Err(_) => None,
        }
    };
    // SAFETY: the caller's promise.
    translated.unwrap_or_else(|| unsafe { real::pselect(count, read, write, except, timeout, mask) })
}

/// What select comes to; `None` where libc's knows it all.
///
/// # Safety
/// Each set is null or has room for `count` bits.
unsafe fn translate(
    count: c_int,
    sets: [*mut fd_set; 3],
    nanos: Option<u64>,
    mask: Option<&sigset_t>,
) -> Option<c_int> {
    // SAFETY: the caller's promise.
    let mut sets = unsafe { Sets::new(count, sets) };
    if !sets.has_ours() {
        return None;
    }
    let begin = || {
        let asked = sets.asked();
        let selecting = Selecting::new(&asked, nanos);
        selecting.map_or(Decision::Pass, |selecting| Decision::Done((asked, selecting)))
    };
    let (asked, mut selecting) = match guard(begin) {
        Decision::Done(begun) => begun,
        Decision::Fail(error) => return Some(fail(error)),
        Decision::Pass | Decision::Wait(_) => return None,
    };
    let outcome = follow(&mut selecting, mask, |selecting| selecting.waiting.ask(), Selecting::digest);
    Some(match outcome {
        Ok(ready) => {
            sets.answer(selecting.met().map(|(index, met)| (asked[index].0.as_raw_fd(), met)));
            c_int::try_from(ready).unwrap_or(c_int::MAX)
        }
        Err(error) => fail(error),
    })
}

fn nanos(time: &timeval) -> Result<u64, Errno> {
    let (Ok(seconds), Ok(micros)) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_usec)) else {
        return Err(Errno::INVAL);
    };
    Ok(seconds.saturating_mul(1_000_000_000).saturating_add(micros.saturating_mul(1000)))
}

/// The bits per word of an `fd_set`.
const BITS: usize = c_ulong::BITS as usize;

/// The sets of select(2) as far as its first argument says. Programs may have larger ones than `fd_set`.
struct Sets<'a> {
    count: usize,
    words: [&'a mut [c_ulong]; 3],
}

impl Sets<'_> {
    /// # Safety
    /// Each set is null or has room for `count` bits.
    unsafe fn new(count: c_int, sets: [*mut fd_set; 3]) -> Self {
        let count = usize::try_from(count).unwrap_or(0);
        let words = sets.map(|set| {
            let (start, len) = if set.is_null() {
                (ptr::NonNull::dangling().as_ptr(), 0)
            } else {
                (set.cast::<c_ulong>(), count.div_ceil(BITS))
            };
            // SAFETY: the caller's promise; a set is an array of words.
            unsafe { slice::from_raw_parts_mut(start, len) }
        });
        Self { count, words }
    }

    /// Whether there is something in them that the kernel does not know all about.
    fn has_ours(&self) -> bool {
        (0..self.count.div_ceil(BITS)).any(|index| {
            let words = self.words.iter().filter_map(|set| set.get(index));
            let mut word = words.fold(0, |all, word| all | word);
            while word != 0 {
                let fd = index * BITS + word.trailing_zeros() as usize;
                if fd < self.count && table::is_ours(fd as c_int) {
                    return true;
                }
                // The lowest bit is done with.
                word &= word - 1;
            }
            false
        })
    }

    fn has(&self, set: usize, fd: usize) -> bool {
        self.words[set].get(fd / BITS).is_some_and(|word| word & (1 << (fd % BITS)) != 0)
    }

    /// The descriptors that stand in some set.
    fn asked<'fd>(&self) -> Vec<(BorrowedFd<'fd>, Interest)> {
        (0..self.count)
            .filter_map(|fd| {
                let [read, write, except] = [0, 1, 2].map(|set| self.has(set, fd));
                let interest = Interest { read, write, except };
                (interest != Interest::default()).then(|| borrow(fd as c_int).map(|fd| (fd, interest)))?
            })
            .collect()
    }

    /// Leaves the bits of what is met.
    fn answer(&mut self, met: impl Iterator<Item = (c_int, Interest)>) {
        for set in &mut self.words {
            for (index, word) in set.iter_mut().enumerate() {
                // Bits from `count` on are not the kernel's business either.
                let kept = self.count.saturating_sub(index * BITS).min(BITS);
                *word &= if kept == BITS { 0 } else { c_ulong::MAX << kept };
            }
        }
        for (fd, interest) in met {
            let fd = fd as usize;
            for (set, is_met) in self.words.iter_mut().zip([interest.read, interest.write, interest.except]) {
                if is_met && let Some(word) = set.get_mut(fd / BITS) {
                    *word |= 1 << (fd % BITS);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn select_sets_are_read_and_answered_up_to_their_count() {
        let mut read = [0b101 as c_ulong, 0, 0b10];
        let mut write = [0b100 as c_ulong, 0, 0];
        let count = (2 * BITS + 1) as c_int;
        let sets = [read.as_mut_ptr().cast::<fd_set>(), write.as_mut_ptr().cast(), ptr::null_mut()];
        // SAFETY: the arrays have room for `count` bits.
        let mut sets = unsafe { Sets::new(count, sets) };
        let asked: Vec<_> = sets.asked().iter().map(|(fd, interest)| (fd.as_raw_fd(), *interest)).collect();
        let reads = Interest { read: true, ..Interest::default() };
        assert_eq!(asked, [(0, reads), (2, Interest { write: true, ..reads })]);
        let writes = Interest { write: true, ..Interest::default() };
        sets.answer([(2, writes)].into_iter());
        // The bit beyond the count was never ours to clear.
        assert_eq!((read, write), ([0, 0, 0b10], [0b100, 0, 0]));
    }
}

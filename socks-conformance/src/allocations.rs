//! Counts allocations, for tests that promise none, and what of them is not given back.
//!
//! ```
//! use socks_conformance::allocations::{Counting, allocations};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//!
//! assert_eq!(allocations(|| Box::new(7)), (1, Box::new(7)));
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

/// Counts what the thread at hand allocates. Others, such as the test harness, do as they like. What is
/// [not given back](live) is that of all threads, since who gives it back may be another one.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

static LIVE: AtomicI64 = AtomicI64::new(0);

fn count() {
    // A thread that is about to end has no counter any more, and nothing that is of interest.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

/// So much more is in use now, or less.
fn grow(by: usize, less: usize) {
    // A layout is never larger than isize.
    LIVE.fetch_add(by.cast_signed() as i64 - less.cast_signed() as i64, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        grow(layout.size(), 0);
        // SAFETY: the caller's promises are those that System asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        grow(0, layout.size());
        // SAFETY: as above, and `ptr` came from System.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        grow(new_size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

/// How many bytes are in use that were allocated, by all threads.
pub fn live() -> i64 {
    LIVE.load(Ordering::Relaxed)
}

/// How many allocations `run` makes on this thread, and what it gives.
pub fn allocations<T>(run: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.get();
    let value = run();
    (COUNT.get() - before, value)
}

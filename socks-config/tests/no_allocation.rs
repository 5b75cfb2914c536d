//! A look-up allocates nothing: it is made where a signal may have interrupted `malloc`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use socks_config::Config;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn routes_without_allocation() {
    let text = "proxy 0/0 a ann pw\nnoproxy 10:20-30\nproxy .onion b/redirect=c\nproxy .x:25 d\nnoproxy ::1";
    let config = Config::parse("f", text.as_bytes()).config;
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for host in ["10.0.0.1", "192.0.2.1", "::1", "0.0.0.0", "www.onion", "www.example.", "localhost", "x", "[::1]"] {
        for port in [0, 25, 80] {
            black_box(config.route((host, port)));
        }
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before);
}

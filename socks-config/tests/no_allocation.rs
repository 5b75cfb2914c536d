//! A look-up allocates nothing: it is made where a signal may have interrupted `malloc`.

use std::hint::black_box;

use socks_config::Config;
use socks_conformance::allocations::{Counting, allocations};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn routes_without_allocation() {
    let text = "proxy 0/0 a ann pw\nnoproxy 10:20-30\nproxy .onion b/redirect=c\nproxy .x:25 d\nnoproxy ::1";
    let config = Config::parse("f", text.as_bytes()).config;
    let (count, ()) = allocations(|| {
        for host in ["10.0.0.1", "192.0.2.1", "::1", "0.0.0.0", "www.onion", "www.example.", "localhost", "x", "[::1]"]
        {
            for port in [0, 25, 80] {
                black_box(config.route((host, port)));
            }
        }
    });
    assert_eq!(count, 0);
}

//! `cargo xtask faults`: the hostile proxy against every adapter, and C programs under socksify, as one table.

use crate::table::Table;
use crate::tally::Tally;

/// Who meets it.
pub(crate) const TABLE: Table<7> = Table {
    word: "faults",
    packages: &["socks-blocking", "socks-mio", "socks-tokio", "socks-async-std", "socks-ffi"],
    tests: &["faults"],
    heads: ["cases", "survivors", "errors", "timed out", "failed", "fds leaked", "bytes leaked"],
    // How much memory may be left is for the tests to say, which then fail.
    tally: |[cases, _, _, _, failed, descriptors, _]| Tally::of_cases(cases, failed + i64::from(descriptors != 0)),
};

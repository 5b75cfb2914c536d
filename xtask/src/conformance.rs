//! `cargo xtask conformance`: every vector through everything that negotiates, as one table.

use crate::table::Table;
use crate::tally::Tally;

/// Who runs the vectors: the core in memory and over sockets, the adapters, and the C library.
pub(crate) const TABLE: Table<4> = Table {
    word: "conformance",
    packages: &[
        "socks-proto",
        "socks-conformance",
        "socks-blocking",
        "socks-mio",
        "socks-tokio",
        "socks-async-std",
        "socks-ffi",
    ],
    tests: &["vectors", "sockets", "conformance"],
    heads: ["vectors", "cases", "failed", "out of scope"],
    tally: |[_, cases, failed, _]| Tally::of_cases(cases, failed),
};

//! Python's urllib: a time limit makes it connect without blocking and poll.

use super::{Invocation, Program, error_text, seen_in_output};

const FETCH: &str = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=30).read().decode())";

/// One page with a time limit.
pub const URLLIB: Program = Program {
    name: "python-urllib",
    needs: &["python3"],
    invocation: |call| Ok(Invocation::new("python3", &["-c", FETCH, &call.url()])),
    reached: seen_in_output,
    reports: error_text,
};

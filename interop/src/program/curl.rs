//! curl: non-blocking connect and poll.

use super::{Invocation, Program, error_text, seen_in_output};

/// One page. It says the errno only when it is verbose.
pub const CURL: Program = Program {
    name: "curl",
    needs: &["curl"],
    invocation: |call| Ok(Invocation::new("curl", &["--disable", "-sSv", "--globoff", &call.url()])),
    reached: seen_in_output,
    reports: |outcome, errno| {
        match (outcome.code(), errno) {
            (Some(7), _) | (Some(28), "ETIMEDOUT") => {}
            (code, _) => return Err(format!("its exit code is {code:?}, not that of a failed connect")),
        }
        error_text(outcome, errno)
    },
};

//! wget: blocking or non-blocking connect and select.

use super::{Invocation, Program, error_text, seen_in_output};

/// With a time limit, which makes it connect without blocking.
pub const WGET: Program = Program {
    name: "wget",
    needs: &["wget"],
    services: &[],
    invocation: |call| {
        Ok(Invocation::new("wget", &["--no-config", "-nv", "-O", "-", "--tries=1", "--timeout=30", &call.url()]))
    },
    reached: seen_in_output,
    reports: error_text,
};

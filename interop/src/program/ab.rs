//! ab, the benchmark of Apache: non-blocking connects, and an epoll by libapr.

use super::{Invocation, Program, error_text, seen_in_output};

/// Two hundred pages, twenty at a time; at this level it prints the beginning of each answer that it gets, however short.
pub const AB: Program = Program {
    name: "ab",
    needs: &["ab"],
    services: &[],
    invocation: |call| Ok(Invocation::new("ab", &["-q", "-v", "4", "-n", "200", "-c", "20", "-s", "30", &call.url()])),
    reached: |outcome, seen| {
        seen_in_output(outcome, seen)?;
        // An answer of another length than that of the first has failed.
        for line in ["Complete requests:      200", "Failed requests:        0"] {
            if !outcome.stdout.contains(line) {
                return Err(format!("its output lacks `{line}`"));
            }
        }
        Ok(())
    },
    reports: error_text,
};

//! Java, whose sockets are of IPv6 whatever the address: a blocking connect, a client that waits with epoll, and a
//! selector.

use super::{Invocation, Program, error_text, seen_in_output, seen_times};

/// One page, and then twenty at once.
pub const JAVA: Program = Program {
    name: "java",
    needs: &["java", "javac"],
    services: &[],
    invocation: |call| Invocation::script("java", "java/Fetch.java", &[&call.url()]),
    reached: seen_in_output,
    reports: error_text,
};

/// Twenty pages at once by channels and one selector.
pub const NIO: Program = Program {
    name: "java nio",
    invocation: |call| Invocation::script("java", "java/Nio.java", &[&call.url()]),
    reached: |outcome, seen| seen_times(outcome, seen, 20),
    ..JAVA
};

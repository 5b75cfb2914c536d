//! Java, whose sockets are of IPv6 whatever the address: a blocking connect, and a client that waits with epoll.

use std::path::Path;

use super::{Invocation, Program, error_text, seen_in_output};

/// One page, and then twenty at once.
pub const JAVA: Program = Program {
    name: "java",
    needs: &["java", "javac"],
    invocation: |call| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/Fetch.java");
        let source = source.into_os_string().into_string().map_err(|_| anyhow::anyhow!("the path is not text"))?;
        Ok(Invocation::new("java", &[&source, &call.url()]))
    },
    reached: seen_in_output,
    reports: error_text,
};

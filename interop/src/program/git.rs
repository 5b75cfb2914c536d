//! git clone over http: git starts a program of its own that does it.

use super::{Invocation, Program, error_text};
use crate::target::HTTP_PORT;

/// A whole repository, several requests.
pub const GIT: Program = Program {
    name: "git",
    needs: &["git"],
    services: &[],
    invocation: |call| {
        let url = format!("http://{}/repo.git", call.at(HTTP_PORT));
        let folder = call.site.folder().join(format!("clone-{}", call.number));
        let off = "/dev/null".to_owned();
        Ok(Invocation {
            environment: vec![
                ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
                ("GIT_CONFIG_GLOBAL", off),
                ("GIT_TERMINAL_PROMPT", "0".to_owned()),
                // For the errno of a failed connect.
                ("GIT_TRACE_CURL", "1".to_owned()),
                ("GIT_TRACE_CURL_NO_DATA", "1".to_owned()),
            ],
            ..Invocation::new("git", &["clone", &url, &folder.display().to_string()])
        })
    },
    // git checks what it got by its hashes; whom the target saw is in the target's log.
    reached: |outcome, _| if outcome.success() { Ok(()) } else { Err("it failed".into()) },
    reports: error_text,
};

//! Chromium without a window, by a user without rights: it has no sandbox as root. The connects are those of its network
//! process.

use super::{Invocation, Program, seen_times};
use crate::process::Outcome;
use crate::target::HTTP_PORT;

/// A page and the thirty that its script fetches, as they stand in the document in the end.
pub const CHROMIUM: Program = Program {
    name: "chromium",
    needs: &["chromium"],
    services: &[],
    invocation: |call| {
        let profile = call.site.new_unprivileged_folder(&format!("chromium-{}", call.number))?;
        let profile = format!("--user-data-dir={}", profile.display());
        let mut arguments = vec!["--headless", "--disable-gpu", "--disable-quic", "--no-first-run"];
        arguments.extend(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        let url = format!("http://{}/page.html", call.at(HTTP_PORT));
        // Its own clock stands still while it fetches, and it is done when that has run so many milliseconds.
        arguments.extend([&profile, "--virtual-time-budget=1000", "--dump-dom", &url]);
        Ok(Invocation { unprivileged: true, ..Invocation::new("chromium", &arguments) })
    },
    reached: |outcome, seen| {
        // It goes on where a process was killed for a system call that the sandbox does not allow.
        match outcome.stderr.contains("seccomp-bpf failure") {
            true => Err("its sandbox killed a process".into()),
            false => seen_times(outcome, seen, 30),
        }
    },
    reports: page_failed,
};

/// It says its own name for the errno, to an exit code of 0.
fn page_failed(outcome: &Outcome, errno: &str) -> Result<(), String> {
    let name = match errno {
        "EACCES" => "ERR_NETWORK_ACCESS_DENIED",
        "ECONNREFUSED" => "ERR_CONNECTION_REFUSED",
        "ECONNRESET" => "ERR_CONNECTION_RESET",
        "ENETUNREACH" => "ERR_ADDRESS_UNREACHABLE",
        _ => return Err(format!("{errno} is missing in page_failed")),
    };
    let expected = format!("Page load failed: net::{name}\n");
    if outcome.stderr.contains(&expected) { Ok(()) } else { Err(format!("it does not say `{name}`")) }
}

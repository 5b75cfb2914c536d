//! Chromium without a window, by a user without rights: it has no sandbox as root. The connects are those of its network
//! process.

use super::{Invocation, Program, seen_in_output};
use crate::process::Outcome;

/// One page, as it stands in the document.
pub const CHROMIUM: Program = Program {
    name: "chromium",
    needs: &["chromium"],
    services: &[],
    invocation: |call| {
        let profile = call.site.new_unprivileged_folder(&format!("chromium-{}", call.number))?;
        let profile = format!("--user-data-dir={}", profile.display());
        let mut arguments = vec!["--headless", "--disable-gpu", "--disable-quic", "--no-first-run"];
        arguments.extend(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        let url = call.url();
        arguments.extend([&profile, "--dump-dom", &url]);
        Ok(Invocation { unprivileged: true, ..Invocation::new("chromium", &arguments) })
    },
    reached: seen_in_output,
    reports: error_page,
};

/// It shows a page of its own, to an exit code of 0, with its name for the errno in it.
fn error_page(outcome: &Outcome, errno: &str) -> Result<(), String> {
    let name = match errno {
        "EACCES" => "ERR_NETWORK_ACCESS_DENIED",
        "ECONNREFUSED" => "ERR_CONNECTION_REFUSED",
        "ECONNRESET" => "ERR_CONNECTION_RESET",
        "ENETUNREACH" => "ERR_ADDRESS_UNREACHABLE",
        _ => return Err(format!("{errno} is missing in error_page")),
    };
    if outcome.stdout.contains(name) { Ok(()) } else { Err(format!("its page lacks {name}")) }
}

//! FTP clients: one of the oldest, with blocking sockets, and one that polls. Passive, the client connects for the
//! data; active, it listens and the server connects.

use anyhow::Result;

use super::{Call, Invocation, Program, error_text, says_error, seen_in_output};
use crate::process::Input;
use crate::service::ftp::FTP;

/// tnftp, the `ftp` of the BSDs.
pub const TNFTP: Program = Program {
    name: "tnftp",
    needs: &["tnftp"],
    services: &[&FTP],
    invocation: |call| Ok(tnftp(call, "-p")),
    reached: seen_in_output,
    // It goes on with its script, to an exit code of 0.
    reports: |outcome, errno| says_error(&outcome.stderr, errno),
};

/// The same, active: bind, listen, accept.
pub const TNFTP_ACTIVE: Program = Program { name: "tnftp, active", invocation: |call| Ok(tnftp(call, "-A")), ..TNFTP };

/// lftp.
pub const LFTP: Program = Program {
    name: "lftp",
    needs: &["lftp"],
    services: &[&FTP],
    invocation: |call| lftp(call, "on"),
    reached: seen_in_output,
    reports: error_text,
};

/// The same, active: it polls for the accept.
pub const LFTP_ACTIVE: Program = Program { name: "lftp, active", invocation: |call| lftp(call, "off"), ..LFTP };

fn tnftp(call: &Call<'_>, mode: &str) -> Invocation {
    let address = call.at(FTP.port);
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    Invocation {
        stdin: Input::Text("user anonymous interop@example.com\nget who -\nquit\n"),
        ..Invocation::new("tnftp", &[mode, "-n", "-v", "-i", &ip, &port])
    }
}

fn lftp(call: &Call<'_>, passive: &str) -> Result<Invocation> {
    let script = format!(
        "set net:max-retries 1; set net:timeout 30; set ftp:passive-mode {passive}; set ftp:ssl-allow off; \
         debug 3; open ftp://{} && cat who",
        call.at(FTP.port)
    );
    Ok(Invocation::new("lftp", &["--norc", "-c", &script]))
}

//! FTP clients: one of the oldest, with blocking sockets, and one that polls. Passive, the client connects for the
//! data; active, it listens and the server connects.

use anyhow::Result;

use super::{Call, Invocation, Program, error_text, says_error, seen_in_output};
use crate::process::Input;
use crate::service::Service;
use crate::service::ftp::{ACTIVE, PASSIVE};

/// tnftp, the `ftp` of the BSDs.
pub const TNFTP: Program = Program {
    name: "tnftp",
    needs: &["tnftp"],
    services: &[&PASSIVE],
    invocation: |call| Ok(tnftp(call, &PASSIVE, "-p")),
    reached: seen_in_output,
    // It goes on with its script, to an exit code of 0.
    reports: |outcome, errno| says_error(&outcome.stderr, errno),
};

/// The same, active: bind, listen, accept.
pub const TNFTP_ACTIVE: Program =
    Program { name: "tnftp, active", services: &[&ACTIVE], invocation: |call| Ok(tnftp(call, &ACTIVE, "-A")), ..TNFTP };

/// lftp.
pub const LFTP: Program = Program {
    name: "lftp",
    needs: &["lftp"],
    services: &[&PASSIVE],
    invocation: |call| lftp(call, &PASSIVE, "on"),
    reached: seen_in_output,
    reports: error_text,
};

/// The same, active: it polls for the accept.
pub const LFTP_ACTIVE: Program =
    Program { name: "lftp, active", services: &[&ACTIVE], invocation: |call| lftp(call, &ACTIVE, "off"), ..LFTP };

fn tnftp(call: &Call<'_>, service: &Service, mode: &str) -> Invocation {
    let address = call.at(service.port);
    let (ip, port) = (address.host.to_string(), address.port.to_string());
    Invocation {
        stdin: Input::Text("user anonymous interop@example.com\nget who -\nquit\n"),
        ..Invocation::new("tnftp", &[mode, "-n", "-v", "-i", &ip, &port])
    }
}

fn lftp(call: &Call<'_>, service: &Service, passive: &str) -> Result<Invocation> {
    let script = format!(
        "set net:max-retries 1; set net:timeout 30; set ftp:passive-mode {passive}; set ftp:ssl-allow off; \
         debug 3; open ftp://{} && cat who",
        call.at(service.port)
    );
    Ok(Invocation::new("lftp", &["--norc", "-c", &script]))
}

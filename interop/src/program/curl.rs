//! curl: non-blocking connect and poll.

use super::{Call, Invocation, Program, error_text, seen_in_output, seen_times};
use crate::process::Outcome;
use crate::service::ftp::{ACTIVE, PASSIVE};
use crate::service::nginx::NGINX;
use crate::service::{CERTIFICATE, Service};

/// One page. It says the errno only when it is verbose.
pub const CURL: Program = Program {
    name: "curl",
    needs: &["curl"],
    services: &[],
    invocation: |call| Ok(Invocation::new("curl", &["--disable", "-sSv", "--globoff", &call.url()])),
    reached: seen_in_output,
    reports: failed_to_connect,
};

/// Thirty connections at once.
pub const PARALLEL: Program = Program {
    name: "curl --parallel",
    invocation: |call| {
        let url = format!("{}?[1-30]", call.url());
        Ok(Invocation::new("curl", &["--disable", "-sSv", "--parallel", "--parallel-immediate", &url]))
    },
    reached: |outcome, seen| seen_times(outcome, seen, 30),
    ..CURL
};

/// Thirty connections at once with TLS and HTTP/2.
pub const HTTP2: Program = Program {
    name: "curl --parallel --http2",
    services: &[&NGINX],
    invocation: |call| {
        let url = format!("https://{}/who?[1-30]", call.at(NGINX.port));
        let certificate = NGINX.folder(call.site).join(CERTIFICATE).display().to_string();
        let mut arguments = vec!["--disable", "-sSv", "--parallel", "--parallel-immediate", "--http2"];
        arguments.extend(["--write-out", "version %{http_version}\n", "--cacert", &certificate, &url]);
        Ok(Invocation::new("curl", &arguments))
    },
    reached: |outcome, seen| {
        seen_times(outcome, seen, 30)?;
        match outcome.stdout.matches("version 2\n").count() {
            30 => Ok(()),
            count => Err(format!("{count} pages, not 30, came by HTTP/2")),
        }
    },
    ..CURL
};

/// FTP where the client connects for the data.
pub const FTP: Program = Program {
    name: "curl ftp",
    services: &[&PASSIVE],
    invocation: |call| ftp(call, &PASSIVE, &["--ftp-pasv"]),
    ..CURL
};

/// FTP where the server connects for the data: to the proxy, for the client.
pub const FTP_ACTIVE: Program = Program {
    name: "curl ftp, active",
    services: &[&ACTIVE],
    // Where the server takes longer than this time, curl 7.88 looks for another address of the connection that it itself
    // waits for, and finds none.
    invocation: |call| ftp(call, &ACTIVE, &["--ftp-port", "-", "--happy-eyeballs-timeout-ms", "60000"]),
    ..CURL
};

fn ftp(call: &Call<'_>, service: &Service, options: &[&str]) -> anyhow::Result<Invocation> {
    let url = format!("ftp://{}/who", call.at(service.port));
    let mut arguments = vec!["--disable", "-sSv"];
    arguments.extend(options);
    arguments.push(&url);
    Ok(Invocation::new("curl", &arguments))
}

fn failed_to_connect(outcome: &Outcome, errno: &str) -> Result<(), String> {
    match (outcome.code(), errno) {
        (Some(7), _) | (Some(28), "ETIMEDOUT") => error_text(outcome, errno),
        (code, _) => Err(format!("its exit code is {code:?}, not that of a failed connect")),
    }
}

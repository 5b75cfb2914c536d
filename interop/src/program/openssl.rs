//! openssl s_client, which waits with select.

use super::{Invocation, Program, seen_in_output};
use crate::helper::BODY;
use crate::process::Input;
use crate::service::nginx::NGINX;
use crate::service::openssl::S_SERVER;
use crate::service::{CERTIFICATE, Service};

/// A line to s_server, which comes back backwards.
pub const S_CLIENT: Program = Program {
    name: "openssl s_client",
    needs: &["openssl"],
    services: &[&S_SERVER],
    invocation: |call| Ok(s_client(call, &S_SERVER, Input::Held("ydob-poretni\nCLOSE\n"))),
    reached: |outcome, _| match outcome.success() && outcome.stdout.lines().any(|line| line == BODY) {
        true => Ok(()),
        false => Err("the line did not come back backwards".into()),
    },
    reports: errno_number,
};

/// A request to a web server with TLS, which says whom it sees.
pub const S_CLIENT_HTTP: Program = Program {
    name: "openssl s_client, http",
    services: &[&NGINX],
    invocation: |call| Ok(s_client(call, &NGINX, Input::Held("GET /who HTTP/1.0\r\n\r\n"))),
    reached: seen_in_output,
    ..S_CLIENT
};

fn s_client(call: &super::Call<'_>, service: &Service, stdin: Input) -> Invocation {
    let certificate = service.folder(call.site).join(CERTIFICATE).display().to_string();
    let address = call.at(service.port).to_string();
    let arguments = ["s_client", "-quiet", "-verify_return_error", "-CAfile", &certificate, "-connect", &address];
    Invocation { stdin, ..Invocation::new("openssl", &arguments) }
}

/// It says `connect:errno=NUMBER`.
fn errno_number(outcome: &crate::process::Outcome, errno: &str) -> Result<(), String> {
    let number = match errno {
        "ECONNREFUSED" => 111,
        "ECONNRESET" => 104,
        "ENETUNREACH" => 101,
        _ => return Err(format!("{errno} is missing in errno_number")),
    };
    let expected = format!("connect:errno={number}");
    match !outcome.success() && outcome.stderr.lines().any(|line| line == expected) {
        true => Ok(()),
        false => Err(format!("it does not say `{expected}`")),
    }
}

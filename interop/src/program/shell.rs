//! Shells, and what they are good for: an address that one program looks up and another one connects to.

use super::{Call, Invocation, Program, error_text, seen_in_output};
use crate::target::HTTP_PORT;

/// getent finds an address, and curl gets there by the name.
pub const GETENT: Program = Program {
    name: "getent ahostsv4",
    needs: &["bash", "getent", "curl"],
    services: &[],
    invocation: |call| {
        Ok(bash(
            call,
            r#"
                getent ahostsv4 "$1"
                exec curl --disable -sSv "http://$1:$2/who"
            "#,
        ))
    },
    reached: seen_in_output,
    reports: error_text,
};

/// The address of a name goes from one process to another, as text.
pub const PIPELINE: Program = Program {
    name: "getent | curl",
    invocation: |call| {
        Ok(bash(
            call,
            r#"
                address=$(getent ahostsv4 "$1" | awk 'NR == 1 { print $1 }')
                exec curl --disable -sSv "http://$address:$2/who"
            "#,
        ))
    },
    ..GETENT
};

/// bash connects by itself.
pub const DEV_TCP: Program = Program {
    name: "bash /dev/tcp",
    needs: &["bash"],
    invocation: |call| {
        Ok(bash(
            call,
            r#"
                exec 3<>"/dev/tcp/$1/$2"
                printf 'GET /who HTTP/1.0\r\n\r\n' >&3
                exec cat <&3
            "#,
        ))
    },
    ..GETENT
};

fn bash(call: &Call<'_>, script: &str) -> Invocation {
    let place = call.at(HTTP_PORT);
    let (host, port) = (place.host.to_string(), place.port.to_string());
    Invocation::new("bash", &["-euo", "pipefail", "-c", script, "bash", &host, &port])
}

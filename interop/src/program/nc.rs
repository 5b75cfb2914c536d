//! nc: non-blocking connect and poll, then a service that speaks first.

use std::net::IpAddr;

use super::{Invocation, Program, error_text, seen_in_output};
use crate::process::{Input, Outcome};
use crate::target::LINES_PORT;

/// What to say: the service echoes the first line and ends at the second, whatever nc does at the end of its input.
pub(super) const TALK: &str = "hello\nbye\n";

/// A short talk.
pub const NC: Program = Program {
    name: "nc",
    needs: &["nc"],
    services: &[],
    invocation: |call| {
        let (ip, port) = (call.host.to_string(), call.at(LINES_PORT).port.to_string());
        Ok(Invocation { stdin: Input::Text(TALK), ..Invocation::new("nc", &["-n", "-v", &ip, &port]) })
    },
    reached: talked,
    reports: error_text,
};

pub(super) fn talked(outcome: &Outcome, seen: IpAddr) -> Result<(), String> {
    seen_in_output(outcome, seen)?;
    if outcome.stdout.contains("you said hello") { Ok(()) } else { Err("its own line did not come back".into()) }
}

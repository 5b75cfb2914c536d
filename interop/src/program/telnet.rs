//! telnet: a blocking connect and select.

use super::{Invocation, Program, error_text, nc};
use crate::process::Input;
use crate::target::LINES_PORT;

/// A short talk.
pub const TELNET: Program = Program {
    name: "telnet",
    needs: &["telnet"],
    services: &[],
    invocation: |call| {
        let (ip, port) = (call.host.to_string(), call.at(LINES_PORT).port.to_string());
        Ok(Invocation { stdin: Input::Held(nc::TALK), ..Invocation::new("telnet", &[&ip, &port]) })
    },
    reached: nc::talked,
    reports: error_text,
};

//! ssh with a command; it closes all descriptors it does not know when it starts.

use anyhow::Context;

use super::{Invocation, Program, error_text, seen_in_output};
use crate::helper::BODY;
use crate::sshd;
use crate::target::SSH_PORT;

/// One command, that says whom sshd sees.
pub const SSH: Program = Program {
    name: "ssh",
    needs: sshd::NEEDS,
    invocation: |call| {
        let sshd = call.target.sshd.as_ref().context("the target has no sshd")?;
        let mut arguments = sshd.client_arguments(call.ip, call.at(SSH_PORT).port());
        // It prints why it cannot connect at this level.
        arguments.splice(0..0, ["-o", "LogLevel=INFO"].map(str::to_owned));
        arguments.push(format!("set -- $SSH_CONNECTION; echo {BODY} peer=$1."));
        Ok(Invocation { arguments, ..Invocation::new("ssh", &[]) })
    },
    reached: seen_in_output,
    reports: error_text,
};

//! ssh with a command, and scp; ssh closes all descriptors it does not know when it starts.

use anyhow::Context;

use super::{Invocation, Program, error_text, hello_in_output, seen_in_output};
use crate::helper::BODY;
use crate::sshd;
use crate::target::SSH_PORT;

/// One command, that says whom sshd sees.
pub const SSH: Program = Program {
    name: "ssh",
    needs: sshd::NEEDS,
    services: &[],
    invocation: |call| {
        let sshd = call.target.sshd.as_ref().context("the target has no sshd")?;
        let mut arguments = sshd.client_arguments(call.host, call.at(SSH_PORT).port);
        // It prints why it cannot connect at this level.
        arguments.splice(0..0, ["-o", "LogLevel=INFO"].map(str::to_owned));
        arguments.push(format!("set -- $SSH_CONNECTION; echo {BODY} peer=$1."));
        Ok(Invocation { arguments, ..Invocation::new("ssh", &[]) })
    },
    reached: seen_in_output,
    reports: error_text,
};

/// A file; scp starts an ssh.
pub const SCP: Program = Program {
    name: "scp",
    needs: &["scp", "sshd", "ssh", "ssh-keygen"],
    services: &[],
    invocation: |call| {
        let sshd = call.target.sshd.as_ref().context("the target has no sshd")?;
        let to = call.site.folder().join(format!("scp-{}", call.number));
        let mut arguments: Vec<String> = ["-o", "LogLevel=INFO", "-P"].map(str::to_owned).into();
        arguments.push(call.at(SSH_PORT).port.to_string());
        arguments.extend(sshd.client_options());
        arguments.push(format!("{}@{}:{}", sshd.user(), call.host, call.target.hello.display()));
        arguments.push(to.display().to_string());
        Ok(Invocation { arguments, writes: Some(to), ..Invocation::new("scp", &[]) })
    },
    // Whom the target saw is in sshd's log.
    reached: hello_in_output,
    reports: error_text,
};

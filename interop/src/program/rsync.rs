//! rsync: by its own protocol, and by ssh.

use anyhow::Context;

use super::{Invocation, Program, error_text, hello_in_output, seen_in_output};
use crate::service;
use crate::target::SSH_PORT;

/// A file from a daemon.
pub const RSYNC: Program = Program {
    name: "rsync",
    needs: &["rsync"],
    services: &[&service::rsync::RSYNC],
    invocation: |call| {
        let from = format!("rsync://{}/web/who", call.at(service::rsync::RSYNC.port));
        let to = call.site.folder().join(format!("rsync-{}", call.number));
        let invocation = Invocation::new("rsync", &["--contimeout=30", &from, &to.display().to_string()]);
        Ok(Invocation { writes: Some(to), ..invocation })
    },
    reached: seen_in_output,
    reports: error_text,
};

/// A file from an sshd: rsync starts an ssh.
pub const RSYNC_SSH: Program = Program {
    name: "rsync -e ssh",
    needs: &["rsync", "sshd", "ssh", "ssh-keygen"],
    services: &[],
    invocation: |call| {
        let sshd = call.target.sshd.as_ref().context("the target has no sshd")?;
        let options = sshd.client_options().join(" ");
        let ssh = format!("ssh -p {} {options}", call.at(SSH_PORT).port);
        let from = format!("{}@{}:{}", sshd.user(), call.host, call.target.hello.display());
        let to = call.site.folder().join(format!("rsync-{}", call.number));
        let invocation = Invocation::new("rsync", &["-e", &ssh, &from, &to.display().to_string()]);
        Ok(Invocation { writes: Some(to), ..invocation })
    },
    // Whom the target saw is in sshd's log.
    reached: hello_in_output,
    reports: error_text,
};

//! An FTP server, which takes both kinds of data connections, and only from the address of the control connection.

use std::path::Path;

use super::Service;
use crate::netns::Node;
use crate::process::Daemon;

/// Debian's own, which has Debian's packages; another may come before it in PATH.
const PYTHON: &str = "/usr/bin/python3";

/// pyftpdlib. Its file `who` says whom the control connection comes from.
pub const FTP: Service = Service {
    name: "ftp",
    needs: &[PYTHON, "/usr/lib/python3/dist-packages/pyftpdlib/__init__.py"],
    port: 2121,
    daemon: |service, site, folder| {
        let mut command = site.network.command(Node::Target, PYTHON);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/ftpd.py"));
        command.arg(service.port.to_string()).arg(folder);
        Daemon::start(service.name, command, &folder.with_extension("log"))
    },
};

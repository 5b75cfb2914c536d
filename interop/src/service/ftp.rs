//! FTP servers, one for each kind of data connections. Those have the addresses of the control connection, or none.

use std::path::Path;

use anyhow::Result;

use super::Service;
use crate::netns::Node;
use crate::process::Daemon;
use crate::setup::Site;

/// Debian's own, which has Debian's packages; another may come before it in PATH.
const PYTHON: &str = "/usr/bin/python3";

/// pyftpdlib, to which the client connects for the data. Its file `who` says whom the control connection comes from.
pub const PASSIVE: Service = Service {
    name: "ftp-passive",
    needs: &[PYTHON, "/usr/lib/python3/dist-packages/pyftpdlib/__init__.py"],
    port: 2121,
    daemon: |service, site, folder| start(service, site, folder, "passive"),
};

/// The same, which connects to the client for the data.
pub const ACTIVE: Service = Service {
    name: "ftp-active",
    port: 2122,
    daemon: |service, site, folder| start(service, site, folder, "active"),
    ..PASSIVE
};

fn start(service: &Service, site: &Site, folder: &Path, mode: &str) -> Result<Daemon> {
    let mut command = site.network.command(Node::Target, PYTHON);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/ftpd.py"));
    command.arg(service.port.to_string()).arg(folder).arg(mode);
    Daemon::start(service.name, command, &folder.with_extension("log"))
}

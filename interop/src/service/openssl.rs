//! openssl s_server.

use super::{CERTIFICATE, KEY, Service, make_certificate};
use crate::netns::Node;
use crate::process::Daemon;

/// It says every line backwards.
pub const S_SERVER: Service = Service {
    name: "openssl",
    needs: &["openssl"],
    port: 4433,
    daemon: |service, site, folder| {
        make_certificate(folder)?;
        let mut command = site.network.command(Node::Target, "openssl");
        command.args(["s_server", "-rev", "-quiet", "-accept", &service.port.to_string()]);
        command.arg("-cert").arg(folder.join(CERTIFICATE)).arg("-key").arg(folder.join(KEY));
        Daemon::start(service.name, command, &folder.join("log"))
    },
};

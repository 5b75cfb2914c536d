//! `ssh -D`, through an sshd in the same namespace.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::Result;

use super::Server;
use crate::netns::{Node, PROXY_NEAR};
use crate::process::Daemon;
use crate::setup::Site;
use crate::sshd::{self, Sshd};

/// The dynamic forward. It has no word for a refusal: it hangs up where the reply should come.
pub const DYNAMIC: Server =
    Server { name: "ssh-D", needs: sshd::NEEDS, port: 1084, login: false, closed_target: "ECONNRESET", daemons };

const SSHD_PORT: u16 = 2201;

fn daemons(server: &Server, site: &Site, folder: &Path) -> Result<Vec<Daemon>> {
    let far = Sshd::start(site, Node::Proxy, "ssh-D-sshd", SSHD_PORT)?;
    let mut command = site.network.command(Node::Proxy, "ssh");
    command.args(["-N", "-o", "ExitOnForwardFailure=yes"]);
    for ip in PROXY_NEAR {
        command.arg("-D").arg(server.at(ip).to_string());
    }
    command.args(far.client_arguments(IpAddr::V4(Ipv4Addr::LOCALHOST), far.port()));
    let near = Daemon::start(server.name, command, &folder.join("log"))?;
    Ok(vec![near, far.into_daemon()])
}

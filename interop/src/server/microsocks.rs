//! The smallest server in use; it takes one message per read.

use std::path::Path;

use anyhow::Result;

use super::Server;
use crate::accounts::{self, PASSWORD, USER};
use crate::netns::Node;
use crate::process::Daemon;
use crate::setup::Site;

/// Without a login.
pub const NONE: Server = Server {
    name: "microsocks",
    needs: &["microsocks"],
    port: 1082,
    login: false,
    closed_target: "ECONNREFUSED",
    daemons,
};

/// With `-u` and `-P`.
pub const LOGIN: Server = Server { name: "microsocks-login", port: 1083, login: true, ..NONE };

fn daemons(server: &Server, site: &Site, folder: &Path) -> Result<Vec<Daemon>> {
    accounts::write_hosts(folder)?;
    let mut command = site.network.command_with_hosts(Node::Proxy, folder, "microsocks");
    // Both families by one socket.
    command.args(["-i", "::", "-p", &server.port.to_string()]);
    if server.login {
        command.args(["-u", USER, "-P", PASSWORD]);
    }
    Ok(vec![Daemon::start(server.name, command, &folder.join("log"))?])
}

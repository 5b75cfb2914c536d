//! The embedded proxy of `socks-conformance`: it is always there.

use std::path::Path;

use anyhow::Result;

use super::Server;
use crate::accounts::{PASSWORD, USER};
use crate::netns::Node;
use crate::process::Daemon;
use crate::setup::Site;

/// Without a login.
pub const NONE: Server =
    Server { name: "embedded", needs: &[], port: 1086, login: false, closed_target: "ECONNREFUSED", daemons };

/// With user name and password.
pub const LOGIN: Server = Server { name: "embedded-login", port: 1087, login: true, ..NONE };

fn daemons(server: &Server, site: &Site, folder: &Path) -> Result<Vec<Daemon>> {
    let mut command = site.helper(Node::Proxy, &["socks", &server.port.to_string()]);
    if server.login {
        command.args([USER, PASSWORD]);
    }
    Ok(vec![Daemon::start(server.name, command, &folder.join("log"))?])
}

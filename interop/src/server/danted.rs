//! Dante's server.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Server;
use crate::accounts;
use crate::netns::{Node, PROXY_FAR, PROXY_NEAR};
use crate::process::Daemon;
use crate::setup::Site;

/// Without a login.
pub const NONE: Server =
    Server { name: "danted", needs: &["danted"], port: 1080, login: false, closed_target: "ECONNREFUSED", daemons };

/// With user name and password, which it looks up among the accounts of the system.
pub const LOGIN: Server = Server { name: "danted-login", port: 1081, login: true, ..NONE };

/// What it does, and the answers to that which it lets through.
const COMMANDS: &str = "bind connect udpassociate bindreply udpreply";

fn daemons(server: &Server, site: &Site, folder: &Path) -> Result<Vec<Daemon>> {
    let config = folder.join("danted.conf");
    let port = server.port;
    let method = if server.login { "username" } else { "none" };
    let mut text = String::new();
    for ip in PROXY_NEAR {
        text += &format!("internal: {ip} port = {port}\n");
    }
    for ip in PROXY_FAR {
        text += &format!("external: {ip}\n");
    }
    // Of several external addresses take the one that the route to the target has.
    text += "external.rotation: route\nlogoutput: stderr\nclientmethod: none\n";
    text += &format!("socksmethod: {method}\n");
    if site.network.is_root() {
        text += "user.privileged: root\nuser.unprivileged: nobody\n";
    }
    text += "client pass {\n  from: 0/0 to: 0/0\n}\n";
    // One option per line, or it does not parse.
    text += &format!("socks pass {{\n  from: 0/0 to: 0/0\n  command: {COMMANDS}\n  log: connect error\n}}\n");
    fs::write(&config, text)?;

    accounts::write(folder)?;
    let mut command = site.network.command_with_mounts(Node::Proxy, accounts::MOUNT, folder, "danted");
    command.arg("-f").arg(config);
    Ok(vec![Daemon::start(server.name, command, &folder.join("log"))?])
}

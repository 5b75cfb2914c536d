//! Tor without its network, for its refusals.
//!
//! `DisableNetwork 1` would close the SOCKS port as well, so the namespace has to keep it in: no route leads out.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Server;
use crate::netns::{Node, PROXY_NEAR};
use crate::process::Daemon;
use crate::setup::Site;

/// Its SOCKS port. A private address is refused at once with the general failure.
pub const TOR: Server =
    Server { name: "tor", needs: &["tor"], port: 1085, login: false, closed_target: "ECONNREFUSED", daemons };

fn daemons(server: &Server, site: &Site, folder: &Path) -> Result<Vec<Daemon>> {
    let config = folder.join("torrc");
    let empty = folder.join("empty");
    let mut text = format!("DataDirectory {}\nLog notice stdout\n", folder.join("data").display());
    for ip in PROXY_NEAR {
        text += &format!("SocksPort {}\n", server.at(ip));
    }
    fs::write(&config, text)?;
    fs::write(&empty, "")?;
    let mut command = site.network.command(Node::Proxy, "tor");
    command.arg("--defaults-torrc").arg(empty).arg("-f").arg(config);
    Ok(vec![Daemon::start(server.name, command, &folder.join("log"))?])
}

//! The SOCKS servers. A new one: a file with a `Server`, its name here and in a section of the plan.

pub mod danted;
pub mod embedded;
pub mod microsocks;
pub mod ssh;
pub mod tor;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::Result;

use crate::netns::{Node, PROXY_NEAR};
use crate::process::Daemon;
use crate::setup::Site;

/// A SOCKS server and one way of setting it up.
pub struct Server {
    /// Its name in the matrix; also that of its folder.
    pub name: &'static str,
    /// The programs that must be installed.
    pub needs: &'static [&'static str],
    /// Its own port: they run side by side.
    pub port: u16,
    /// Whether it wants the user and password of [`accounts`](crate::accounts).
    pub login: bool,
    /// The errno of a wrapped connect to a target that refuses.
    pub closed_target: &'static str,
    /// Starts what it is made of, in the proxy's namespace with files in a new folder; they need not be ready.
    pub daemons: fn(&Self, &Site, &Path) -> Result<Vec<Daemon>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Server {
    /// Starts it and waits until the client's side of it listens.
    pub fn start(&self, site: &Site) -> Result<Running> {
        let folder = site.new_folder(self.name)?;
        let mut daemons = (self.daemons)(self, site, &folder)?;
        for ip in PROXY_NEAR {
            if let Some(front) = daemons.first_mut() {
                front.wait_until(|| site.listens(Node::Client, self.at(ip)))?;
            }
        }
        Ok(Running { daemons })
    }

    /// Its port at one of the proxy's addresses.
    pub fn at(&self, ip: IpAddr) -> SocketAddr {
        SocketAddr::new(ip, self.port)
    }
}

/// A server that runs; it ends on drop.
#[derive(Debug)]
pub struct Running {
    /// The one that speaks SOCKS is the first.
    daemons: Vec<Daemon>,
}

impl Running {
    /// The whole log of the one that speaks SOCKS.
    pub fn log(&self) -> String {
        self.daemons.first().map(Daemon::log).unwrap_or_default()
    }

    /// The ends of all its logs.
    pub fn log_tail(&self) -> String {
        self.daemons.iter().map(Daemon::log_tail).collect()
    }
}

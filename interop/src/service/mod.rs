//! What some programs want to find at the target. A new one: a file with a `Service`, its name here and in a program.

pub mod ftp;
pub mod nginx;
pub mod openssl;
pub mod postgres;
pub mod redis;
pub mod rsync;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::netns::{Node, TARGET, TARGET_NAME};
use crate::process::{Daemon, command, run_tool};
use crate::setup::Site;

/// A service of the target that starts when the first program wants it.
pub struct Service {
    /// Its name; also that of its folder.
    pub name: &'static str,
    /// The programs that must be installed.
    pub needs: &'static [&'static str],
    /// Where it listens, on all addresses.
    pub port: u16,
    /// Starts it in the target's namespace with files in a new folder; it need not be ready.
    pub daemon: fn(&Self, &Site, &Path) -> Result<Daemon>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Service {
    /// Starts it and waits until it listens.
    pub fn start(&self, site: &Site) -> Result<Daemon> {
        let folder = site.new_folder(&self.folder_name())?;
        let mut daemon = (self.daemon)(self, site, &folder)?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port);
        daemon.wait_until(|| site.listens(Node::Target, address))?;
        Ok(daemon)
    }

    /// The folder of its files.
    pub fn folder(&self, site: &Site) -> PathBuf {
        site.folder().join(self.folder_name())
    }

    fn folder_name(&self) -> String {
        format!("target-{}", self.name)
    }
}

/// The name of the certificate of a service that has one; a client may trust it as it is.
pub const CERTIFICATE: &str = "certificate.pem";
/// The name of its key.
const KEY: &str = "key.pem";

/// Makes a throw-away certificate for the target's addresses and its name.
fn make_certificate(folder: &Path) -> Result<()> {
    let mut openssl = command("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=interop", "-addext"]);
    openssl.arg(format!("subjectAltName=IP:{},IP:{},DNS:{TARGET_NAME}", TARGET[0], TARGET[1]));
    openssl.arg("-keyout").arg(folder.join(KEY)).arg("-out").arg(folder.join(CERTIFICATE));
    run_tool(openssl).map(|_| ())
}

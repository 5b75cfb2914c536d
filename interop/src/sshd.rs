//! An sshd of our own with throw-away keys: a target, and the far half of `ssh -D`.

use std::fmt::Display;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::accounts;
use crate::netns::Node;
use crate::process::{Daemon, command, find, run_tool};
use crate::setup::Site;

/// What has to be installed for [`Sshd::start`] and a client for it.
pub const NEEDS: &[&str] = &["sshd", "ssh", "ssh-keygen"];

/// A running sshd.
#[derive(Debug)]
pub struct Sshd {
    daemon: Daemon,
    folder: PathBuf,
    user: String,
    port: u16,
}

impl Sshd {
    /// Starts it in `node`, on all addresses, with its files in a new folder `name`.
    pub fn start(site: &Site, node: Node, name: &str, port: u16) -> Result<Self> {
        let folder = site.new_folder(name)?;
        for key in ["host_key", "user_key"] {
            let mut keygen = command("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"]).arg(folder.join(key));
            run_tool(keygen)?;
        }
        fs::copy(folder.join("user_key.pub"), folder.join("authorized_keys"))?;
        let files = folder.display();
        let config = folder.join("sshd_config");
        fs::write(
            &config,
            format!(
                "Port {port}\nHostKey {files}/host_key\nAuthorizedKeysFile {files}/authorized_keys\n\
                 StrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n\
                 KbdInteractiveAuthentication no\nUsePAM no\nUseDNS no\nPrintMotd no\nPrintLastLog no\nPidFile none\n\
                 LogLevel VERBOSE\nSubsystem sftp internal-sftp\n"
            ),
        )?;
        // It starts itself anew for each connection, by this path.
        let sshd = find("sshd").context("sshd is not installed")?;
        let (mut command, user) = if site.network.is_root() {
            accounts::write(&folder)?;
            (site.network.command_with_mounts(node, accounts::MOUNT, &folder, sshd), "root".to_owned())
        } else {
            accounts::write_hosts(&folder)?;
            (site.network.command_with_hosts(node, &folder, sshd), run_tool(id())?.trim().to_owned())
        };
        command.args(["-D", "-e", "-f"]).arg(config);
        let mut daemon = Daemon::start(name, command, &folder.join("log"))?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        daemon.wait_until(|| site.listens(node, address))?;
        Ok(Self { daemon, folder, user, port })
    }

    /// Arguments for ssh to log in at `host`, with no file of the user's read.
    pub fn client_arguments(&self, host: impl Display, port: u16) -> Vec<String> {
        let mut all: Vec<String> = ["-p", &port.to_string(), "-l", &self.user].map(str::to_owned).into();
        all.extend(self.client_options());
        all.extend(["-o", "LogLevel=ERROR"].map(str::to_owned));
        all.push(host.to_string());
        all
    }

    /// The arguments of these that scp takes as well, and says nothing of how much is logged.
    pub fn client_options(&self) -> Vec<String> {
        let identity = self.folder.join("user_key").display().to_string();
        let options = [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=/dev/null",
        ];
        let mut all: Vec<String> = ["-F", "/dev/null", "-i", &identity].map(str::to_owned).into();
        all.extend(options.iter().flat_map(|&option| ["-o".to_owned(), option.to_owned()]));
        all
    }

    /// The user to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The whole log so far.
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// The process itself, to keep it only.
    pub fn into_daemon(self) -> Daemon {
        self.daemon
    }
}

fn id() -> std::process::Command {
    let mut id = command("id");
    id.arg("-un");
    id
}

//! The daemon of rsync.

use std::fs;

use super::Service;
use crate::helper::BODY;
use crate::netns::Node;
use crate::process::Daemon;

/// Its module `web` has a file `who`, written anew for each client: it says whom the daemon sees.
pub const RSYNC: Service = Service {
    name: "rsync",
    needs: &["rsync"],
    port: 8730,
    daemon: |service, site, folder| {
        let web = folder.join("web");
        fs::create_dir(&web)?;
        let mut text = String::from("use chroot = no\nread only = yes\nlog file = /dev/stderr\n");
        if site.network.is_root() {
            text += "uid = 0\ngid = 0\n";
        }
        let web = web.display();
        text += &format!("[web]\npath = {web}\npre-xfer exec = echo {BODY} peer=$RSYNC_HOST_ADDR. >{web}/who\n");
        let config = folder.join("rsyncd.conf");
        fs::write(&config, text)?;
        let mut command = site.network.command(Node::Target, "rsync");
        command.args(["--daemon", "--no-detach", &format!("--port={}", service.port)]).arg("--config").arg(config);
        Daemon::start(service.name, command, &folder.join("log"))
    },
};

//! Redis.

use super::Service;
use crate::netns::Node;
use crate::process::Daemon;

/// Empty, and keeps nothing.
pub const REDIS: Service = Service {
    name: "redis",
    needs: &["redis-server"],
    port: 6379,
    daemon: |service, site, folder| {
        let mut command = site.network.command(Node::Target, "redis-server");
        command.args(["--port", &service.port.to_string(), "--bind", "0.0.0.0", "::", "--protected-mode", "no"]);
        command.args(["--save", "", "--dir"]).arg(folder);
        Daemon::start(service.name, command, &folder.join("log"))
    },
};

//! PostgreSQL with a cluster of its own.

use std::fs::File;
use std::io::Write;

use super::Service;
use crate::netns::Node;
use crate::process::{Daemon, run_tool};

/// Its only user, who needs no password.
pub const USER: &str = "interop";

/// A new, empty cluster. It refuses to run as root.
pub const POSTGRES: Service = Service {
    name: "postgres",
    needs: &["initdb", "postgres"],
    port: 5432,
    daemon: |service, site, folder| {
        let own = site.new_unprivileged_folder("postgres")?;
        let data = own.join("data");
        let mut initdb = site.network.unprivileged_command(Node::Target, "initdb");
        initdb.args(["--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8", "--username", USER, "--pgdata"]);
        initdb.arg(&data);
        run_tool(initdb)?;
        let mut access = File::options().append(true).open(data.join("pg_hba.conf"))?;
        access.write_all(b"host all all all trust\n")?;
        let mut command = site.network.unprivileged_command(Node::Target, "postgres");
        command.arg("-D").arg(&data).args(["-p", &service.port.to_string(), "-c", "fsync=off"]);
        command.args(["-c", "listen_addresses=*", "-c", &format!("unix_socket_directories={}", own.display())]);
        Daemon::start(service.name, command, &folder.join("log"))
    },
};

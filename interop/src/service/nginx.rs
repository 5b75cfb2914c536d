//! nginx with TLS and HTTP/2.

use std::fs;

use super::{CERTIFICATE, KEY, Service, make_certificate};
use crate::helper::BODY;
use crate::netns::Node;
use crate::process::Daemon;

/// `https://.../who` says whom it sees, by HTTP/2 and older ones.
pub const NGINX: Service = Service {
    name: "nginx",
    needs: &["nginx", "openssl"],
    port: 8443,
    daemon: |service, site, folder| {
        make_certificate(folder)?;
        let port = service.port;
        let mut text = String::from("daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {}\n");
        text += &format!("http {{\naccess_log off;\n{TEMPORARY}server {{\n");
        text += &format!("listen 0.0.0.0:{port} ssl http2;\nlisten [::]:{port} ssl http2 ipv6only=on;\n");
        text += &format!("ssl_certificate {CERTIFICATE};\nssl_certificate_key {KEY};\ndefault_type text/plain;\n");
        text += &format!("location = /who {{ return 200 \"{BODY} peer=$remote_addr.\\n\"; }}\n}}\n}}\n");
        let config = folder.join("nginx.conf");
        fs::write(&config, text)?;
        let mut command = site.network.command(Node::Target, "nginx");
        command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(config);
        Daemon::start(service.name, command, &folder.join("log"))
    },
};

/// Every folder that nginx makes at its start, whether it needs it or not, relative to that of `-p`.
pub const TEMPORARY: &str = "\
client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\n\
scgi_temp_path scgi;\n";

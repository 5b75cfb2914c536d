//! nginx as a reverse proxy whose upstream is the target: it registers its sockets with epoll before it connects
//! them, in workers of another user.

use std::fs;

use super::{Invocation, Program, error_text, seen_times};
use crate::service::nginx::TEMPORARY;
use crate::target::HTTP_PORT;

/// Two workers, asked by curl for twenty pages at once over the client's loopback.
pub const NGINX: Program = Program {
    name: "nginx proxy_pass",
    needs: &["nginx", "curl"],
    services: &[],
    invocation: |call| {
        let folder = call.site.new_folder(&format!("nginx-{}", call.number))?;
        // Of this cell alone: the nginx before may still be going.
        let own = 20_000 + call.number;
        let mut text = format!("pid {0}/pid;\nerror_log {0}/error.log;\n", folder.display());
        text += "worker_processes 2;\nevents {}\n";
        text += &format!("http {{\naccess_log off;\n{TEMPORARY}server {{\nlisten 127.0.0.1:{own};\n");
        text += &format!("location / {{ proxy_pass http://{}; }}\n}}\n}}\n", call.at(HTTP_PORT));
        fs::write(folder.join("nginx.conf"), text)?;
        let url = format!("http://127.0.0.1:{own}/who?[1-20]");
        Ok(Invocation::new("sh", &["-ec", SCRIPT, "sh", &folder.display().to_string(), &url]))
    },
    reached: |outcome, seen| seen_times(outcome, seen, 20),
    reports: error_text,
};

/// nginx has its sockets before it goes to the background.
const SCRIPT: &str = r#"
    nginx -e "$1/error.log" -p "$1" -c "$1/nginx.conf"
    code=0
    curl --disable -sS --fail --parallel --parallel-immediate "$2" || code=$?
    cat "$1/error.log" >&2
    nginx -e "$1/error.log" -p "$1" -c "$1/nginx.conf" -s stop
    exit $code
"#;

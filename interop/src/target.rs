//! What the programs want to reach, and who came to it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::helper::BODY;
use crate::netns::{Node, PROXY_FAR};
use crate::process::{Daemon, command, find, run_tool};
use crate::setup::Site;
use crate::sshd::{self, Sshd};

/// The web server.
pub const HTTP_PORT: u16 = 8080;
/// The service that speaks first.
pub const LINES_PORT: u16 = 7007;
/// The sshd.
pub const SSH_PORT: u16 = 2200;
/// Nobody listens here. Browsers go to no port that is not likely to be of the web.
pub const CLOSED_PORT: u16 = 8081;

/// `page.html`: a page whose script asks thirty times at once whom the server sees, and shows the answers.
const PAGE: &str = "<!doctype html><title>page</title><script>
const who = (_, i) => fetch('/who?' + i).then((answer) => answer.text());
Promise.all(Array.from({ length: 30 }, who)).then((answers) => { document.body.textContent = answers.join(''); });
</script>
";

/// The services in the target's namespace, and a web server in the client's own, for what stays local.
#[derive(Debug)]
pub struct Target {
    http: Daemon,
    lines: Daemon,
    _local_http: Daemon,
    /// A file with one line, [`BODY`].
    pub hello: PathBuf,
    /// `None` where it is not installed.
    pub sshd: Option<Sshd>,
}

impl Target {
    /// Starts all of them.
    pub fn start(site: &Site) -> Result<Self> {
        let web = site.new_folder("web")?;
        let work = site.new_folder("work")?;
        fs::write(web.join("page.html"), PAGE)?;
        let hello = work.join("hello");
        fs::write(&hello, format!("{BODY}\n"))?;
        if find("git").is_some() {
            make_repository(&work, &web)?;
        }
        let folder = web.display().to_string();
        let http = helper(site, Node::Target, "http", HTTP_PORT, &[&folder])?;
        let lines = helper(site, Node::Target, "lines", LINES_PORT, &[])?;
        let local_http = helper(site, Node::Client, "http", HTTP_PORT, &[&folder])?;
        let installed = sshd::NEEDS.iter().all(|name| find(name).is_some());
        let sshd = installed.then(|| Sshd::start(site, Node::Target, "target-sshd", SSH_PORT)).transpose()?;
        Ok(Self { http, lines, _local_http: local_http, hello, sshd })
    }

    /// How many connections came from a proxy, and every line about one that did not.
    pub fn visitors(&self) -> (usize, Vec<String>) {
        let sshd = self.sshd.as_ref().map(Sshd::log).unwrap_or_default();
        // The services log `from ADDRESS:PORT`, sshd `Connection from ADDRESS port PORT on ...`.
        visitors(&(self.http.log() + &self.lines.log() + &sshd.replace("Connection from ", "from ")))
    }
}

/// As [`Target::visitors`], of the log of any helper.
pub fn visitors(log: &str) -> (usize, Vec<String>) {
    let mut good = 0;
    let mut bad = Vec::new();
    for line in log.lines() {
        let Some(peer) = line.strip_prefix("from ") else { continue };
        let peer = peer.split(" port ").next().unwrap_or(peer);
        let ip = peer.parse::<SocketAddr>().map(|a| a.ip()).or_else(|_| peer.parse::<IpAddr>());
        match ip {
            Ok(ip) if PROXY_FAR.contains(&ip) => good += 1,
            // The question whether it is ready.
            Ok(ip) if ip.is_loopback() => {}
            _ => bad.push(line.to_owned()),
        }
    }
    (good, bad)
}

fn helper(site: &Site, node: Node, service: &str, port: u16, rest: &[&str]) -> Result<Daemon> {
    let port_text = port.to_string();
    let mut arguments = vec![service, &port_text];
    arguments.extend(rest);
    let name = format!("{node:?}-{service}").to_lowercase();
    let log = site.folder().join(format!("{name}.log"));
    let mut daemon = Daemon::start(&name, site.helper(node, &arguments), &log)?;
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    daemon.wait_until(|| site.listens(node, address))?;
    Ok(daemon)
}

/// A repository that a web server without a notion of git can serve: `repo.git` with what is in `work`.
fn make_repository(work: &Path, web: &Path) -> Result<()> {
    let bare = web.join("repo.git");
    let git = |arguments: &[&str]| {
        let mut git = command("git");
        git.args(["-c", "user.name=interop", "-c", "user.email=interop@example.com", "-c", "init.defaultBranch=main"]);
        git.args(["-c", "protocol.file.allow=always", "-C"]).arg(work).args(arguments);
        git.env("HOME", work).env("GIT_CONFIG_NOSYSTEM", "1");
        run_tool(git)
    };
    git(&["init", "--quiet"])?;
    git(&["add", "hello"])?;
    git(&["commit", "--quiet", "--message", "hello"])?;
    git(&["clone", "--quiet", "--bare", ".", &bare.display().to_string()])?;
    git(&["--git-dir", &bare.display().to_string(), "update-server-info"])?;
    Ok(())
}

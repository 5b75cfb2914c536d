//! What all cells of the matrix share: the network, a folder for files, the wrapper under test.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::netns::{Network, Node, Unavailable};
use crate::process;
use crate::server::{Running, Server};
use crate::target::Target;

/// The network and the folder: all that a server needs to start.
#[derive(Debug)]
pub struct Site {
    /// The namespaces.
    pub network: Network,
    helper: PathBuf,
    /// Last, as the others have files in it.
    folder: TempDir,
}

impl Site {
    /// Makes the network. `helper` is the program `interop-node`.
    pub fn new(helper: &Path) -> Result<Self, Unavailable> {
        let folder = tempfile::Builder::new().prefix("interop-").tempdir();
        let folder = folder.map_err(|e| Unavailable(format!("no temporary folder: {e}")))?;
        let network = Network::new(&folder.path().join("net"))?;
        Ok(Self { network, helper: helper.to_owned(), folder })
    }

    /// The folder of all files of this run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a folder of this name in it.
    pub fn new_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder().join(name);
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    }

    /// The helper in `node`, with its arguments.
    pub fn helper(&self, node: Node, arguments: &[&str]) -> Command {
        let mut command = self.network.command(node, &self.helper);
        command.args(arguments);
        command
    }

    /// Whether someone listens there, as `node` sees it.
    pub fn listens(&self, node: Node, address: SocketAddr) -> Result<bool> {
        let probe = self.helper(node, &["probe", &address.to_string()]);
        Ok(process::run(probe, "", Duration::from_secs(10))?.success())
    }
}

/// Everything that runs, for as long as the matrix does.
#[derive(Debug)]
pub struct Setup {
    /// Started when the first cell asks, as a filter may leave most of them out.
    servers: RefCell<HashMap<&'static str, Result<Running, String>>>,
    /// What the programs want to reach.
    pub target: Target,
    socksify: Option<PathBuf>,
    /// Last: it ends everything.
    pub site: Site,
}

impl Setup {
    /// Starts the target in `site`.
    pub fn new(site: Site, socksify: Option<PathBuf>) -> Result<Self> {
        let target = Target::start(&site)?;
        fs::create_dir(site.folder().join("home"))?;
        Ok(Self { servers: RefCell::default(), target, socksify, site })
    }

    /// Starts the server, unless it runs already.
    pub fn start(&self, server: &'static Server) -> Result<(), String> {
        let mut servers = self.servers.borrow_mut();
        let running =
            servers.entry(server.name).or_insert_with(|| server.start(&self.site).map_err(|e| format!("{e:#}")));
        running.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// The ends of the logs of a server.
    pub fn log_tail(&self, server: &Server) -> String {
        match self.servers.borrow().get(server.name) {
            Some(Ok(running)) => running.log_tail(),
            _ => String::new(),
        }
    }

    /// A command in the client, which comes out with its own configuration only; wrapped if `socksrc` is given.
    pub fn client(&self, program: &Path, socksrc: Option<&Path>) -> Result<Command> {
        let network = &self.site.network;
        let mut command = match (socksrc, &self.socksify) {
            (None, _) => network.command(Node::Client, program),
            (Some(_), None) => bail!("there is no socksify to wrap {} with", program.display()),
            (Some(socksrc), Some(socksify)) => {
                let mut command = network.command(Node::Client, socksify);
                command.arg(program).env("SOCKSRC", socksrc);
                command
            }
        };
        command.env("HOME", self.site.folder().join("home"));
        Ok(command)
    }
}

/// The `socksify` to test: `$SOCKSIFY`, or the one built beside this test.
pub fn find_socksify() -> Result<PathBuf> {
    if let Some(path) = env::var_os("SOCKSIFY") {
        // Not resolved: it looks for its libraries from where it is installed.
        let path = std::path::absolute(&path)?;
        fs::metadata(&path).with_context(|| format!("SOCKSIFY={}", path.display()))?;
        return Ok(path);
    }
    // target/debug/deps/matrix-0123 → target/debug/socksify
    let test = env::current_exe()?;
    let beside = test.ancestors().nth(2).map(|folder| folder.join("socksify"));
    match beside {
        Some(path) if path.is_file() => Ok(path),
        _ => bail!("no socksify: build it first (`cargo xtask test` does), or name it in SOCKSIFY"),
    }
}

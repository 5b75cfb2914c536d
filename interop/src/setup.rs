//! What all cells of the matrix share: the network, a folder for files, the wrapper under test.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::netns::{Beyond, NOBODY, Network, Node, Unavailable};
use crate::process::{self, Daemon, Input};
use crate::server::{Running, Server};
use crate::service::Service;
use crate::target::Target;

/// The homes of the programs.
const HOME: &str = "home";
const HOME_UNPRIVILEGED: &str = "home-unprivileged";

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
    pub fn new(helper: &Path, beyond: Beyond) -> Result<Self, Unavailable> {
        let folder = tempfile::Builder::new().prefix("interop-").tempdir();
        let folder = folder.map_err(|e| Unavailable(format!("no temporary folder: {e}")))?;
        // What refuses to run as root has to find its files in here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))
            .map_err(|e| Unavailable(format!("{}: {e}", folder.path().display())))?;
        let network = Network::new(&folder.path().join("net"), beyond)?;
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

    /// Makes a folder of this name that belongs to the user of
    /// [`unprivileged_command`](Network::unprivileged_command).
    pub fn new_unprivileged_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.new_folder(name)?;
        if self.network.is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY)).with_context(|| folder.display().to_string())?;
        }
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
        Ok(process::run(probe, Input::default(), Duration::from_secs(10))?.success())
    }
}

/// What runs by its name, and why something does not: started when the first cell asks, as a filter may leave most of
/// it out.
#[derive(Debug)]
struct Started<T>(RefCell<HashMap<&'static str, Result<T, String>>>);

impl<T> Started<T> {
    /// Starts it, unless that was tried before.
    fn start(&self, name: &'static str, start: impl FnOnce() -> Result<T>) -> Result<(), String> {
        let mut all = self.0.borrow_mut();
        let running = all.entry(name).or_insert_with(|| start().map_err(|e| format!("{e:#}")));
        running.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// The end of its log.
    fn log_tail(&self, name: &str, log_tail: impl FnOnce(&T) -> String) -> String {
        match self.0.borrow().get(name) {
            Some(Ok(running)) => log_tail(running),
            _ => String::new(),
        }
    }
}

impl<T> Default for Started<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

/// Everything that runs, for as long as the matrix does.
#[derive(Debug)]
pub struct Setup {
    servers: Started<Running>,
    services: Started<Daemon>,
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
        site.new_folder(HOME)?;
        site.new_unprivileged_folder(HOME_UNPRIVILEGED)?;
        Ok(Self { servers: Started::default(), services: Started::default(), target, socksify, site })
    }

    /// Starts the server, unless it runs already.
    pub fn start(&self, server: &'static Server) -> Result<(), String> {
        self.servers.start(server.name, || server.start(&self.site))
    }

    /// Starts the service of the target, unless it runs already.
    pub fn start_service(&self, service: &'static Service) -> Result<(), String> {
        self.services.start(service.name, || service.start(&self.site))
    }

    /// The ends of the logs of a server.
    pub fn log_tail(&self, server: &Server) -> String {
        self.servers.log_tail(server.name, Running::log_tail)
    }

    /// The end of the log of a service of the target.
    pub fn service_log_tail(&self, service: &Service) -> String {
        self.services.log_tail(service.name, Daemon::log_tail)
    }

    /// The wrapper, if there is one.
    pub fn socksify(&self) -> Option<&Path> {
        self.socksify.as_deref()
    }

    /// A command in the client, which comes out with its own configuration only; wrapped if `socksrc` is given.
    pub fn client(&self, program: &Path, socksrc: Option<&Path>, unprivileged: bool) -> Result<Command> {
        let network = &self.site.network;
        let begin = |program: &Path| match unprivileged {
            true => network.unprivileged_command(Node::Client, program),
            false => network.command(Node::Client, program),
        };
        let mut command = match (socksrc, &self.socksify) {
            (None, _) => begin(program),
            (Some(_), None) => bail!("there is no socksify to wrap {} with", program.display()),
            (Some(socksrc), Some(socksify)) => {
                let mut command = if unprivileged { begin(&self.copy(socksify)?) } else { begin(socksify) };
                command.arg(program).env("SOCKSRC", socksrc);
                command
            }
        };
        let home = self.site.folder().join(if unprivileged { HOME_UNPRIVILEGED } else { HOME });
        // The names that the proxy resolves are kept there, for all programs of one run.
        command.env("HOME", &home).env("XDG_RUNTIME_DIR", home);
        Ok(command)
    }

    /// A copy of the wrapper and its libraries for users who may not look into the folder it was built in.
    fn copy(&self, socksify: &Path) -> Result<PathBuf> {
        let folder = self.site.folder().join("socksify");
        let copy = folder.join("socksify");
        if !copy.exists() {
            fs::create_dir(&folder)?;
            for library in ["libsocks.so.0", "libsockswrap.so.0"] {
                let from = socksify.with_file_name(library);
                fs::copy(&from, folder.join(library)).with_context(|| from.display().to_string())?;
            }
            fs::copy(socksify, &copy)?;
        }
        Ok(copy)
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

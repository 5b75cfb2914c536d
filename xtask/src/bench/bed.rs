//! What the sections need: the libraries as they are installed, C programs, configurations.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, getrlimit};
use tempfile::TempDir;

use crate::run::{self, find_program};

/// Where a connect through the proxy is to lead: an address for documentation (RFC 5737), which is nobody's. Not one of
/// the loopback, as not every wrapper lets those be anything but local.
pub(super) const TARGET: (&str, u16) = ("203.0.113.1", 7);

/// What the programs include.
const HEADERS: [(&str, &str); 2] = [("bench.h", include_str!("bench.h")), ("floor.h", include_str!("floor.h"))];

/// An installed release, in a folder that goes with it.
pub(super) struct Bed {
    folder: TempDir,
    _remover: Remover,
    compiler: PathBuf,
}

/// Removes a folder when this process has gone, if it is still there then: interrupted, nothing here could.
struct Remover {
    shell: Child,
}

impl Bed {
    /// Builds the libraries for release and installs them into a folder of their own.
    ///
    /// # Errors
    /// There is no C compiler, or the build fails.
    pub(super) fn new() -> Result<Self> {
        let bed = Self::bare()?;
        // By the command that users have, whose list of files says nothing here. Below /usr, so that each run builds the
        // same.
        let mut install = Command::new(env::current_exe().context("where this program is")?);
        install.args(["install", "--prefix=/usr", "--destdir"]).arg(bed.path("root"));
        run::output(&mut install)?;
        Ok(bed)
    }

    /// As [`Bed::new`], without the libraries.
    ///
    /// # Errors
    /// There is no C compiler.
    pub(super) fn bare() -> Result<Self> {
        let Some(compiler) = ["cc", "gcc", "clang"].into_iter().find_map(find_program) else {
            bail!("the bench needs a C compiler");
        };
        let folder = tempfile::tempdir().context("a folder for the bench")?;
        for (name, text) in HEADERS {
            fs::write(folder.path().join(name), text)?;
        }
        let remover = Remover::of(folder.path())?;
        Ok(Self { folder, _remover: remover, compiler })
    }

    pub(super) fn socksify(&self) -> PathBuf {
        self.folder.path().join("root/usr/bin/socksify")
    }

    /// The value of LD_PRELOAD, as socksify sets it.
    pub(super) fn preload(&self) -> String {
        let libraries = self.folder.path().join("root/usr/lib");
        ["libsockswrap.so.0", "libsocks.so.0"].map(|name| libraries.join(name).display().to_string()).join(":")
    }

    /// Compiles a program.
    ///
    /// # Errors
    /// The compiler's.
    pub(super) fn compile(&self, name: &str, source: &str) -> Result<PathBuf> {
        let program = self.folder.path().join(name);
        let file = program.with_extension("c");
        fs::write(&file, source)?;
        let mut compile = Command::new(&self.compiler);
        run::succeed(compile.args(["-O2", "-pthread", "-o"]).arg(&program).arg(&file))?;
        Ok(program)
    }

    /// Writes a configuration.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn socksrc(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// A path in the folder, for a section's own use.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a program has in its environment: with a configuration, it is wrapped.
    pub(super) fn variables(&self, socksrc: Option<&Path>) -> Vec<String> {
        let mut variables = vec![format!("PATH={}", env::var("PATH").unwrap_or_default())];
        if let Some(socksrc) = socksrc {
            variables.push(format!("SOCKSRC={}", socksrc.display()));
            variables.push(format!("LD_PRELOAD={}", self.preload()));
        }
        variables
    }

    /// A program in this environment and no other.
    pub(super) fn command(&self, program: &Path, socksrc: Option<&Path>) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        command.envs(self.variables(socksrc).iter().filter_map(|variable| variable.split_once('=')));
        command
    }
}

impl Remover {
    fn of(folder: &Path) -> Result<Self> {
        let mut shell = Command::new("sh");
        // Its input ends when this process does. In a group of its own, out of reach of what interrupts this one.
        shell.args(["-c", "cat; rm -rf -- \"$1\"", "sh"]).arg(folder).stdin(Stdio::piped()).process_group(0);
        Ok(Self { shell: shell.spawn().context("a shell to clean up")? })
    }
}

impl Drop for Remover {
    fn drop(&mut self) {
        // Waiting closes its input.
        let _ = self.shell.wait();
    }
}

/// Beside its sockets a program has a few descriptors more, and a wrapped one for each way to wait.
const OTHER_DESCRIPTORS: usize = 100;

/// Whether a program that raises its limit may have so many sockets.
///
/// # Errors
/// It may not; the error says how many.
pub(super) fn allow_sockets(count: usize) -> Result<()> {
    let most = getrlimit(Resource::Nofile).maximum.and_then(|most| usize::try_from(most).ok());
    match most {
        Some(most) if count + OTHER_DESCRIPTORS > most => bail!("a process may have {most} descriptors here"),
        _ => Ok(()),
    }
}

/// [`TARGET`] as arguments.
pub(super) fn target() -> [String; 2] {
    [TARGET.0.to_owned(), TARGET.1.to_string()]
}

//! The tarball, used as somebody does who has it, a toolchain and nothing else.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::source;
use crate::{reproduce, run};

/// Packages whose tests need no program of this machine.
const TESTED: [&str; 3] = ["--package=socks-proto", "--package=socks-config", "--package=socks-blocking"];

/// Unpacks, tests and installs, in folders of its own.
///
/// # Errors
/// Any of it fails.
pub(super) fn run(tarball: &Path) -> Result<()> {
    let folder = TempDir::new().context("a folder to unpack in")?;
    run::succeed(Command::new("tar").current_dir(folder.path()).args(["--extract", "--gzip", "--file"]).arg(tarball))?;
    let verify = Verify { tree: folder.path().join(source::name()), home: folder.path().join("home") };
    fs::create_dir(&verify.home)?;
    let root = folder.path().join("root");
    run::succeed(verify.cargo(["test", "--locked", "--quiet"]).args(TESTED))?;
    let destdir = format!("--destdir={}", root.display());
    run::output(&mut verify.cargo(["xtask", "install", "--prefix=/usr", &destdir]))?;
    for file in reproduce::files() {
        println!("{}  {file}", reproduce::sha256(&root.join(&file))?);
    }
    let vendored = verify.home.join("registry");
    ensure!(!vendored.exists(), "cargo downloaded something although all crates are there");
    println!("the tarball builds, passes its tests and installs without a network");
    Ok(())
}

struct Verify {
    tree: PathBuf,
    /// Empty: nothing that cargo has downloaded before.
    home: PathBuf,
}

impl Verify {
    /// A cargo that cannot reach anybody but this machine.
    fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Only root may have a network of its own for the asking. The tests need its loopback.
        let isolated = run::is_root() && ["unshare", "ip"].iter().all(|program| run::find_program(program).is_some());
        let mut command = if isolated {
            let mut unshare = Command::new("unshare");
            unshare.args(["--net", "sh", "-ec", "ip link set lo up; exec \"$0\" \"$@\""]).arg(cargo);
            unshare
        } else {
            Command::new(cargo)
        };
        command.current_dir(&self.tree).args(arguments);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO") && name != "CARGO_BUILD_JOBS") {
                command.env_remove(name);
            }
        }
        command.env("CARGO_HOME", &self.home).env("CARGO_NET_OFFLINE", "true");
        command
    }
}

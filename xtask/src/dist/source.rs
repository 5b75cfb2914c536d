//! The tarball: the tree of HEAD, and all crates that its lock file names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::{VERSION, epoch};
use crate::run;

/// The name of the folder in it, and its own in front of the ending.
pub(super) fn name() -> String {
    format!("libsocks-{VERSION}")
}

/// Makes the tarball in `out`.
pub(super) fn pack(out: &Path) -> Result<PathBuf> {
    let folder = TempDir::new().context("a folder for the tarball")?;
    let tree = folder.path().join(name());
    export(folder.path())?;
    vendor(&tree)?;
    let packed = folder.path().join("packed.tar");
    let mut tar = Command::new("tar");
    tar.current_dir(folder.path()).args(["--create", "--format=gnu", "--sort=name", "--owner=0", "--group=0"]);
    tar.args(["--numeric-owner", "--mode=u=rwX,go=rX"]).arg(format!("--mtime=@{}", epoch()?));
    run::succeed(tar.arg("--file").arg(&packed).arg(name()))?;
    // Without a name and a time of its own.
    run::succeed(Command::new("gzip").args(["--no-name", "--best"]).arg(&packed))?;
    let tarball = out.join(format!("{}.tar.gz", name()));
    fs::copy(packed.with_extension("tar.gz"), &tarball).with_context(|| format!("writing {}", tarball.display()))?;
    Ok(tarball)
}

/// The tree of HEAD, in a folder with the [name] of the tarball. What is not committed is not in it.
fn export(folder: &Path) -> Result<()> {
    let mut status = Command::new("git");
    status.current_dir(run::root()).args(["status", "--porcelain"]);
    if !run::output(&mut status)?.is_empty() {
        eprintln!("xtask: the tarball is of the last commit; the tree has changes since");
    }
    let archive = folder.join("head.tar");
    let mut git = Command::new("git");
    git.current_dir(run::root()).args(["archive", "--format=tar"]).arg(format!("--prefix={}/", name()));
    run::succeed(git.arg("--output").arg(&archive).arg("HEAD"))?;
    run::succeed(Command::new("tar").current_dir(folder).arg("--extract").arg("--file").arg(&archive))?;
    fs::remove_file(&archive)?;
    Ok(())
}

/// Has cargo look for crates in `vendor` and nowhere else.
const SOURCES: &str = "
# All crates are in this tarball.
[source.crates-io]
replace-with = \"vendored\"

[source.vendored]
directory = \"vendor\"
";

/// Lays the crates into `vendor`, and has cargo look there and nowhere else.
fn vendor(tree: &Path) -> Result<()> {
    // With the versions in the names of their folders, as in cargo's own: what is built names both alike.
    let mut vendor = run::cargo(["vendor", "--locked", "--quiet", "--versioned-dirs"]);
    // The fuzz targets are a workspace of their own.
    if tree.join("fuzz/Cargo.toml").is_file() {
        vendor.arg("--sync=fuzz/Cargo.toml");
    }
    run::output(vendor.current_dir(tree).arg("vendor"))?;
    let path = tree.join(".cargo/config.toml");
    let config = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let text = format!("{config}{SOURCES}");
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

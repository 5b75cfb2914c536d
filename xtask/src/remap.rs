//! Folders of the machine that builds, kept out of what it builds: where a panic names a source file, it names it alike
//! wherever the tree, cargo's crates and the build folder are.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// The variables of cargo with flags for rustc, the one that it looks at first in front.
const ENCODED: &str = "CARGO_ENCODED_RUSTFLAGS";
const PLAIN: &str = "RUSTFLAGS";
/// Between two flags in [`ENCODED`].
const SEPARATOR: &str = "\x1f";

/// Has a cargo that builds below `target` leave out the folders of this machine. Flags that are in the environment stay.
///
/// # Errors
/// It is unknown where cargo keeps its crates.
pub(crate) fn folders(cargo: &mut Command, target: &Path) -> Result<()> {
    let mut flags = flags();
    for (from, to) in names(target)? {
        // Later ones go first.
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    }
    cargo.env(ENCODED, flags.join(OsStr::new(SEPARATOR)));
    Ok(())
}

/// Those of the environment.
fn flags() -> Vec<OsString> {
    let split = |name: &str, separator: &str| {
        let flags = env::var_os(name)?.into_string().ok()?;
        let flags = flags.split(separator).map(str::trim).filter(|flag| !flag.is_empty());
        Some(flags.map(OsString::from).collect())
    };
    split(ENCODED, SEPARATOR).or_else(|| split(PLAIN, " ")).unwrap_or_default()
}

/// Folders, and the names that stand for them: a crate has the same one from the registry and from `vendor`.
fn names(target: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
    let root = run::root();
    let mut names = vec![(root.clone(), "/libsocks"), (root.join("vendor"), "/crates"), (target.to_owned(), "/target")];
    // A folder for each registry. There is none where all crates are in `vendor`.
    for registry in fs::read_dir(cargo_home()?.join("registry/src")).into_iter().flatten().flatten() {
        names.push((registry.path(), "/crates"));
    }
    Ok(names)
}

/// The folder with all that cargo downloads.
///
/// # Errors
/// Nothing says where it is.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    match env::var_os("CARGO_HOME") {
        Some(home) => Ok(home.into()),
        None => Ok(env::home_dir().context("no home folder, and no CARGO_HOME")?.join(".cargo")),
    }
}

//! `cargo xtask dist`: what a release consists of.

mod control;
mod debian;
mod source;
mod verify;

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::{reproduce, run};

/// Makes a tarball of HEAD with all crates in it, which builds without a network, and Debian packages of the tree.
///
/// Both come out the same each time. Beside each file is one with its SHA-256.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to; target/dist unless given.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Make one of the two only.
    #[arg(long, value_name = "WHAT")]
    only: Option<Part>,
    /// Unpack the tarball, and build, test and install from it without a network and without what cargo has already.
    #[arg(long)]
    verify: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Source,
    Debian,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let out = arguments.out.clone().unwrap_or_else(|| run::root().join("target/dist"));
    fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
    let out = out.canonicalize()?;
    if arguments.only != Some(Part::Debian) {
        let tarball = source::pack(&out)?;
        tell(&tarball)?;
        if arguments.verify {
            verify::run(&tarball)?;
        }
    } else if arguments.verify {
        bail!("there is no tarball to verify without its source");
    }
    if arguments.only != Some(Part::Source) {
        for package in debian::pack(&out)? {
            tell(&package)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the sum of a file beside it, as sha256sum(1) checks it, and says both.
fn tell(file: &Path) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let line = format!("{}  {name}\n", reproduce::sha256(file)?);
    let beside = file.with_file_name(format!("{name}.sha256"));
    fs::write(&beside, &line).with_context(|| format!("writing {}", beside.display()))?;
    print!("{line}");
    Ok(())
}

/// The time that files get, in seconds: what SOURCE_DATE_EPOCH says, else that of the last commit; in an unpacked tarball,
/// that of its files.
fn epoch() -> Result<u64> {
    if let Ok(seconds) = env::var("SOURCE_DATE_EPOCH") {
        return seconds.parse().with_context(|| format!("SOURCE_DATE_EPOCH is {seconds:?}"));
    }
    let mut git = Command::new("git");
    git.current_dir(run::root()).args(["log", "-1", "--format=%ct"]).stderr(Stdio::null());
    // An unpacked tarball may lie within the tree of something else.
    if run::root().join(".git").exists() {
        return run::output(&mut git)?.trim().parse().context("the time of the last commit");
    }
    Ok(fs::metadata(run::root().join("Cargo.toml"))?.mtime().try_into()?)
}

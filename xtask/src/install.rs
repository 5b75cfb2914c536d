//! `cargo xtask install`: the libraries, the header, the command and the manual pages, each where it belongs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::run::{self, find_program, is_root};
use crate::stage::{LIBRARIES, Profile, link, stage_with};

/// What the other commands say at their end.
pub(crate) const HINT: &str = "to install it for good: cargo xtask install --prefix /usr/local";

/// What follows the soname in the name of a library's file.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Tells the build where the library is to look for its configuration, unless that is [`USUAL_SYSCONFDIR`].
const VARIABLE: &str = "SOCKS_SYSCONFDIR_SOCKSRC";
const USUAL_SYSCONFDIR: &str = "/etc";

/// Builds and installs libsocks, libsockswrap, socks.h, socksify and a first socksrc.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to: bin, lib, include and share/man are in here.
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// Where socksrc is.
    #[arg(long, default_value = USUAL_SYSCONFDIR)]
    sysconfdir: PathBuf,
    /// Put in front of all paths, to make a package.
    #[arg(long)]
    destdir: Option<PathBuf>,
}

impl Arguments {
    /// Where an absolute path ends up.
    fn place(&self, path: &Path) -> PathBuf {
        match &self.destdir {
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_path_buf(),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    for folder in [&arguments.prefix, &arguments.sysconfdir] {
        if !folder.is_absolute() {
            bail!("{} is not absolute", folder.display());
        }
    }
    let socksrc = arguments.sysconfdir.join("socksrc");
    let unusual = arguments.sysconfdir != Path::new(USUAL_SYSCONFDIR);
    let staged = stage_with(Profile::Release, unusual.then_some((VARIABLE, socksrc.as_path())))?;
    let prefix = arguments.place(&arguments.prefix);

    let lib = prefix.join("lib");
    for (built, soname) in LIBRARIES {
        let file = format!("{built}.{VERSION}");
        copy(&staged.dir.join(built), &lib.join(&file), 0o644)?;
        link(&file, &lib.join(soname))?;
        link(soname, &lib.join(built))?;
    }
    copy(&staged.dir.join("libsocks.a"), &lib.join("libsocks.a"), 0o644)?;
    copy(&staged.socksify, &prefix.join("bin/socksify"), 0o755)?;

    let source = run::root().join("socks-ffi");
    copy(&source.join("include/socks.h"), &prefix.join("include/socks.h"), 0o644)?;
    manual(&source.join("man"), &prefix.join("share/man"))?;

    let socksrc = arguments.place(&socksrc);
    if socksrc.exists() {
        println!("{} is there and stays as it is", socksrc.display());
    } else {
        copy(&run::root().join("socks-config/socksrc"), &socksrc, 0o644)?;
    }
    if arguments.destdir.is_none() {
        refresh_loader();
    }
    Ok(ExitCode::SUCCESS)
}

/// Pages such as `socks.3` go to `man3`.
fn manual(from: &Path, to: &Path) -> Result<()> {
    let Ok(pages) = fs::read_dir(from) else { return Ok(()) };
    for page in pages {
        let page = page?.path();
        let section = page.extension().and_then(|section| section.to_str()).unwrap_or_default();
        if let (Some(name), "1" | "3" | "5") = (page.file_name(), section) {
            copy(&page, &to.join(format!("man{section}")).join(name), 0o644)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    // A new file under the name, so that programs that run keep the old one.
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).with_context(|| format!("copying {} to {}", from.display(), fresh.display()))?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(mode))?;
    fs::rename(&fresh, to).with_context(|| format!("writing {}", to.display()))?;
    println!("{}", to.display());
    Ok(())
}

/// The loader finds libraries in a folder like /usr/local/lib by a list that ldconfig makes.
fn refresh_loader() {
    let done =
        is_root() && find_program("ldconfig").is_some_and(|ldconfig| run::succeed(&mut Command::new(ldconfig)).is_ok());
    if !done {
        println!("run ldconfig as root for programs to find the libraries");
    }
}

//! `cargo xtask install`: the libraries, the header, the command and the manual pages, each where it belongs.

mod layout;
mod loader;
mod manifest;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use self::layout::Layout;
use self::manifest::Manifest;
use self::tree::Tree;
use crate::stage::{Profile, stage_with};

/// What the other commands say at their end.
pub(crate) const HINT: &str = "to install it for good: cargo xtask install --prefix /usr/local";

/// Tells the build where the library is to look for its configuration, unless that is [`USUAL_SYSCONFDIR`].
const SOCKSRC_VARIABLE: &str = "SOCKS_SYSCONFDIR_SOCKSRC";
const USUAL_SYSCONFDIR: &str = "/etc";
/// Tells the build where socksify is to look for its library, if that is not near it.
const LIBDIR_VARIABLE: &str = "SOCKS_LIBDIR";

/// Builds and installs libsocks, libsockswrap, socks.h, socksify, socksconnect, their manual pages and a first socksrc.
///
/// What it puts where stands in PREFIX/share/libsocks/manifest, by which --uninstall removes exactly that.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to: bin, include and share are in here.
    #[arg(long, value_name = "FOLDER", default_value = "/usr/local")]
    prefix: PathBuf,
    /// Where the libraries go; PREFIX/lib unless given.
    #[arg(long, value_name = "FOLDER")]
    libdir: Option<PathBuf>,
    /// Where socksrc is; PREFIX/etc unless given, but /etc where PREFIX is /usr.
    #[arg(long, value_name = "FOLDER")]
    sysconfdir: Option<PathBuf>,
    /// Put in front of all paths, to make a package.
    #[arg(long, value_name = "FOLDER")]
    destdir: Option<PathBuf>,
    /// Remove what was installed under PREFIX, but no socksrc that was changed since.
    #[arg(long, conflicts_with_all = ["libdir", "sysconfdir"])]
    uninstall: bool,
}

impl Arguments {
    /// Paths as the installed files see them.
    fn layout(&self) -> Result<Layout> {
        let prefix = absolute(&self.prefix)?;
        let libdir = self.libdir.as_deref().map_or_else(|| Ok(prefix.join("lib")), absolute)?;
        let usual = || if prefix == Path::new("/usr") { USUAL_SYSCONFDIR.into() } else { prefix.join("etc") };
        let sysconfdir = self.sysconfdir.as_deref().map_or_else(|| Ok(usual()), absolute)?;
        Ok(Layout { prefix, libdir, sysconfdir })
    }

    /// What stands before all paths while they are written.
    fn root(&self) -> Result<PathBuf> {
        let destdir = self.destdir.as_deref().unwrap_or_else(|| Path::new("/"));
        std::path::absolute(destdir).with_context(|| format!("what folder {} is", destdir.display()))
    }
}

/// A folder that may stand in a manifest, in a .pc file and on a command line.
fn absolute(folder: &Path) -> Result<PathBuf> {
    let plain = |text: &str| !text.contains(|c: char| c.is_whitespace() || matches!(c, ':' | ';' | '$' | '"' | '\\'));
    if !folder.is_absolute() || folder.components().any(|part| part.as_os_str() == "..") {
        bail!("{} is no absolute path", folder.display());
    }
    if !folder.to_str().is_some_and(plain) {
        bail!("{}: LD_PRELOAD and pkg-config take no such characters", folder.display());
    }
    // Without doubled or trailing slashes.
    Ok(folder.components().collect())
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let layout = arguments.layout()?;
    let root = arguments.root()?;
    let installed = Manifest::read(&root, &layout.manifest())?;
    if arguments.uninstall {
        let Some(installed) = installed else {
            bail!(
                "nothing was installed under {}: there is no {}",
                layout.prefix.display(),
                layout.manifest().display()
            );
        };
        Tree::new(root, installed, layout.manifest()).remove(&layout::default_socksrc()?)?;
    } else {
        let socksrc = layout.socksrc();
        let unusual = layout.sysconfdir != Path::new(USUAL_SYSCONFDIR);
        let mut variables = vec![(LIBDIR_VARIABLE, layout.libdir.as_path())];
        variables.extend(unusual.then_some((SOCKSRC_VARIABLE, socksrc.as_path())));
        let staged = stage_with(Profile::Release, &variables)?;
        let mut tree = Tree::new(root, installed.unwrap_or_default(), layout.manifest());
        // Written down also where it ends half-way.
        let done = layout.lay_out(&staged, &mut tree);
        tree.finish(done.is_ok())?;
        done?;
        if arguments.destdir.is_none() {
            loader::refresh(&layout.libdir);
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(prefix: &str, sysconfdir: Option<&str>) -> Result<Layout> {
        let arguments = Arguments {
            prefix: prefix.into(),
            libdir: None,
            sysconfdir: sysconfdir.map(PathBuf::from),
            destdir: None,
            uninstall: false,
        };
        arguments.layout()
    }

    #[test]
    fn the_configuration_is_under_the_prefix_unless_that_is_the_systems() {
        let socksrc = |prefix, sysconfdir| layout(prefix, sysconfdir).expect("good paths").socksrc();
        assert_eq!(socksrc("/usr/local/", None), Path::new("/usr/local/etc/socksrc"));
        assert_eq!(socksrc("/usr", None), Path::new("/etc/socksrc"));
        assert_eq!(socksrc("/opt/socks", Some("/etc/opt")), Path::new("/etc/opt/socksrc"));
    }

    #[test]
    fn paths_that_cannot_be_written_down_are_refused() {
        for prefix in ["usr", "", "/opt/../etc", "/opt/my socks", "/opt/a:b", "/opt/$x"] {
            assert!(layout(prefix, None).is_err(), "{prefix}");
        }
    }
}

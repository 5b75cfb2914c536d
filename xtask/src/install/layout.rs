//! What is installed, and where.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::tree::Tree;
use crate::man;
use crate::run;
use crate::stage::{COMMANDS, LIBRARIES, Staged};

/// What follows the soname in the name of a library's file.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The pages name this; what is installed names the true place.
const SOCKSRC_OF_THE_PAGES: &str = "/etc/socksrc";

/// The folders, as the installed files see them.
pub(super) struct Layout {
    pub(super) prefix: PathBuf,
    pub(super) libdir: PathBuf,
    pub(super) sysconfdir: PathBuf,
}

impl Layout {
    pub(super) fn socksrc(&self) -> PathBuf {
        self.sysconfdir.join("socksrc")
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.prefix.join("share/libsocks/manifest")
    }

    /// Puts everything in its place.
    pub(super) fn lay_out(&self, staged: &Staged, tree: &mut Tree) -> Result<()> {
        let source = run::root().join("socks-ffi");
        for (built, soname) in LIBRARIES {
            let file = format!("{built}.{VERSION}");
            tree.file(&self.libdir.join(&file), &read(&staged.dir.join(built))?, 0o644)?;
            tree.link(&self.libdir.join(soname), &file)?;
            tree.link(&self.libdir.join(built), soname)?;
        }
        tree.file(&self.libdir.join("libsocks.a"), &read(&staged.dir.join("libsocks.a"))?, 0o644)?;
        for command in COMMANDS {
            tree.file(&self.prefix.join("bin").join(command), &read(&staged.dir.join(command))?, 0o755)?;
        }
        tree.file(&self.prefix.join("include/socks.h"), &read(&source.join("include/socks.h"))?, 0o644)?;
        for name in ["socks.pc", "socks-remap.pc"] {
            let template = read_text(&source.join("pkgconfig").join(format!("{name}.in")))?;
            tree.file(&self.libdir.join("pkgconfig").join(name), self.fill_in(&template).as_bytes(), 0o644)?;
        }
        self.manual(&source.join("man"), tree)?;
        tree.configuration(&self.socksrc(), &default_socksrc()?)
    }

    fn fill_in(&self, template: &str) -> String {
        let fields = [("@PREFIX@", &self.prefix), ("@LIBDIR@", &self.libdir), ("@SYSCONFDIR@", &self.sysconfdir)];
        let filled = fields
            .iter()
            .fold(template.to_owned(), |text, (field, folder)| text.replace(field, &folder.to_string_lossy()));
        filled.replace("@VERSION@", VERSION)
    }

    /// The pages, and under the name of each function one that leads to that of all.
    fn manual(&self, from: &Path, tree: &mut Tree) -> Result<()> {
        let man = self.prefix.join("share/man");
        for page in man::PAGES {
            let text = read_text(&from.join(page))?.replace(SOCKSRC_OF_THE_PAGES, &self.socksrc().to_string_lossy());
            tree.file(&man.join(man::folder(page)).join(page), text.as_bytes(), 0o644)?;
        }
        for function in man::functions()? {
            let link = format!(".so man3/{}\n", man::LIBRARY_PAGE);
            tree.file(&man.join(format!("man3/{function}.3")), link.as_bytes(), 0o644)?;
        }
        Ok(())
    }
}

/// The file that is installed where there is none.
pub(super) fn default_socksrc() -> Result<Vec<u8>> {
    read(&run::root().join("socks-config/socksrc"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

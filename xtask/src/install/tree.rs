//! Files that are put in their place, and removed from it.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::manifest::{Kind, Manifest};

/// The place of an installation, what was there of it, and what is now.
pub(super) struct Tree {
    root: PathBuf,
    before: Manifest,
    now: Manifest,
    manifest: PathBuf,
}

/// Where a path is written: below `root`, which is `/` or the folder that a package is made in.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

impl Tree {
    pub(super) fn new(root: PathBuf, before: Manifest, manifest: PathBuf) -> Self {
        Self { root, before, now: Manifest::default(), manifest }
    }

    /// Writes a file. A new one under the name, so that programs that run keep the old one.
    pub(super) fn file(&mut self, path: &Path, content: &[u8], mode: u32) -> Result<()> {
        self.put(Kind::File, path, |fresh| {
            fs::write(fresh, content)?;
            fs::set_permissions(fresh, fs::Permissions::from_mode(mode))
        })
    }

    /// Makes a symbolic link.
    pub(super) fn link(&mut self, path: &Path, to: &str) -> Result<()> {
        self.put(Kind::File, path, |fresh| symlink(to, fresh))
    }

    /// Writes a file that its users change: where there is one already, the new one is laid beside it.
    pub(super) fn configuration(&mut self, path: &Path, content: &[u8]) -> Result<()> {
        let write = |fresh: &Path| {
            fs::write(fresh, content)?;
            fs::set_permissions(fresh, fs::Permissions::from_mode(0o644))
        };
        let place = below(&self.root, path);
        // A link that leads nowhere is somebody's, too.
        if fs::symlink_metadata(&place).is_err() {
            return self.put(Kind::Configuration, path, write);
        }
        if self.before.has(path) {
            self.now.add(Kind::Configuration, path);
        }
        if fs::read(&place).is_ok_and(|found| found == content) {
            println!("{} is there already", place.display());
            return Ok(());
        }
        let beside = path.with_extension("default");
        println!("{} is another one and stays; what would be installed:", place.display());
        self.put(Kind::File, &beside, write)
    }

    fn put(&mut self, kind: Kind, path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
        let place = below(&self.root, path);
        self.folder(path.parent().unwrap_or(path))?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = place.with_file_name(name);
        let made = fs::remove_file(&fresh).or_else(ignore_missing).and_then(|()| make(&fresh));
        made.and_then(|()| fs::rename(&fresh, &place)).with_context(|| format!("writing {}", place.display()))?;
        self.now.add(kind, path);
        println!("{}", place.display());
        Ok(())
    }

    /// Makes a folder, and notes those on the way to it that were not there.
    fn folder(&mut self, path: &Path) -> Result<()> {
        let place = below(&self.root, path);
        if place.is_dir() {
            if self.before.has(path) {
                self.folder_of_ours(path);
            }
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        // The destination itself may be missing, and is no part of what is installed.
        let made = if path == Path::new("/") { fs::create_dir_all(&place) } else { fs::create_dir(&place) };
        made.and_then(|()| fs::set_permissions(&place, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("creating {}", place.display()))?;
        if path != Path::new("/") {
            self.now.add(Kind::Folder, path);
        }
        Ok(())
    }

    /// Notes a folder that an earlier installation made, and those above it.
    fn folder_of_ours(&mut self, path: &Path) {
        let above = path.ancestors().filter(|folder| self.before.has(folder));
        let above: Vec<PathBuf> = above.map(Path::to_path_buf).collect();
        above.iter().rev().for_each(|folder| self.now.add(Kind::Folder, folder));
    }

    /// Writes down what is installed; what an earlier version installed and this one does not goes, unless this one
    /// did not come to its end.
    pub(super) fn finish(mut self, complete: bool) -> Result<()> {
        let manifest = self.manifest.clone();
        self.folder(manifest.parent().unwrap_or(&manifest))?;
        let gone: Vec<_> = self.before.entries.iter().filter(|(_, path)| !self.now.has(path)).cloned().collect();
        for (kind, path) in gone.into_iter().rev() {
            let removed = complete && path != manifest && kind == Kind::File;
            if removed {
                self.remove_file(&path)?;
            } else {
                self.now.add(kind, &path);
            }
        }
        self.now.add(Kind::File, &manifest);
        let text = self.now.text();
        self.file(&manifest, text.as_bytes(), 0o644)
    }

    /// Removes all that was installed; a configuration only if it is still this.
    pub(super) fn remove(self, configuration: &[u8]) -> Result<()> {
        let entries = || self.before.entries.iter().filter(|(_, path)| *path != self.manifest);
        for (kind, path) in entries() {
            let place = below(&self.root, path);
            match kind {
                Kind::Folder => {}
                Kind::File => self.remove_file(path)?,
                Kind::Configuration => match fs::read(&place) {
                    Ok(found) if found == configuration => self.remove_file(path)?,
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    _ => println!("{} was changed and stays", place.display()),
                },
            }
        }
        // Last, so that a removal that failed can be tried again.
        self.remove_file(&self.manifest)?;
        let mut folders: Vec<_> =
            entries().filter(|(kind, _)| *kind == Kind::Folder).map(|(_, path)| path.as_path()).collect();
        // What is inside first.
        folders.sort_unstable_by(|a, b| b.cmp(a));
        for folder in folders {
            let place = below(&self.root, folder);
            match fs::remove_dir(&place) {
                Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                    return Err(error).with_context(|| format!("removing {}", place.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        let place = below(&self.root, path);
        fs::remove_file(&place).or_else(ignore_missing).with_context(|| format!("removing {}", place.display()))?;
        println!("removed {}", place.display());
        Ok(())
    }
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const MANIFEST: &str = "/p/share/manifest";

    /// Installs these files and a configuration, as a version of its own.
    fn install(root: &TempDir, files: &[&str], configuration: &str) -> Result<()> {
        let mut tree = tree(root);
        for file in files {
            tree.file(Path::new(file), b"content", 0o644)?;
        }
        tree.link(Path::new("/p/lib/link"), "target")?;
        tree.configuration(Path::new("/p/etc/rc"), configuration.as_bytes())?;
        tree.finish(true)
    }

    fn tree(root: &TempDir) -> Tree {
        let before = Manifest::read(root.path(), Path::new(MANIFEST)).expect("a list or none");
        Tree::new(root.path().to_owned(), before.unwrap_or_default(), MANIFEST.into())
    }

    fn is_there(root: &TempDir, path: &str) -> bool {
        fs::symlink_metadata(below(root.path(), Path::new(path))).is_ok()
    }

    #[test]
    fn what_was_installed_is_removed_and_nothing_else() -> Result<()> {
        let root = TempDir::new()?;
        fs::create_dir_all(root.path().join("p/bin"))?;
        install(&root, &["/p/bin/a", "/p/share/doc/b"], "rc")?;
        fs::write(root.path().join("p/lib/theirs"), "")?;
        tree(&root).remove(b"rc")?;
        for gone in ["/p/bin/a", "/p/share", "/p/lib/link", "/p/etc"] {
            assert!(!is_there(&root, gone), "{gone}");
        }
        assert!(is_there(&root, "/p/bin") && is_there(&root, "/p/lib/theirs"));
        Ok(())
    }

    #[test]
    fn another_version_takes_the_place_of_the_first() -> Result<()> {
        let root = TempDir::new()?;
        install(&root, &["/p/old/a", "/p/bin/b"], "rc")?;
        install(&root, &["/p/new/a", "/p/bin/b"], "rc")?;
        assert!(!is_there(&root, "/p/old/a") && is_there(&root, "/p/new/a"));
        tree(&root).remove(b"rc")?;
        assert!(!is_there(&root, "/p"));
        assert_eq!(fs::read_dir(root.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn a_configuration_that_was_changed_stays() -> Result<()> {
        let root = TempDir::new()?;
        install(&root, &[], "rc")?;
        let rc = root.path().join("p/etc/rc");
        fs::write(&rc, "mine")?;
        install(&root, &[], "rc")?;
        assert_eq!(fs::read_to_string(&rc)?, "mine");
        assert_eq!(fs::read_to_string(rc.with_extension("default"))?, "rc");
        tree(&root).remove(b"rc")?;
        assert_eq!(fs::read_to_string(&rc)?, "mine");
        assert!(!is_there(&root, "/p/etc/rc.default") && !is_there(&root, "/p/share"));
        Ok(())
    }

    #[test]
    fn a_configuration_that_was_there_before_is_not_ours_to_remove() -> Result<()> {
        let root = TempDir::new()?;
        fs::create_dir_all(root.path().join("p/etc"))?;
        fs::write(root.path().join("p/etc/rc"), "rc")?;
        install(&root, &[], "rc")?;
        tree(&root).remove(b"rc")?;
        assert!(is_there(&root, "/p/etc/rc"));
        Ok(())
    }
}

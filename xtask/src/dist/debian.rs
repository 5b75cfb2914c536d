//! The Debian packages: what `cargo xtask install` lays out, each file in one of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::control::{self, COMMANDS, COMMON, DEVELOPMENT, LIBRARY, PACKAGES, Package};
use super::epoch;
use crate::{run, symbols};

/// Makes the packages in `out`.
pub(super) fn pack(out: &Path) -> Result<Vec<PathBuf>> {
    let folder = TempDir::new().context("a folder for the packages")?;
    let all = folder.path().join("all");
    let triplet = run::output(Command::new("cc").arg("-print-multiarch"))?.trim().to_owned();
    let libdir = if triplet.is_empty() { "/usr/lib".to_owned() } else { format!("/usr/lib/{triplet}") };
    // A program of its own, as it takes a lock on the build folder.
    let mut install = Command::new(std::env::current_exe()?);
    install.args(["install", "--prefix=/usr", "--libdir", &libdir, "--destdir"]).arg(&all);
    run::output(&mut install)?;
    completions(&all)?;

    for file in files(&all)? {
        if let Some(package) = home(&file)? {
            let to = folder.path().join(package).join(&file);
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            fs::rename(all.join(&file), &to).with_context(|| format!("moving {}", to.display()))?;
        }
    }
    let here = run::output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    PACKAGES.iter().map(|package| package.build(&folder.path().join(package.name), &here, out)).collect()
}

/// The package that a file of an installation belongs to; none for the list by which xtask itself removes it.
fn home(file: &Path) -> Result<Option<&'static str>> {
    let path = file.to_string_lossy();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let package = if path == "usr/share/libsocks/manifest" {
        return Ok(None);
    } else if name == "socksrc" || name == "socksrc.5" {
        COMMON
    } else if path.starts_with("usr/include/") || path.starts_with("usr/share/man/man3/") {
        DEVELOPMENT
    } else if path.starts_with("usr/lib/") {
        if name.contains(".so.") { LIBRARY } else { DEVELOPMENT }
    } else if ["usr/bin/", "usr/share/man/man1/", "usr/share/bash-completion/", "usr/share/fish/", "usr/share/zsh/"]
        .iter()
        .any(|folder| path.starts_with(folder))
    {
        COMMANDS
    } else {
        bail!("{path} belongs to no package")
    };
    Ok(Some(package))
}

/// What shells complete, where Debian's look for it.
fn completions(all: &Path) -> Result<()> {
    let places = [
        ("bash", "usr/share/bash-completion/completions/socksify"),
        ("fish", "usr/share/fish/vendor_completions.d/socksify.fish"),
        ("zsh", "usr/share/zsh/vendor-completions/_socksify"),
    ];
    for (shell, place) in places {
        let mut socksify = Command::new(all.join("usr/bin/socksify"));
        let text = run::output(socksify.args(["--completions", shell]))?;
        write(&all.join(place), text.as_bytes())?;
    }
    Ok(())
}

impl Package {
    /// Makes the package of the files in `folder`.
    fn build(&self, folder: &Path, here: &str, out: &Path) -> Result<PathBuf> {
        let needs = needs(folder)?;
        self.documents(folder)?;
        compress_manual(folder)?;
        modes(folder)?;
        let files = files(folder)?;
        let mut bytes = 0;
        let mut sums = String::new();
        for file in &files {
            let metadata = fs::symlink_metadata(folder.join(file))?;
            bytes += metadata.len();
            // Links have no sums, and what users change has no use for one.
            if metadata.is_file() && !file.starts_with("etc") {
                sums += &run::output(Command::new("md5sum").current_dir(folder).arg(file))?;
            }
        }
        write(&folder.join("DEBIAN/md5sums"), sums.as_bytes())?;
        for (name, text) in self.extra() {
            write(&folder.join("DEBIAN").join(name), text.as_bytes())?;
        }
        write(&folder.join("DEBIAN/control"), self.control(here, &needs, bytes.div_ceil(1024)).as_bytes())?;
        modes(&folder.join("DEBIAN"))?;
        let package = out.join(format!("{}_{}_{}.deb", self.name, control::version(), self.architecture(here)));
        let mut deb = Command::new("dpkg-deb");
        deb.env("SOURCE_DATE_EPOCH", epoch()?.to_string()).args(["--root-owner-group", "-Zxz", "--build"]);
        run::output(deb.arg(folder).arg(&package))?;
        Ok(package)
    }

    /// The licence, and what is new.
    fn documents(&self, folder: &Path) -> Result<()> {
        let documents = folder.join("usr/share/doc").join(self.name);
        let read = |name: &str| fs::read_to_string(run::root().join(name)).with_context(|| format!("reading {name}"));
        write(&documents.join("copyright"), control::copyright(&read("LICENSE-MIT")?).as_bytes())?;
        let date = run::output(
            Command::new("date").env("LC_ALL", "C").args(["-u", "-R", "-d"]).arg(format!("@{}", epoch()?)),
        )?;
        let texts = [("changelog", read("CHANGELOG.md")?), ("changelog.Debian", control::changelog(date.trim()))];
        for (name, text) in texts {
            write(&documents.join(name), text.as_bytes())?;
            compress(&documents.join(name))?;
        }
        Ok(())
    }
}

/// What the programs and the libraries in a folder need of the system: the newest version of glibc that one asks for, and
/// the unwinder.
fn needs(folder: &Path) -> Result<Vec<String>> {
    let mut needs = Vec::new();
    let (mut newest, mut unwinds) = (None, false);
    for file in files(folder)? {
        let path = folder.join(&file);
        let is_loaded = path.extension().is_none_or(|kind| kind != "a") && path.is_file();
        if !is_loaded || !fs::read(&path)?.starts_with(b"\x7fELF") {
            continue;
        }
        newest = newest.max(symbols::newest_glibc(&path)?);
        unwinds |= symbols::needs_unwinder(&path)?;
    }
    // No older one than is promised, though it may do.
    if let Some(newest) = newest {
        let [major, minor] = newest.max(symbols::OLDEST_GLIBC);
        needs.push(format!("libc6 (>= {major}.{minor})"));
    }
    if unwinds {
        needs.push("libgcc-s1 (>= 4.2)".to_owned());
    }
    Ok(needs)
}

/// Pages are packed, and those that lead to another lead to its packed one by themselves.
fn compress_manual(folder: &Path) -> Result<()> {
    let manual = files(folder)?.into_iter().filter(|file| file.starts_with("usr/share/man"));
    manual.map(|page| folder.join(page)).try_for_each(|page| compress(&page))
}

fn compress(file: &Path) -> Result<()> {
    run::succeed(Command::new("gzip").args(["--no-name", "--best"]).arg(file))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, content))
        .with_context(|| format!("writing {}", path.display()))
}

/// Whatever the umask is: what may be run or entered for everybody, all else to be read.
fn modes(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_symlink() {
            continue;
        }
        let (path, metadata) = (entry.path(), entry.metadata()?);
        let mode = if metadata.is_dir() || metadata.permissions().mode() & 0o100 != 0 { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        if metadata.is_dir() {
            modes(&path)?;
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// The files and links in a folder, however deep, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).with_context(|| format!("reading {}", at.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder)?.to_owned());
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_one_home() {
        for (file, package) in [
            ("etc/socksrc", Some(COMMON)),
            ("usr/share/man/man5/socksrc.5", Some(COMMON)),
            ("usr/lib/here/libsocks.so.0", Some(LIBRARY)),
            ("usr/lib/here/libsockswrap.so.0.1.0", Some(LIBRARY)),
            ("usr/lib/here/libsocks.so", Some(DEVELOPMENT)),
            ("usr/lib/here/pkgconfig/socks.pc", Some(DEVELOPMENT)),
            ("usr/bin/socksconnect", Some(COMMANDS)),
            ("usr/share/libsocks/manifest", None),
        ] {
            assert_eq!(home(Path::new(file)).expect("a home"), package, "{file}");
        }
        assert!(home(Path::new("usr/share/other")).is_err());
    }
}

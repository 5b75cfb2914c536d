//! The Debian packages, put into a root of their own by dpkg, used there, and purged again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{Scene, Tools, run, tree};

/// In the order in which they are installed.
const PACKAGES: [&str; 4] = ["libsocks-common", "libsocks0", "libsocks-dev", "socksify"];

/// What the test cannot do without.
pub(super) const NEEDS: [&str; 3] = ["dpkg", "dpkg-deb", "unshare"];

pub(super) fn packages() -> Result<()> {
    let folder = TempDir::new()?;
    let packages = pack(&folder.path().join("first"), "022")?;
    let again = pack(&folder.path().join("second"), "077")?;
    for (name, path) in &packages {
        ensure!(fs::read(path)? == fs::read(&again[name])?, "{name} is another one the second time");
        depends(name, path)?;
    }

    let root = Root::new(folder.path())?;
    let mut install = root.dpkg("--install");
    run(install.args(PACKAGES.map(|name| &packages[name])))?;
    root.is_as_packed(&packages)?;
    root.works(folder.path())?;

    let backwards = || PACKAGES.iter().rev();
    run(root.dpkg("--remove").args(backwards()))?;
    ensure!(root.left()? == ["etc", "etc/socksrc"].map(PathBuf::from), "left behind: {:#?}", root.left()?);
    run(root.dpkg("--purge").args(backwards()))?;
    ensure!(root.left()?.is_empty(), "left behind: {:#?}", root.left()?);
    Ok(())
}

/// Makes the packages, and returns where each is.
fn pack(out: &Path, umask: &str) -> Result<BTreeMap<&'static str, PathBuf>> {
    let mut dist = Command::new("sh");
    dist.args(["-c", &format!("umask {umask}; exec \"$0\" dist --only debian --out \"$1\"")]);
    run(dist.arg(env!("CARGO_BIN_EXE_xtask")).arg(out))?;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(package) = PACKAGES.iter().find(|package| name.starts_with(&format!("{package}_")))
            && name.ends_with(".deb")
        {
            let sum = fs::read_to_string(path.with_file_name(format!("{name}.sha256")))?;
            let mut check = Command::new("sha256sum");
            run(check.current_dir(out).args(["--check", "--quiet", &format!("{name}.sha256")]))?;
            ensure!(sum.ends_with(&format!("  {name}\n")), "{sum:?}");
            found.insert(*package, path);
        }
    }
    ensure!(found.len() == PACKAGES.len(), "made: {found:?}");
    Ok(found)
}

/// The libraries run with the oldest glibc that is promised; who has a file that another package has too keeps out of its way.
fn depends(name: &str, package: &Path) -> Result<()> {
    let field = |field: &str| run(Command::new("dpkg-deb").arg("--field").arg(package).arg(field));
    match name {
        "libsocks0" => ensure!(field("Depends")?.trim() == "libc6 (>= 2.31)", "{}", field("Depends")?),
        "libsocks-dev" => ensure!(field("Conflicts")?.trim() == "libsocksd0-dev", "{}", field("Conflicts")?),
        "socksify" => ensure!(field("Conflicts")?.trim() == "dante-client", "{}", field("Conflicts")?),
        _ => ensure!(field("Architecture")?.trim() == "all", "{}", field("Architecture")?),
    }
    Ok(())
}

/// A root with nothing in it but dpkg's own files.
struct Root {
    root: PathBuf,
    log: PathBuf,
}

impl Root {
    fn new(folder: &Path) -> Result<Self> {
        let root = folder.join("root");
        let admin = root.join("var/lib/dpkg");
        for part in ["info", "updates", "triggers"] {
            fs::create_dir_all(admin.join(part))?;
        }
        fs::write(admin.join("status"), "")?;
        Ok(Self { root, log: folder.join("log") })
    }

    /// dpkg for this root. Nothing that the packages need is in it, and no trigger runs: ldconfig is the system's.
    fn dpkg(&self, action: &str) -> Command {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", self.root.display())).arg(format!("--log={}", self.log.display()));
        dpkg.args(["--force-depends", "--force-bad-path", "--no-triggers", action]).env("LC_ALL", "C");
        dpkg
    }

    /// What is there, without dpkg's own.
    fn left(&self) -> Result<Vec<PathBuf>> {
        Ok(tree(&self.root)?.into_iter().filter(|path| !path.starts_with("var")).collect())
    }

    /// All files are there as they were packed, and nobody but root may write them.
    fn is_as_packed(&self, packages: &BTreeMap<&str, PathBuf>) -> Result<()> {
        // It prints what is not as it was.
        let changed = run(self.dpkg("--verify").args(PACKAGES))?;
        ensure!(changed.is_empty(), "{changed}");
        let mut listed = 0;
        for package in packages.values() {
            for line in run(Command::new("dpkg-deb").arg("--contents").arg(package))?.lines() {
                // The mode, the owner, the size, the day, the time, the path and where it leads.
                let path = line.split_whitespace().nth(5).context("no path")?;
                let metadata = fs::symlink_metadata(self.root.join(path.trim_start_matches("./")))
                    .with_context(|| format!("{path} is not there"))?;
                ensure!(metadata.uid() == 0 && metadata.gid() == 0, "{path} is not root's");
                let is_open = !metadata.is_symlink() && metadata.mode() & 0o022 != 0;
                ensure!(!is_open && metadata.mode() & 0o6000 == 0, "{path} has mode {:o}", metadata.mode());
                listed += usize::from(!metadata.is_dir());
            }
        }
        let there = self
            .left()?
            .iter()
            .filter(|path| !self.root.join(path).is_dir() || self.root.join(path).is_symlink())
            .count();
        ensure!(there == listed && listed > 50, "{there} files of {listed}");
        Ok(())
    }

    /// Runs a program under the installed command, seen together with the rest of this system, which stays as it is: the two
    /// are laid over each other for this process alone.
    fn works(&self, folder: &Path) -> Result<()> {
        let scene = Scene::start()?;
        fs::write(self.root.join("etc/socksrc"), scene.rules())?;
        let tools = Tools { folder, libdir: self.root.join("usr/lib"), sysroot: None };
        let program = self.root.join("greeting");
        fs::copy(tools.compile("plain", &["-DPLAIN".into()])?, &program)?;
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-ec"]).arg(
            "for part in usr etc; do mount -t overlay overlay -o \"lowerdir=$0/$part:/$part\" /$part; done; exec \"$@\"",
        );
        scene.expect(unshare.arg(&self.root).arg("/usr/bin/socksify").arg(&program))?;
        fs::remove_file(&program)?;
        Ok(())
    }
}

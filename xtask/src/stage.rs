//! The libraries and the commands, built and laid out so that they run from the build folder.

use std::env;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};

use crate::{remap, run};

/// How things are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// What [`stage`] made.
pub(crate) struct Staged {
    /// The folder of the libraries and of the commands.
    pub(crate) dir: PathBuf,
    /// The command `socksify`, which finds its library and `socksconnect` beside it.
    pub(crate) socksify: PathBuf,
    /// Keeps others from building these anew with other variables; let go when it is dropped.
    _lock: Option<File>,
}

/// The libraries under the names they are built by, each with the name that programs look for.
pub(crate) const LIBRARIES: [(&str, &str); 2] =
    [("libsocks.so", "libsocks.so.0"), ("libsockswrap.so", "libsockswrap.so.0")];

/// The commands.
pub(crate) const COMMANDS: [&str; 2] = [SOCKSIFY, "socksconnect"];
const SOCKSIFY: &str = "socksify";

/// Builds the two libraries and the two commands.
///
/// # Errors
/// They cannot be built, or the links cannot be made.
pub(crate) fn stage(profile: Profile) -> Result<Staged> {
    let staged = stage_with(profile, &[])?;
    Ok(Staged { _lock: None, ..staged })
}

/// Does as [`stage`], with variables that the build looks at. No other staging of this build folder begins before the
/// result is dropped.
///
/// # Errors
/// As those of [`stage`].
pub(crate) fn stage_with(profile: Profile, variables: &[(&str, &Path)]) -> Result<Staged> {
    let dir = dir(profile)?;
    let lock = lock(&dir)?;
    for mut build in builds(profile) {
        if profile == Profile::Release {
            remap::folders(&mut build, dir.parent().unwrap_or(&dir))?;
        }
        run::succeed(build.envs(variables.iter().copied()))?;
    }
    for (built, soname) in LIBRARIES {
        if !dir.join(built).is_file() {
            bail!("there is no {built} in {} after the build", dir.display());
        }
        link(built, &dir.join(soname))?;
    }
    if let Some(missing) = COMMANDS.iter().find(|command| !dir.join(command).is_file()) {
        bail!("there is no {missing} in {} after the build", dir.display());
    }
    Ok(Staged { socksify: dir.join(SOCKSIFY), dir, _lock: Some(lock) })
}

/// As a developer builds them, all at once; or as they are installed, each in its own way.
fn builds(profile: Profile) -> Vec<Command> {
    match profile {
        Profile::Debug => {
            let packages =
                ["--package=socks-ffi", "--package=sockswrap", "--package=socksify", "--package=socksconnect"];
            vec![run::cargo([&["build"], &packages[..]].concat())]
        }
        Profile::Release => {
            let library = run::cargo(["build", "--release", "--package=socks-ffi"]);
            // Without std, of which it uses nothing.
            let wrapper = run::cargo(["rustc", "--release", "--package=sockswrap", "--", "-Cpanic=abort"]);
            let mut command = run::cargo(["rustc", "--release", "--package=socksify"]);
            if has_static_libc() {
                // Its own libraries would take longer to load than it takes to do its work.
                command.args(["--", "-Ctarget-feature=+crt-static"]);
            }
            // With the C library as it is, since it looks up names: that loads plug-ins, which have to fit.
            let connect = run::cargo(["build", "--release", "--package=socksconnect"]);
            vec![library, wrapper, command, connect]
        }
    }
}

/// Whether programs can be linked statically here: some distributions keep what that needs in a package of its own.
fn has_static_libc() -> bool {
    let found = Command::new("cc").arg("-print-file-name=libc.a").output();
    // What it does not find it prints as it was asked.
    found.is_ok_and(|found| found.status.success() && found.stdout.starts_with(b"/"))
}

/// Waits for other stagings in this folder, and holds off those to come.
fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(".staging");
    let locked = fs::create_dir_all(dir).and_then(|()| {
        let file = File::create(&path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    });
    locked.with_context(|| format!("locking {}", path.display()))
}

/// Where cargo puts what it builds: wherever it put this program, whatever the settings that led it there.
///
/// # Errors
/// This program is in no build folder.
pub(crate) fn dir(profile: Profile) -> Result<PathBuf> {
    let this = env::current_exe().context("where this program is")?;
    let target = this.parent().and_then(Path::parent).context("this program is in no build folder")?;
    Ok(target.join(match profile {
        Profile::Debug => "debug",
        Profile::Release => "release",
    }))
}

/// Makes a symbolic link, in place of whatever has its name.
///
/// # Errors
/// The system does not let us.
pub(crate) fn link(to: &str, at: &Path) -> Result<()> {
    match fs::remove_file(at) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", at.display()))
        }
        _ => symlink(to, at).with_context(|| format!("linking {}", at.display())),
    }
}

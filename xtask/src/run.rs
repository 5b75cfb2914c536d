//! Running cargo and other programs, and knowing where things are.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    // Cargo says where it runs this from; without cargo, where it was built has to do.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The cargo that runs this, in the workspace.
pub(crate) fn cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    // What cargo tells this program about its own package means nothing to the cargo within.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Has a program find its libraries as it would without cargo, which puts its own folders in front.
pub(crate) fn without_cargos_libraries(command: &mut Command) {
    const NAME: &str = "LD_LIBRARY_PATH";
    let Some(path) = env::var_os(NAME) else { return };
    let built = env::current_exe().ok().and_then(|this| Some(this.parent()?.parent()?.to_path_buf()));
    let toolchain = env::var_os("CARGO").and_then(|cargo| Some(Path::new(&cargo).parent()?.parent()?.to_path_buf()));
    let cargos = [built, toolchain];
    let others =
        env::split_paths(&path).filter(|entry| !cargos.iter().flatten().any(|folder| entry.starts_with(folder)));
    match env::join_paths(others) {
        Ok(others) if !others.is_empty() => command.env(NAME, others),
        _ => command.env_remove(NAME),
    };
}

/// Runs a program to its end.
///
/// # Errors
/// It does not exist, or fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", show(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", show(command));
    }
    Ok(())
}

/// Runs a program to its end and returns what it printed; its errors are shown as they come.
///
/// # Errors
/// It does not exist, fails, or prints something else than UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", show(command)))?;
    if !output.status.success() {
        bail!("{} failed ({})", show(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("what {} printed", show(command)))
}

/// A command as one would type it, near enough for a message.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Where a program is, looked for in `PATH` and in the folders of the system's own commands.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    find_programs(name).next()
}

/// As [`find_program`], every one of that name.
pub(crate) fn find_programs(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    // Debian has a folder for each version of PostgreSQL, and none of them in PATH.
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let postgresql = versions.map(|version| version.path().join("bin"));
    let folders = env::split_paths(&path).collect::<Vec<_>>().into_iter().chain(system).chain(postgresql);
    let name = name.to_owned();
    folders.map(move |folder| folder.join(&name)).filter(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    // The owner of the process's own folder: std has no call for it.
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

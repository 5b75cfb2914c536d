//! The program: found as a shell finds it, then run in this process's place.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cli::Invocation;
use crate::exec;
use crate::failure::Failure;

/// The path of a program by its name: itself where it has a slash, else the first in PATH that can be run.
///
/// Looked up before anything else, so that a missing program is 127 whatever the configuration is like.
pub(crate) fn find(name: &OsStr) -> Result<PathBuf, Failure> {
    if name.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return match path.metadata() {
            Ok(_) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::NoProgram(name.to_owned())),
            Err(error) => Err(Failure::CannotRun(name.to_owned(), error)),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"));
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| Failure::NoProgram(name.to_owned()))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Replaces this process. Comes back only where that failed.
pub(crate) fn become_it(path: &Path, invocation: &Invocation, preload: &OsStr) -> Result<Infallible, Failure> {
    let changes = invocation.settings.changes();
    let preload = (OsString::from("LD_PRELOAD"), preload.to_owned());
    let arguments = std::iter::once(&invocation.program).chain(&invocation.arguments);
    let outcome = exec::exec(path, arguments, exec::environment(changes, Some(preload)));
    outcome.map_err(|error| Failure::CannotRun(invocation.program.clone(), error))
}

//! Where libsockswrap is.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::inspect::is_library;

const NAME: &str = "libsockswrap.so.0";
/// Its own dependency. Named too, so that it is found wherever the loader is told not to look beside it.
const DEPENDENCY: &str = "libsocks.so.0";

/// Where it was installed, unless it is near this command.
const LIBDIR: Option<&str> = option_env!("SOCKS_LIBDIR");

/// The value of LD_PRELOAD: the library first, then what the caller preloads already.
pub(crate) fn find() -> Result<OsString, Failure> {
    let folders = folders();
    let Some(folder) =
        folders.iter().find(|folder| [NAME, DEPENDENCY].iter().all(|name| is_library(&folder.join(name))))
    else {
        return Err(Failure::NoLibrary(folders));
    };
    let mut preload = OsString::new();
    for name in [NAME, DEPENDENCY] {
        let path = folder.join(name);
        // The loader splits at blanks and colons, and has no way to quote them.
        if path.as_os_str().as_encoded_bytes().iter().any(|byte| b" \t\n:;".contains(byte)) {
            return Err(Failure::BadLibraryPath(path));
        }
        if !preload.is_empty() {
            preload.push(":");
        }
        preload.push(path);
    }
    if let Some(theirs) = std::env::var_os("LD_PRELOAD").filter(|theirs| !theirs.is_empty()) {
        let ours = preload.clone();
        // Nested use: the outer one has done it already.
        if starts_with(&theirs, &ours) {
            return Ok(theirs);
        }
        preload.push(":");
        preload.push(theirs);
    }
    Ok(preload)
}

fn starts_with(text: &OsStr, start: &OsStr) -> bool {
    text.as_encoded_bytes().starts_with(start.as_encoded_bytes())
}

/// In the order of search: beside this command (a build folder), in the `lib` beside its `bin`, where it was
/// installed.
fn folders() -> Vec<PathBuf> {
    // The kernel's own word for it: without links.
    let own = std::env::current_exe().unwrap_or_default();
    let mut folders = Vec::new();
    if let Some(bin) = own.parent() {
        folders.push(bin.to_owned());
        if let Some(prefix) = bin.parent() {
            folders.push(prefix.join("lib"));
        }
    }
    folders.extend(LIBDIR.map(|dir| Path::new(dir).to_owned()));
    folders
}

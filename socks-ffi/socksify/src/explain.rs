//! `--explain`, which is a task of `socksconnect`.
//!
//! This command is linked statically where that is possible, since it has to start fast, and a static program cannot look
//! up names: that needs the C library's own plug-ins. `socksconnect` is an ordinary program that connects.

use std::ffi::OsString;
use std::path::PathBuf;

use socks_cli::{Settings, Voice, exit};

use crate::cli::Target;
use crate::exec;

const NAME: &str = "socksconnect";

/// Becomes `socksconnect --explain`, with the options as the environment has them. Comes back only where that failed.
pub(crate) fn explain(target: &Target, json: bool, settings: &Settings) -> u8 {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from(NAME)).with_file_name(NAME);
    let voice = match settings.voice() {
        Voice::Quiet => Some("--quiet"),
        Voice::Normal | Voice::Verbose => None,
    };
    // As a wrapped program would, which asks the system for a name unless the proxy is to resolve it.
    let words = [NAME, "--explain", "--wrapped"].into_iter().chain(json.then_some("--json")).chain(voice);
    let words: Vec<OsString> = words.chain(["--", &target.host, &target.port]).map(OsString::from).collect();
    let Err(error) = exec::exec(&path, words.iter(), exec::environment(settings.changes(), None));
    eprintln!("socksify: --explain: {}: {error}", path.display());
    exit::UNAVAILABLE
}

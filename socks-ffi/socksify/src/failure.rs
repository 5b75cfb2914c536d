//! Why a program was not run, in one line, and the exit code that says so.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

use socks_cli::{exit, shown};

use crate::inspect::Obstacle;

/// As env(1): found but not to be run.
const CANNOT_RUN: u8 = 126;
/// As env(1): not found.
const NOT_FOUND: u8 = 127;

#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no such program.
    NoProgram(OsString),
    /// The program is there, and the system does not run it.
    CannotRun(OsString, io::Error),
    /// The program would run without the library, or past it.
    CannotWrap(PathBuf, Obstacle),
    /// There is no configuration, or it has errors: a line each.
    Configuration(Vec<String>),
    /// The library to be preloaded is in none of these folders.
    NoLibrary(Vec<PathBuf>),
    /// The library's path cannot stand in LD_PRELOAD.
    BadLibraryPath(PathBuf),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoProgram(_) => NOT_FOUND,
            Self::CannotRun(..) => CANNOT_RUN,
            Self::Configuration(_) => exit::CONFIG,
            Self::CannotWrap(..) | Self::NoLibrary(_) | Self::BadLibraryPath(_) => exit::UNAVAILABLE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram(program) => write!(f, "socksify: {}: no such program", shown(program)),
            Self::CannotRun(program, error) => write!(f, "socksify: {}: {error}", shown(program)),
            Self::CannotWrap(path, obstacle) => {
                write!(f, "socksify: {}: cannot be wrapped: {obstacle} (--force runs it all the same)", path.display())
            }
            Self::Configuration(lines) => {
                for line in lines {
                    writeln!(f, "socksify: {line}")?;
                }
                f.write_str("socksify: the program was not run, since its connections would be refused")
            }
            Self::NoLibrary(folders) => {
                f.write_str("socksify: no libsockswrap.so.0 with its libsocks.so.0 for this machine in")?;
                folders.iter().try_for_each(|folder| write!(f, " {}", folder.display()))
            }
            Self::BadLibraryPath(path) => {
                write!(f, "socksify: {}: LD_PRELOAD cannot hold a blank or a colon in a path", path.display())
            }
        }
    }
}

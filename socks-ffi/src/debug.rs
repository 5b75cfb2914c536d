//! What `SOCKS_DEBUG` asks for, on standard error or in the file named by `SOCKS_LOG`.

use std::ffi::OsString;
use std::fmt::Arguments;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{Mode, OFlags};
use socks_config::{Diagnostic, LoadError};

use crate::record::{Phase, Record};
use crate::sys;

/// Configuration.
const CONFIGURATION: i32 = 1;
/// Connection establishment.
const CONNECTION: i32 = 2;

const UNREAD: i32 = -1;
static LEVEL: AtomicI32 = AtomicI32::new(UNREAD);

fn is_on(level: i32) -> bool {
    let mut now = LEVEL.load(Ordering::Relaxed);
    if now == UNREAD {
        now = read_level();
        LEVEL.store(now, Ordering::Relaxed);
    }
    now & level != 0
}

#[cold]
fn read_level() -> i32 {
    if sys::is_set_id() {
        return 0;
    }
    let value = sys::env("SOCKS_DEBUG").unwrap_or_default();
    std::str::from_utf8(&value).ok().and_then(|text| text.trim().parse().ok()).filter(|level| *level >= 0).unwrap_or(0)
}

/// The errors and warnings of the configuration, each once.
pub(crate) fn diagnostics(all: &[Diagnostic]) {
    if is_on(CONFIGURATION) {
        all.iter().for_each(|diagnostic| print(format_args!("socks: {diagnostic}\n")));
    }
}

/// The configuration could not be read at all.
pub(crate) fn load_error(error: &LoadError) {
    if is_on(CONFIGURATION) {
        print(format_args!("socks: {error}\n"));
    }
}

/// A socket came to the end of a phase.
pub(crate) fn connection(fd: BorrowedFd<'_>, record: &Record, phase: Phase) {
    if is_on(CONNECTION) {
        let fd = fd.as_raw_fd();
        match record.target.get() {
            Some(target) => print(format_args!("socks: descriptor {fd} to {target}: {phase:?}\n")),
            None => print(format_args!("socks: descriptor {fd}: {phase:?}\n")),
        }
    }
}

/// One write a line, so that threads and processes do not mix theirs. Nobody can be told that it failed.
fn print(line: Arguments<'_>) {
    let line = line.to_string();
    match sys::env("SOCKS_LOG").filter(|path| !path.is_empty()) {
        Some(path) => {
            let path = OsString::from_vec(path);
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            if let Ok(file) = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
                let _ = rustix::io::write(&file, line.as_bytes());
            }
        }
        None => {
            let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
        }
    }
}

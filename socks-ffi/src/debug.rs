//! What `SOCKS_DEBUG` asks for, a line for each event, on standard error or in the file named by `SOCKS_LOG`.
//!
//! Where nothing is asked for it costs a load, and no text is made. Logins have no way into a line: nothing here is given one.

use std::ffi::OsString;
use std::fmt::{Arguments, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{Mode, OFlags};
use socks_config::{Diagnostic, LoadError};

use crate::{process, sys, table};

/// What an event is about: the numbers that `SOCKS_DEBUG` is a sum of.
#[derive(Clone, Copy, Debug)]
#[repr(i32)]
pub(crate) enum About {
    /// The configuration.
    Configuration = 1,
    /// How connections come about.
    Connection = 2,
    /// Waits that are translated: select, poll, epoll.
    Wait = 4,
    /// Other decisions: what goes direct, what is refused, who resolves a name.
    Decision = 8,
    /// What must not happen.
    Internal = 128,
}

const UNREAD: i32 = -1;
static LEVEL: AtomicI32 = AtomicI32::new(UNREAD);

/// Whether it is asked for.
#[inline]
pub(crate) fn is_on(about: About) -> bool {
    let level = LEVEL.load(Ordering::Relaxed);
    let level = if level == UNREAD { read_level() } else { level };
    level & about as i32 != 0
}

#[cold]
fn read_level() -> i32 {
    let level = if sys::is_set_id() { None } else { sys::env("SOCKS_DEBUG") };
    let level = level.and_then(|value| std::str::from_utf8(&value).ok()?.trim().parse().ok());
    let level = level.filter(|level| *level >= 0).unwrap_or(0);
    LEVEL.store(level, Ordering::Relaxed);
    level
}

/// Tells what happened to a descriptor, if that is asked for.
#[inline]
pub(crate) fn tell(about: About, fd: impl AsFd, words: impl FnOnce() -> String) {
    if is_on(about) {
        print(format_args!("descriptor {}: {}", fd.as_fd().as_raw_fd(), words()));
    }
}

/// Tells of what is about no descriptor.
#[inline]
pub(crate) fn tell_all(about: About, words: impl FnOnce() -> String) {
    if is_on(about) {
        print(format_args!("{}", words()));
    }
}

/// The errors and warnings of the configuration, each once.
pub(crate) fn diagnostics(all: &[Diagnostic]) {
    all.iter().for_each(|diagnostic| tell_all(About::Configuration, || diagnostic.to_string()));
}

/// The configuration could not be read at all.
pub(crate) fn load_error(error: &LoadError) {
    tell_all(About::Configuration, || error.to_string());
}

/// The number of standard error.
const STDERR: RawFd = 2;

/// One write a line, so that threads and processes do not mix theirs. Nobody can be told that it failed.
fn print(words: Arguments<'_>) {
    let (seconds, micros) = sys::wall_clock();
    let mut line = format!("socks: {seconds}.{micros:06} pid {}: ", process::id());
    // Writing to a String does not fail.
    let _ = writeln!(line, "{words}");
    match sys::env("SOCKS_LOG").filter(|path| !path.is_empty()) {
        Some(path) => {
            let path = OsString::from_vec(path);
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            if let Ok(file) = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
                let _ = rustix::io::write(&file, line.as_bytes());
            }
        }
        // A program that closed it may have a connection under that number.
        None if table::is_ours(STDERR) => {}
        None => {
            let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
        }
    }
}

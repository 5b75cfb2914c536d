//! Where the numbers come from, without which they say little.

use std::fs;
use std::process::Command;
use std::thread;

use serde::Serialize;

use crate::run;

/// A machine, what runs on it, and when.
#[derive(Serialize)]
pub(super) struct Machine {
    /// In UTC.
    pub(super) date: String,
    /// Of this tree, with `-dirty` where something is changed.
    pub(super) commit: String,
    pub(super) kernel: String,
    pub(super) processor: String,
    pub(super) processors: usize,
    pub(super) libc: String,
    pub(super) rustc: String,
    /// Over the last minute, when the run began: what else was going on.
    pub(super) load: f64,
}

impl Machine {
    /// This one. What it does not tell is empty.
    pub(super) fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()));
        Self {
            date: says("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
            commit: says("git", &["describe", "--always", "--dirty"]),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor: processor.unwrap_or_default(),
            processors: thread::available_parallelism().map_or(1, usize::from),
            libc: says("getconf", &["GNU_LIBC_VERSION"]),
            rustc: says("rustc", &["--version"]),
            load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        }
    }
}

/// What a command of the machine says of itself, in the workspace; nothing where it is not there.
fn says(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(run::root()).output();
    let said = output.ok().filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&said).trim().to_owned()
}

//! A network of the bench's own, so that nothing leaves the machine that another wrapper lets slip.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::run::{self, find_program, is_root};

/// Says to the second run that it is one.
const INSIDE: &str = "XTASK_BENCH_ISLAND";

/// Begins this command anew in a network namespace that has a loopback and nothing else; does nothing if it is in one.
///
/// Returns where no namespace is to be had, and says so.
///
/// # Errors
/// What is built later cannot be fetched, which has to be before; or this program cannot be run again.
pub(super) fn enter() -> Result<()> {
    if env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let options: &[&str] = if is_root() { &["--net"] } else { &["--net", "--user", "--map-root-user"] };
    let available = find_program("ip").is_some() && works(options);
    if !available {
        eprintln!("bench: no network namespace is to be had here: it measures in this machine's network");
        return Ok(());
    }
    run::succeed(run::cargo(["fetch", "--locked", "--quiet"]).stdin(Stdio::null()))?;
    let this = env::current_exe().context("where this program is")?;
    let mut again = unshare(options);
    again.args(["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]).arg(this).args(env::args_os().skip(1));
    // Returns only if it fails.
    Err(again.env(INSIDE, "1").exec()).context("cannot run unshare")
}

fn works(options: &[&str]) -> bool {
    let tried = unshare(options).args(["ip", "link", "set", "lo", "up"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

fn unshare(options: &[&str]) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(options).arg("--");
    unshare
}

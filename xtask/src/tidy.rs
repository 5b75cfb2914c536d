//! `cargo xtask tidy`: promises that no compiler checks.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{man, published, run, symbols};

/// What a file of the core may not name: it has no I/O, no clock and no std.
const NOT_IN_THE_CORE: [&str; 7] =
    ["std::", "extern crate std", "Instant", "SystemTime", "TcpStream", "UdpSocket", "unsafe "];

/// Folders of one machine, spelled in two parts so that this file may pass.
const MACHINE_PATHS: [&str; 2] = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// Longer source files are told of, and are no fault.
const LONG: usize = 400;

pub(crate) fn run() -> Result<ExitCode> {
    let mut faults = core_is_pure()?;
    faults.extend(core_depends_on_bytes_only()?);
    faults.extend(tree()?);
    faults.extend(symbols::faults()?);
    faults.extend(man::faults()?);
    faults.extend(published::faults()?);
    for fault in &faults {
        println!("tidy: {fault}");
    }
    if faults.is_empty() {
        println!("tidy");
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn core_is_pure() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let sources = files(&["socks-proto/src"])?;
    for path in &sources {
        let text = fs::read_to_string(run::root().join(path)).with_context(|| format!("reading {path}"))?;
        faults.extend(impure(&text).map(|(line, what)| format!("{path}:{line}: `{what}` in the core")));
    }
    let lib = fs::read_to_string(run::root().join("socks-proto/src/lib.rs"))?;
    let promises = ["#![no_std]", "#![forbid(unsafe_code)]"].into_iter().filter(|promise| !lib.contains(promise));
    faults.extend(promises.map(|promise| format!("socks-proto/src/lib.rs: no `{promise}`")));
    Ok(faults)
}

/// Lines of the core that break its promise. Comments may name what they like, doctests run on std, and so do the
/// tests at the end of a file.
fn impure(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let code = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let code = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter_map(|(at, line)| Some((at + 1, NOT_IN_THE_CORE.into_iter().find(|what| line.contains(what))?)))
}

fn core_depends_on_bytes_only() -> Result<Vec<String>> {
    let tree = ["tree", "--package=socks-proto", "--edges=normal", "--all-features", "--prefix=none", "--depth=1"];
    let printed = run::output(&mut run::cargo(tree))?;
    let names = printed.lines().skip(1).filter_map(|line| line.split(' ').next());
    let strangers = names.filter(|&name| name != "bytes");
    Ok(strangers.map(|name| format!("socks-proto depends on {name}")).collect())
}

fn tree() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for path in files(&[])? {
        // A path that git knows and that is gone, or no text.
        let Ok(text) = fs::read_to_string(run::root().join(&path)) else { continue };
        for (at, line) in text.lines().enumerate() {
            if let Some(place) = MACHINE_PATHS.into_iter().find(|place| line.contains(place)) {
                faults.push(format!("{path}:{}: {place} is a folder of one machine", at + 1));
            }
        }
        let lines = text.lines().count();
        let is_source = Path::new(&path).extension().is_some_and(|kind| kind == "rs" || kind == "c" || kind == "h");
        if is_source && lines > LONG {
            println!("note: {path} has {lines} lines");
        }
    }
    Ok(faults)
}

/// The files of the tree as git sees it, those not added yet included.
///
/// # Errors
/// This is no tree of git's.
pub(crate) fn files(under: &[&str]) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(run::root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]);
    let printed = run::output(git.args(under))?;
    Ok(printed.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_the_core_is_looked_at_and_comments_are_not() {
        let text = "// std::io here\nuse std::io;\n//! std::net\nuse core::fmt;\n#[cfg(test)]\nuse std::fs;\n";
        assert_eq!(impure(text).collect::<Vec<_>>(), [(2, "std::")]);
    }
}

//! The dynamic symbols of the libraries against the lists that are kept of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;
use crate::stage::{Profile, stage};

/// A library and the file that lists what it exports, one name a line.
const LISTS: [(&str, &str); 2] =
    [("libsocks.so", "socks-ffi/symbols.txt"), ("libsockswrap.so", "socks-ffi/wrap/symbols.txt")];

/// What `libsocks.so` must not import besides all that libsockswrap exports: that library would get its own calls back.
/// What is passed through goes to libc's functions by their addresses.
const NOT_IMPORTED: [&str; 4] = ["epoll_create", "epoll_create1", "getaddrinfo", "socket"];

/// What `libsocks.so` imports of libsockswrap's names all the same, none of it by code of its own: Rust's standard library
/// closes descriptors of ours by `close`, waits for its locks by `syscall`, and has the rest for the words of a panic.
const IMPORTED: [&str; 5] = ["close", "read", "syscall", "write", "writev"];

/// The oldest glibc that the libraries are for. Its loader starts no program with a library that asks for a newer version
/// of anything, even where nothing is ever called by it: `socks-ffi/glibc/names.rs`.
pub(crate) const OLDEST_GLIBC: [u32; 2] = [2, 31];

/// Everything that is not as it is written down. Looks at the libraries as they are installed.
pub(crate) fn faults() -> Result<Vec<String>> {
    let staged = stage(Profile::Release)?;
    let mut faults = Vec::new();
    for (library, list) in LISTS {
        let listed = listed_in(list)?;
        let exported = names(&staged.dir.join(library), "--defined-only")?;
        let extra = exported.difference(&listed).map(|name| format!("{library} exports {name}, which {list} lacks"));
        faults.extend(extra);
        let lost = listed.difference(&exported).map(|name| format!("{library} does not export {name} of {list}"));
        faults.extend(lost);
        let imported = symbols(&staged.dir.join(library), "--undefined-only")?;
        faults.extend(too_new(&imported).map(|symbol| format!("{library} needs {symbol}")));
    }
    let imported = names(&staged.dir.join(LISTS[0].0), "--undefined-only")?;
    let mut bad = listed_in(LISTS[1].1)?;
    bad.extend(NOT_IMPORTED.map(str::to_owned));
    bad.retain(|name| imported.contains(name) && !IMPORTED.contains(&name.as_str()));
    faults.extend(bad.iter().map(|name| format!("{} imports {name}", LISTS[0].0)));
    Ok(faults)
}

/// The names of a list that the tree holds.
///
/// # Errors
/// It cannot be read.
pub(crate) fn listed_in(list: &str) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(run::root().join(list)).with_context(|| format!("reading {list}"))?;
    Ok(listed(&text))
}

/// The names of a list; `#` starts a comment.
fn listed(text: &str) -> BTreeSet<String> {
    let names = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn names(library: &Path, which: &str) -> Result<BTreeSet<String>> {
    let symbols = symbols(library, which)?;
    Ok(symbols.iter().map(|symbol| symbol.split('@').next().unwrap_or(symbol).to_owned()).collect())
}

/// The names, each with its version after an @ if it has one.
fn symbols(library: &Path, which: &str) -> Result<Vec<String>> {
    let printed = run::output(Command::new("nm").args(["--dynamic", which, "--format=posix"]).arg(library))?;
    // The name, the type, and where.
    Ok(printed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// Those that the [oldest glibc](OLDEST_GLIBC) does not have, and those that are in nobody's promise (`GLIBC_PRIVATE`).
fn too_new(symbols: &[String]) -> impl Iterator<Item = &String> {
    let is_new =
        |symbol: &str| symbol.contains("@GLIBC_") && glibc(symbol).is_none_or(|version| version > OLDEST_GLIBC);
    symbols.iter().filter(move |symbol| is_new(symbol))
}

/// The version of glibc that a symbol is of, without the third number, which only the oldest have.
fn glibc(symbol: &str) -> Option<[u32; 2]> {
    let (_, version) = symbol.split_once("@GLIBC_")?;
    let numbers = version.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
    numbers.first_chunk().copied()
}

/// The newest version of glibc that a program or library needs something of; `None` where it needs nothing.
///
/// # Errors
/// It cannot be read.
pub(crate) fn newest_glibc(file: &Path) -> Result<Option<[u32; 2]>> {
    Ok(symbols(file, "--undefined-only")?.iter().filter_map(|symbol| glibc(symbol)).max())
}

/// Whether a program or library needs libgcc_s.
///
/// # Errors
/// It cannot be read.
pub(crate) fn needs_unwinder(file: &Path) -> Result<bool> {
    Ok(symbols(file, "--undefined-only")?.iter().any(|symbol| symbol.contains("@GCC_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_have_comments() {
        let names = listed("# the thirteen\nRconnect\n\nRbind  # and its reply\n");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["Rbind", "Rconnect"]);
    }

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        let symbols = [
            "Rconnect",
            "_Unwind_Resume@GCC_3.0",
            "gettid@GLIBC_2.30",
            "memcpy@GLIBC_2.2.5",
            "renameat2@GLIBC_2.31",
            "stat64@GLIBC_2.33",
            "strlcpy@GLIBC_2.4x",
            "_rtld_global@GLIBC_PRIVATE",
            "new@GLIBC_3.0",
            "old@GLIBC_2.4",
        ];
        let symbols = symbols.map(str::to_owned);
        let new: Vec<&String> = too_new(&symbols).collect();
        assert_eq!(new, ["stat64@GLIBC_2.33", "strlcpy@GLIBC_2.4x", "_rtld_global@GLIBC_PRIVATE", "new@GLIBC_3.0"]);
    }
}

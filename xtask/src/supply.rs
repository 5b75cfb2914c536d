//! `cargo xtask supply`: what comes into the tree, and into the libraries, from elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::run;
use crate::stage::{self, Profile};

/// Checks the crates of the lock files by deny.toml, and those that are linked into the libraries by socks-ffi/linked.txt.
///
/// Looked at are sources, licences and duplicates. Advisories have a database of their own, which is fetched from where its
/// keepers have it: they are checked where that is asked for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fetch the database of advisories, and check by it.
    #[arg(long)]
    advisories: bool,
}

/// The version that deny.toml is written for.
const VERSION: &str = "0.20.2";

/// The workspaces, each with a lock file of its own, and what is no fault there: deny.toml is for both, and the fuzz targets
/// need little of what it allows.
const WORKSPACES: [(&str, &[&str]); 2] = [
    ("Cargo.toml", &["-Dunmatched-skip", "-Dunnecessary-skip", "-Dlicense-not-encountered", EXCEPTION]),
    ("fuzz/Cargo.toml", &["-Aunmatched-skip", "-Aunnecessary-skip", "-Alicense-not-encountered", EXCEPTION]),
];
/// A licence that one crate may have, which is in one of the two.
const EXCEPTION: &str = "-Alicense-exception-not-encountered";

/// Who is linked into which library.
const LINKED: &str = "socks-ffi/linked.txt";
const PACKAGES: [&str; 2] = ["socks-ffi", "sockswrap"];

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut good = true;
    for package in PACKAGES {
        for fault in unlisted(package)? {
            println!("supply: {fault}");
            good = false;
        }
    }
    let deny = cargo_deny()?;
    for (manifest, lints) in WORKSPACES {
        let root = run::root();
        if !root.join(manifest).is_file() {
            continue;
        }
        let mut check = Command::new(&deny);
        check.current_dir(&root).args(["--locked", "--config=deny.toml", "--manifest-path", manifest, "check"]);
        check.args(lints).args(["bans", "licenses", "sources"]);
        if arguments.advisories {
            check.arg("advisories");
        }
        println!("{manifest}:");
        let status = check.status().with_context(|| format!("cannot run {}", run::show(&check)))?;
        good &= status.success();
    }
    println!("{}", if good { "supply" } else { "supply: there are faults" });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where cargo-deny is, built by itself if it is not there yet: under a minute of two processors.
fn cargo_deny() -> Result<PathBuf> {
    let folder = stage::dir(Profile::Debug)?.with_file_name("tools").join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        // Without optimising: it runs for a second.
        let install = ["install", "cargo-deny", "--locked", "--debug", "--quiet", "--version", VERSION, "--root"];
        run::succeed(run::cargo(install).arg(&folder))?;
    }
    if !program.is_file() {
        bail!("there is no {} after its installation", program.display());
    }
    Ok(program)
}

/// Where the crates that are linked into a library are not those of the list.
fn unlisted(package: &'static str) -> Result<Vec<String>> {
    let text = fs::read_to_string(run::root().join(LINKED)).with_context(|| format!("reading {LINKED}"))?;
    let listed = listed(&text, package)?;
    let linked = linked(package)?;
    let extra = linked.difference(&listed).map(|name| format!("{package} links {name}, which {LINKED} lacks"));
    let lost = listed.difference(&linked).map(|name| format!("{package} does not link {name} of {LINKED}"));
    Ok(extra.chain(lost).collect())
}

/// The crates that cargo links into a package of ours, or runs to build it.
fn linked(package: &str) -> Result<BTreeSet<String>> {
    let mut tree = run::cargo(["tree", "--locked", "--edges=normal,build", "--prefix=none", "--format={p}"]);
    let printed = run::output(tree.arg(format!("--package={package}")))?;
    let crates = printed.lines().filter_map(|line| line.split(' ').next());
    Ok(crates.filter(|name| *name != package).map(str::to_owned).collect())
}

/// The crates that the list has for a package.
///
/// # Errors
/// A line says not why.
fn listed(text: &str, package: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (of, name, why) = (words.next(), words.next(), words.next());
        let (Some(of), Some(name), Some(_)) = (of, name, why) else { bail!("{LINKED}: {line:?} says not why") };
        if !PACKAGES.contains(&of) {
            bail!("{LINKED}: {of} is no package of a library");
        }
        if of == package {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_what_is_listed() {
        for package in PACKAGES {
            assert_eq!(unlisted(package).expect("the list and cargo's tree"), Vec::<String>::new());
        }
    }

    #[test]
    fn each_line_of_the_list_is_for_one_package_and_says_why() {
        let text = "# why\n\nsocks-ffi  bytes  buffers\nsockswrap  libc  types of C\n";
        assert_eq!(listed(text, "socks-ffi").expect("a list"), BTreeSet::from(["bytes".to_owned()]));
        assert!(listed("socks-ffi  bytes\n", "socks-ffi").is_err());
        assert!(listed("socks-fii  bytes  buffers\n", "socks-ffi").is_err());
    }

    #[test]
    fn what_comes_by_another_crate_counts() {
        let linked = linked("socks-ffi").expect("cargo's tree");
        assert!(linked.contains("linux-raw-sys") && !linked.contains("tempfile"), "{linked:?}");
    }
}

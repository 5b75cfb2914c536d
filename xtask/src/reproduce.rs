//! `cargo xtask reproduce`: two builds of one tree are the same, byte for byte.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection};
use tempfile::TempDir;

use crate::stage::{COMMANDS, LIBRARIES};
use crate::{remap, run, tidy};

/// How one builder differs from another who has the same toolchain.
struct Builder {
    /// Below a temporary folder.
    tree: &'static str,
    target: &'static str,
    /// A home of cargo's own, with the crates of the usual one, or that one.
    home: Option<&'static str>,
    umask: &'static str,
    variables: [(&'static str, &'static str); 4],
}

const BUILDERS: [Builder; 2] = [
    Builder {
        tree: "one",
        target: "one/target",
        home: None,
        umask: "022",
        variables: [("LC_ALL", "C"), ("TZ", "UTC"), ("CARGO_BUILD_JOBS", "2"), ("SOURCE_DATE_EPOCH", "1")],
    },
    Builder {
        tree: "somewhere/else, deeper/in",
        target: "a build folder",
        home: Some("home of cargo"),
        umask: "077",
        variables: [
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "Asia/Kathmandu"),
            ("CARGO_BUILD_JOBS", "1"),
            ("SOURCE_DATE_EPOCH", "1000000000"),
        ],
    },
];

/// Builds twice, and prints the SHA-256 of each file.
///
/// # Errors
/// It cannot be built.
pub(crate) fn run() -> Result<ExitCode> {
    let folder = TempDir::new().context("a folder for two trees")?;
    let mut roots = Vec::new();
    for builder in &BUILDERS {
        println!("building in {:?}", builder.tree);
        roots.push(builder.build(folder.path())?);
    }
    let mut good = true;
    for file in files() {
        let [one, other] = [&roots[0], &roots[1]].map(|root| root.join(&file));
        let sums = [sha256(&one)?, sha256(&other)?];
        let same = sums[0] == sums[1];
        println!("{}  {file}{}", sums[0], if same { "" } else { ": not the same" });
        if !same {
            println!("{}  {}", sums[1], difference(&one, &other)?);
        }
        let named = builders_paths(&one, folder.path())?;
        named.iter().for_each(|path| println!("{file} names {path}"));
        good &= same && named.is_empty();
    }
    println!("{}", if good { "two builds, the same files" } else { "two builds, and not the same files" });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is compared, below the root of an installation.
pub(crate) fn files() -> impl Iterator<Item = String> {
    let libraries = LIBRARIES.map(|(library, _)| format!("usr/lib/{library}.{}", env!("CARGO_PKG_VERSION")));
    let commands = COMMANDS.map(|command| format!("usr/bin/{command}"));
    libraries.into_iter().chain(["usr/lib/libsocks.a".to_owned()]).chain(commands)
}

impl Builder {
    /// Copies the tree, and installs from the copy; returns the root of what is installed.
    fn build(&self, folder: &Path) -> Result<PathBuf> {
        let [tree, target] = [self.tree, self.target].map(|part| folder.join(part));
        copy_tree(&tree)?;
        // It builds into the folder that it is in itself.
        let xtask = target.join("debug/xtask");
        fs::create_dir_all(target.join("debug"))?;
        fs::copy(env::current_exe()?, &xtask).context("copying this program")?;
        let root = target.join("root");
        // Only a shell sets the mask of another program.
        let mut install = Command::new("sh");
        install.args(["-c", &format!("umask {}; exec \"$0\" \"$@\"", self.umask)]).arg(&xtask);
        install.args(["install", "--prefix=/usr", "--destdir"]).arg(&root);
        install.current_dir(&tree).envs(self.variables);
        install.env("CARGO_MANIFEST_DIR", tree.join("xtask")).env("CARGO_TARGET_DIR", &target);
        install.env("CARGO_NET_OFFLINE", "true");
        if let Some(home) = self.home {
            let home = folder.join(home);
            fs::create_dir_all(&home)?;
            symlink(remap::cargo_home()?.join("registry"), home.join("registry"))?;
            install.env("CARGO_HOME", &home);
        }
        let output = install.output().with_context(|| format!("cannot run {}", run::show(&install)))?;
        if !output.status.success() {
            bail!("{} failed ({})\n{}", run::show(&install), output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(root)
    }
}

/// Copies what git knows of the tree, changed or not.
fn copy_tree(to: &Path) -> Result<()> {
    for path in tidy::files(&[])? {
        let (from, to) = (run::root().join(&path), to.join(&path));
        // A path that git knows and that is gone.
        if !from.exists() {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(&to))?;
        fs::copy(&from, &to).with_context(|| format!("copying {path}"))?;
    }
    Ok(())
}

/// As sha256sum(1) prints it.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn sha256(file: &Path) -> Result<String> {
    let printed = run::output(Command::new("sha256sum").arg("--").arg(file))?;
    // A name with a backslash has one in front of the sum.
    let sum = printed.trim_start_matches('\\').split(' ').next();
    sum.filter(|sum| sum.len() == 64).map(str::to_owned).context("what sha256sum printed")
}

/// The first section of two files that differs, for whoever looks for the reason.
fn difference(one: &Path, other: &Path) -> Result<String> {
    let [one, other] = [fs::read(one)?, fs::read(other)?];
    let (Ok(first), Ok(second)) = (object::File::parse(&*one), object::File::parse(&*other)) else {
        let at = one.iter().zip(&other).position(|(a, b)| a != b);
        return Ok(format!("from byte {} on", at.unwrap_or_else(|| one.len().min(other.len()))));
    };
    for section in first.sections() {
        let name = section.name().context("the name of a section")?;
        let same = second.section_by_name(name).is_some_and(|its| its.data().ok() == section.data().ok());
        if !same {
            return Ok(format!("first in section {name}"));
        }
    }
    Ok("in no section: in the headers, or behind the last one".to_owned())
}

/// Texts in a file with a folder of the builder in them.
fn builders_paths(file: &Path, folder: &Path) -> Result<Vec<String>> {
    let content = fs::read(file)?;
    let home = remap::cargo_home()?;
    let folders = [folder, &home].map(|folder| folder.as_os_str().as_encoded_bytes().to_vec());
    let texts = content.split(|byte| !(b' '..=b'~').contains(byte));
    let named = texts.filter(|text| folders.iter().any(|folder| text.windows(folder.len()).any(|part| part == folder)));
    Ok(named.map(|text| String::from_utf8_lossy(text).into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_and_a_difference_are_found() {
        let folder = TempDir::new().expect("a folder");
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        fs::write(&one, b"abc").expect("a file");
        fs::write(&other, b"abd").expect("a file");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&one).expect("a sum"), expected);
        assert_eq!(difference(&one, &other).expect("a place"), "from byte 2 on");
    }

    #[test]
    fn the_folder_of_a_builder_is_seen() {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("file");
        let text = format!("\0at {}/src/lib.rs\0at /crates/src/lib.rs\0", folder.path().display());
        fs::write(&file, text).expect("a file");
        let named = builders_paths(&file, folder.path()).expect("the file");
        assert_eq!(named, [format!("at {}/src/lib.rs", folder.path().display())]);
    }
}

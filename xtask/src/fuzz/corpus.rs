//! What a target begins with: the vectors, or the texts of `fuzz/seeds`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use socks_conformance::seed;

use crate::run;

/// Between two configurations of `fuzz/seeds/config.txt`.
const RULER: &str = "----\n";

/// Writes the seeds of a target into a folder, in place of those that are there; says how many there are.
///
/// # Errors
/// There are none, or they cannot be written.
pub(super) fn write(target: &str, folder: &Path) -> Result<usize> {
    let seeds = seeds(target)?;
    ensure!(!seeds.is_empty(), "no seeds for {target}");
    fs::remove_dir_all(folder).and_then(|()| fs::create_dir_all(folder)).context("making room for seeds")?;
    for (name, bytes) in &seeds {
        fs::write(folder.join(name), bytes).with_context(|| format!("writing the seed {name} of {target}"))?;
    }
    Ok(seeds.len())
}

/// The seeds of a target by their names.
fn seeds(target: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let text = |path: &str| fs::read_to_string(run::root().join(path)).with_context(|| format!("reading {path}"));
    let number = |(number, text): (usize, &str)| (format!("{number:02}"), text.as_bytes().to_vec());
    Ok(match target {
        "config" => {
            let installed = ("installed".to_owned(), text("socks-config/socksrc")?.into_bytes());
            let texts = text("fuzz/seeds/config.txt")?;
            texts.split(RULER).enumerate().map(number).chain([installed]).collect()
        }
        "url" => text("fuzz/seeds/url.txt")?.lines().enumerate().map(number).collect(),
        of_vectors => seed::seeds(of_vectors),
    })
}

/// The files of a folder, sorted; none where there is no folder.
///
/// # Errors
/// It cannot be read.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", folder.display())),
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::TARGETS;

    #[test]
    fn every_target_has_a_source_and_seeds() {
        for target in TARGETS {
            assert!(run::root().join(format!("fuzz/fuzz_targets/{target}.rs")).is_file(), "{target}");
            assert!(seeds(target).expect("seeds").len() > 5, "{target}");
        }
    }

    #[test]
    fn seeds_take_the_place_of_those_before_them() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("of-yesterday"), "").expect("a file");
        let written = write("url", folder.path()).expect("seeds");
        let there = files(folder.path()).expect("a folder");
        assert_eq!((there.len(), there[0].file_name()), (written, Some("00".as_ref())));
        assert_eq!(fs::read(&there[0]).expect("a seed"), b"socks5://gate.example");
    }

    #[test]
    fn no_folder_has_no_files() {
        assert_eq!(files(Path::new("/nowhere/at/all")).expect("nothing"), Vec::<PathBuf>::new());
    }
}

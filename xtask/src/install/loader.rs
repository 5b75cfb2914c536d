//! The dynamic loader finds libraries in its own folders by a list that ldconfig makes.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{self, find_program, is_root};

/// Has the loader see what is new in `libdir`, or says what to do so that programs find it there.
pub(super) fn refresh(libdir: &Path) {
    let ldconfig = find_program("ldconfig");
    // Prints the folders and changes nothing.
    let printed = ldconfig.as_ref().and_then(|ldconfig| {
        let output = Command::new(ldconfig).args(["-N", "-X", "-v"]).stderr(Stdio::null()).output().ok()?;
        String::from_utf8(output.stdout).ok()
    });
    match (ldconfig, printed) {
        (Some(ldconfig), Some(printed)) if looks_in(&printed, libdir) => {
            if !is_root() || run::succeed(&mut Command::new(ldconfig)).is_err() {
                println!("run ldconfig as root for programs to find the libraries");
            }
        }
        _ => println!(
            "the loader may not look into {0}: link programs with -Wl,-rpath,{0}, or put it in /etc/ld.so.conf",
            libdir.display()
        ),
    }
}

/// Whether ldconfig says that a folder is one of its own: a line with its path and a colon.
fn looks_in(printed: &str, libdir: &Path) -> bool {
    let folders = printed.lines().filter(|line| !line.starts_with('\t'));
    folders.filter_map(|line| line.split(':').next()).any(|folder| Path::new(folder) == libdir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaders_folders_are_known() {
        let printed = "/usr/local/lib: (from /etc/ld.so.conf.d/libc.conf:2)\n\tlibx.so.0 -> libx.so.0.1\n/lib:\n";
        for (folder, expected) in [("/usr/local/lib", true), ("/lib", true), ("/usr/local", false), ("/opt", false)] {
            assert_eq!(looks_in(printed, Path::new(folder)), expected, "{folder}");
        }
    }
}

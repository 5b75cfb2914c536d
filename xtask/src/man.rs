//! The manual pages: what they must hold, whatever else they say.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{self, find_program};
use crate::symbols;
use crate::tally::is_strict;

/// The pages of `socks-ffi/man`.
pub(crate) const PAGES: [&str; 4] = [LIBRARY_PAGE, "socksrc.5", "socksify.1", "socksconnect.1"];

/// The one that has all functions on it.
pub(crate) const LIBRARY_PAGE: &str = "socks.3";

/// The header that the page is about.
const HEADER: &str = "socks-ffi/include/socks.h";

/// The folder of a page in a manual.
pub(crate) fn folder(page: &str) -> String {
    format!("man{}", page.rsplit('.').next().unwrap_or_default())
}

/// The functions that the library has, and its page describes.
///
/// # Errors
/// The list cannot be read.
pub(crate) fn functions() -> Result<BTreeSet<String>> {
    symbols::listed_in("socks-ffi/symbols.txt")
}

/// What is wrong with the pages.
pub(crate) fn faults() -> Result<Vec<String>> {
    let text = page(LIBRARY_PAGE)?;
    let functions = functions()?;
    let mut faults = Vec::new();
    for (names, part) in [(names(&text), "NAME"), (prototypes(&text), "SYNOPSIS")] {
        let missing = functions.difference(&names).map(|name| format!("{LIBRARY_PAGE} has no {name} in its {part}"));
        faults.extend(missing);
        let extra = names.difference(&functions).map(|name| format!("{LIBRARY_PAGE} has {name} in its {part}"));
        faults.extend(extra.map(|fault| format!("{fault}, which the library lacks")));
    }
    let (said, mapped) = (remapped(&text), mapped_by(&fs::read_to_string(run::root().join(HEADER))?));
    let remap = said.symmetric_difference(&mapped);
    faults.extend(remap.map(|name| format!("SOCKS_REMAP: {HEADER} and {LIBRARY_PAGE} disagree about {name}")));
    match find_program("mandoc") {
        Some(mandoc) => {
            for page in PAGES {
                let mut lint = Command::new(&mandoc);
                lint.current_dir(run::root().join("socks-ffi/man")).args(["-T", "lint", "-W", "warning", page]);
                let output = lint.output().with_context(|| format!("cannot run {}", run::show(&lint)))?;
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                faults.extend(said.lines().map(str::to_owned));
                if !output.status.success() && said.is_empty() {
                    faults.push(format!("{} failed ({})", run::show(&lint), output.status));
                }
            }
        }
        None if is_strict() => faults.push("there is no mandoc".to_owned()),
        None => println!("note: there is no mandoc to look at the manual pages"),
    }
    Ok(faults)
}

fn page(name: &str) -> Result<String> {
    fs::read_to_string(run::root().join("socks-ffi/man").join(name)).with_context(|| format!("reading {name}"))
}

/// The text of one section.
fn section<'t>(page: &'t str, name: &str) -> impl Iterator<Item = &'t str> {
    let heading = format!(".Sh {name}");
    page.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.starts_with(".Sh "))
}

/// The names that a page goes by, other than its title.
fn names(page: &str) -> BTreeSet<String> {
    let names = section(page, "NAME").filter_map(|line| line.strip_prefix(".Nm "));
    let names = names.filter_map(|name| name.split(' ').next()).filter(|name| *name != "socks");
    names.map(str::to_owned).collect()
}

/// The functions that a page shows how to call.
fn prototypes(page: &str) -> BTreeSet<String> {
    let calls =
        section(page, "SYNOPSIS").filter_map(|line| line.strip_prefix(".Fn ").or_else(|| line.strip_prefix(".Fo ")));
    calls.filter_map(|call| call.split(' ').next()).map(str::to_owned).collect()
}

/// The C library's names that become others, by the page.
fn remapped(page: &str) -> BTreeSet<String> {
    let names = section(page, "SOCKS_REMAP").filter_map(|line| line.strip_prefix(".Fn ")?.split(' ').next());
    names.filter(|name| !name.starts_with('R')).map(str::to_owned).collect()
}

/// The same, by the header: `#define connect Rconnect`.
fn mapped_by(header: &str) -> BTreeSet<String> {
    let macros = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
    let macros = macros.filter(|(name, value)| value.strip_prefix('R') == Some(name));
    macros.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::io;
    use std::path::Path;

    use socks_config::{ConfigBuilder, FileKind, FileSystem, Metadata, Parsed};

    use super::*;

    /// Any file that a login is to come from.
    struct Logins;

    impl FileSystem for Logins {
        fn metadata(&self, _: &Path) -> io::Result<Metadata> {
            Ok(Metadata { kind: FileKind::File, mode: 0o600 })
        }

        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            Ok(b"ann\ns3cret\n".to_vec())
        }

        fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    fn parse(text: &str) -> Parsed {
        let mut builder = ConfigBuilder::with_file_system(&Logins);
        builder.file("socksrc.5", text.as_bytes());
        builder.finish()
    }

    /// What stands between `.Bd -literal` and `.Ed`, without roff's escapes.
    fn examples(page: &str) -> Vec<String> {
        let mut examples = Vec::new();
        let mut lines = page.lines();
        while lines.any(|line| line.starts_with(".Bd -literal")) {
            let block = lines.by_ref().take_while(|line| *line != ".Ed");
            examples.push(block.map(|line| format!("{}\n", line.replace("\\e", "\\").replace("\\-", "-"))).collect());
        }
        examples
    }

    #[test]
    fn every_example_of_a_configuration_is_a_sound_one() {
        let examples = examples(&page("socksrc.5").expect("the page"));
        assert!(examples.len() > 5, "{examples:#?}");
        for example in examples {
            let Parsed { config, diagnostics } = parse(&example);
            assert_eq!(diagnostics, [], "{example}");
            assert!(config.is_sound());
        }
    }

    /// The parser takes two spellings of one NETMASK for the same rule, written twice.
    #[test]
    fn every_short_form_of_a_netmask_is_what_the_page_says() {
        let page = page("socksrc.5").expect("the page");
        let rows = page.lines().filter_map(|line| line.strip_prefix(".It Li "));
        let rows: Vec<_> = rows.filter_map(|row| row.split_once(" Ta Li ")).collect();
        assert!(rows.len() > 5, "{rows:?}");
        for (short, long) in rows {
            assert!(parse(&format!("noproxy {short}\n")).diagnostics.is_empty(), "{short}");
            let both = parse(&format!("noproxy {short}\nnoproxy {long}\n")).diagnostics;
            let twice = matches!(&both[..], [one] if one.found.contains("a second time"));
            assert!(twice, "{short} is not {long}: {both:?}");
        }
    }

    #[test]
    fn sections_are_told_apart() {
        let page = ".Sh NAME\n.Nm socks ,\n.Nm Ra ,\n.Nm Rb\n.Nd x\n.Sh SYNOPSIS\n.Ft int\n.Fn Ra \"int fd\"\n.Fo Rb\n";
        let both = BTreeSet::from(["Ra".to_owned(), "Rb".to_owned()]);
        assert_eq!((names(page), prototypes(page)), (both.clone(), both));
    }

    #[test]
    fn what_is_remapped_is_found_on_the_page_and_in_the_header() {
        let page = ".Sh SOCKS_REMAP\nthe names\n.Fn dup ,\n.Fn poll\nbut not\n.Fn Rsendto\n.Sh LINKING\n.Fn read\n";
        let header = "#define guard_h\n#define addr struct sockaddr *\n#define dup Rdup\n#define poll Rpoll\n";
        assert_eq!(remapped(page).into_iter().collect::<Vec<_>>(), ["dup", "poll"]);
        assert_eq!(remapped(page), mapped_by(header));
    }
}

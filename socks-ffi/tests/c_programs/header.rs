//! The header and the lists of symbols.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::compile::{Language, Toolchain, crate_folder, source_folder, succeed};

pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// Of the sources; there may be no C++ compiler.
    pub(crate) language: Language,
    pub(crate) check: fn(&Toolchain) -> Result<()>,
}

pub(crate) const CHECKS: &[Check] = &[
    Check { name: "header, alone in C", language: Language::C, check: alone_in_c },
    Check { name: "header, alone in C++", language: Language::Cxx, check: alone_in_cxx },
    Check { name: "header, types", language: Language::C, check: types },
    Check { name: "header, remapping in C", language: Language::C, check: remap_in_c },
    Check { name: "header, remapping in C++", language: Language::Cxx, check: remap_in_cxx },
    Check { name: "header, R names in C++", language: Language::Cxx, check: explicit_in_cxx },
    Check { name: "header, declares what the library exports", language: Language::C, check: declarations },
    Check { name: "symbols of libsocks", language: Language::C, check: symbols_of_libsocks },
    Check { name: "symbols of libsockswrap", language: Language::C, check: symbols_of_libsockswrap },
];

/// What distributions build with.
const FORTIFIED: [&str; 2] = ["-O2", "-D_FORTIFY_SOURCE=2"];

/// The names that SOCKS_REMAP maps.
const REMAPPED: [&str; 33] = [
    "accept",
    "accept4",
    "bind",
    "close",
    "close_range",
    "closefrom",
    "connect",
    "dup",
    "dup2",
    "dup3",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "fclose",
    "fcntl",
    "getaddrinfo",
    "gethostbyaddr",
    "gethostbyaddr_r",
    "gethostbyname",
    "gethostbyname2",
    "gethostbyname2_r",
    "gethostbyname_r",
    "getnameinfo",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "poll",
    "ppoll",
    "pselect",
    "select",
    "shutdown",
];

/// Names that programs ask the system's headers for, each of which changes what those declare.
const DEFINES: [&str; 5] =
    ["-DNOTHING", "-DSOCKS_REMAP", "-D_GNU_SOURCE", "-D_POSIX_C_SOURCE=200809L", "-D_XOPEN_SOURCE=700"];

fn alone_in_c(tools: &Toolchain) -> Result<()> {
    alone(tools, Language::C, &["-std=c99", "-std=c11", "-std=c17", "-std=gnu17"])
}

fn alone_in_cxx(tools: &Toolchain) -> Result<()> {
    alone(tools, Language::Cxx, &["-std=c++11", "-std=c++17", "-std=c++20"])
}

fn alone(tools: &Toolchain, language: Language, standards: &[&str]) -> Result<()> {
    let source = tools.folder().join(format!("alone.{}", language.extension()));
    // Twice, as programs do; and the guard that configure scripts look for.
    fs::write(&source, "#include \"socks.h\"\n#include \"socks.h\"\n#ifndef courier_socks_h\n#error guard\n#endif\n")?;
    for standard in standards {
        for define in DEFINES {
            let mut cc = tools.compiler(language, &[standard, define, "-fsyntax-only"]);
            succeed(cc.arg(&source)).with_context(|| format!("{standard} {define}"))?;
        }
    }
    Ok(())
}

fn types(tools: &Toolchain) -> Result<()> {
    for standard in ["-std=c99", "-std=c11", "-std=gnu17"] {
        for define in DEFINES {
            let define = if define == "-DSOCKS_REMAP" { "-DNOTHING" } else { define };
            build_and_run(tools, Language::C, "types.c", &[standard, define])?;
        }
    }
    Ok(())
}

fn remap_in_c(tools: &Toolchain) -> Result<()> {
    for options in [&["-O0", "-D_DEFAULT_SOURCE"][..], &FORTIFIED, &[FORTIFIED[0], FORTIFIED[1], "-D_GNU_SOURCE"]] {
        let mut all = vec!["-std=gnu11", "-DSOCKS_REMAP"];
        all.extend(options);
        let program = build_and_run(tools, Language::C, "remap.c", &all)?;
        no_name_of_libc(&program)?;
    }
    Ok(())
}

fn remap_in_cxx(tools: &Toolchain) -> Result<()> {
    let options = ["-std=c++17", "-DSOCKS_REMAP", "-pthread", FORTIFIED[0], FORTIFIED[1]];
    let program = build_and_run(tools, Language::Cxx, "remap.cpp", &options)?;
    no_name_of_libc(&program)
}

fn explicit_in_cxx(tools: &Toolchain) -> Result<()> {
    build_and_run(tools, Language::Cxx, "explicit.cpp", &["-std=c++17"]).map(drop)
}

fn build_and_run(tools: &Toolchain, language: Language, name: &str, options: &[&str]) -> Result<std::path::PathBuf> {
    let program = tools.folder().join(name.replace('.', "-"));
    let mut cc = tools.compiler(language, options);
    cc.arg("-o").arg(&program).arg(source_folder().join("header").join(name)).arg("-lsocks");
    succeed(&mut cc).with_context(|| options.join(" "))?;
    succeed(&mut Command::new(&program)).with_context(|| options.join(" "))?;
    Ok(program)
}

/// What was remapped must not also go past the library, be it under one of the names of fortified programs.
fn no_name_of_libc(program: &Path) -> Result<()> {
    let wanted = symbols(program, "--undefined-only")?;
    let past =
        |name: &&String| REMAPPED.iter().any(|remapped| *name == remapped || **name == format!("__{remapped}_chk"));
    let past: Vec<_> = wanted.iter().filter(past).collect();
    ensure!(past.is_empty(), "{} calls {past:?}", program.display());
    ensure!(wanted.contains("Rclose"), "{} does not call the library", program.display());
    Ok(())
}

fn declarations(_: &Toolchain) -> Result<()> {
    let header = fs::read_to_string(crate_folder().join("include/socks.h"))?;
    let code = header.lines().filter(|line| !line.starts_with(['#', ' ', '/']));
    // `ssize_t Rread(int fd, …` → `Rread`
    let names = code.filter_map(|line| Some(line.split_once('(')?.0.rsplit(' ').next()?.trim_start_matches('*')));
    let declared: BTreeSet<String> = names.map(str::to_owned).collect();
    compare("the header", &declared, "symbols.txt", &listed("symbols.txt")?)
}

fn symbols_of_libsocks(tools: &Toolchain) -> Result<()> {
    exports(tools, "libsocks.so", "symbols.txt")
}

fn symbols_of_libsockswrap(tools: &Toolchain) -> Result<()> {
    exports(tools, "libsockswrap.so", "wrap/symbols.txt")
}

fn exports(tools: &Toolchain, library: &str, list: &str) -> Result<()> {
    let exported = symbols(&tools.folder().join(library), "--defined-only")?;
    compare(library, &exported, list, &listed(list)?)
}

fn compare(one: &str, ones: &BTreeSet<String>, other: &str, others: &BTreeSet<String>) -> Result<()> {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>().join(" ");
    let (only_one, only_other) = (only(ones, others), only(others, ones));
    ensure!(ones == others, "only in {one}: [{only_one}]; only in {other}: [{only_other}]");
    Ok(())
}

fn listed(list: &str) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(crate_folder().join(list)).with_context(|| list.to_owned())?;
    ensure!(text.lines().is_sorted(), "{list} is not sorted");
    Ok(text.lines().map(str::to_owned).collect())
}

fn symbols(file: &Path, which: &str) -> Result<BTreeSet<String>> {
    let printed = succeed(Command::new("nm").args(["--dynamic", which, "--format=posix"]).arg(file))?;
    // A version follows the name after an @.
    let names = printed.lines().filter_map(|line| line.split([' ', '@']).next());
    Ok(names.map(str::to_owned).collect())
}

//! `cargo xtask coverage`: which lines of the core and of the configuration the tests run.
//!
//! rustc and LLVM's two programs are all it takes. `cargo llvm-cov` would do the same, and has to be compiled first on
//! every new machine; it counts the tests at the end of a file as lines of the crate, too.

mod lines;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::run;
use crate::tally::Tally;
use lines::Lines;

/// What is measured.
const CRATES: [&str; 2] = ["socks-proto", "socks-config"];

/// Whose tests run it within their own process. Documentation is not among them: its examples are programs that only a
/// nightly toolchain leaves behind to be asked.
const TESTS: [&str; 4] = ["socks-proto", "socks-config", "socks-conformance", "socks-blocking"];

/// So many lines of a hundred are to be run, and more.
const LEAST: f64 = 95.0;

/// Runs the tests of socks-proto and socks-config, the vectors among them, and says how many of the lines they run.
///
/// Fails where it is 95 % of a crate or less. Tests at the end of a file are no lines of it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print the lines that are not run.
    #[arg(long)]
    missing: bool,
}

/// Runs the tests and prints the table.
///
/// # Errors
/// A test fails, or LLVM's programs are not there.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    // Before all the work.
    let tools = Tools::find()?;
    let folder = run::root().join("target/coverage");
    let profiles = folder.join("profiles");
    if profiles.exists() {
        fs::remove_dir_all(&profiles).context("removing the profiles of the last run")?;
    }
    let programs = programs(&run::output(tests(&folder, &tools.host).args(["--no-run", "--message-format=json"]))?)?;
    // A file for each process: the tests start some.
    let mut tests = tests(&folder, &tools.host);
    run::succeed(tests.arg("--quiet").env("LLVM_PROFILE_FILE", profiles.join("%p-%m.profraw")))?;
    let merged = tools.merge(&profiles, &folder.join("all.profdata"))?;
    let files = lines::parse(&tools.export(&merged, &programs)?)?;
    let tally = report(&files, arguments.missing);
    println!("\n{tally}");
    Ok(tally.exit_code())
}

/// The test programs, built so that they note which lines they run. With a target named, build scripts are not.
fn tests(folder: &Path, host: &str) -> Command {
    let mut test = run::cargo(["test", "--lib", "--tests"]);
    test.args(TESTS.map(|package| format!("--package={package}"))).arg("--target-dir").arg(folder);
    test.arg(format!("--target={host}")).env("CARGO_INCREMENTAL", "0");
    test.env("CARGO_ENCODED_RUSTFLAGS", "-Cinstrument-coverage");
    test
}

/// One message of cargo's, as far as it matters.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// The programs that cargo says it built.
fn programs(messages: &str) -> Result<Vec<PathBuf>> {
    let parse = |line| serde_json::from_str::<Message>(line).context("what cargo printed");
    let messages = messages.lines().filter(|line| line.starts_with('{')).map(parse);
    let programs: Vec<_> =
        messages.filter_map(|message| message.map(|m| m.executable).transpose()).collect::<Result<_>>()?;
    if programs.is_empty() {
        bail!("cargo built no test programs");
    }
    Ok(programs)
}

/// LLVM's programs of the very version that rustc is made of: others do not read its files.
struct Tools {
    /// What rustc calls this machine.
    host: String,
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    /// Those of the toolchain (`rustup component add llvm-tools`), or those of the system.
    fn find() -> Result<Self> {
        let rustc = || Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let version = run::output(rustc().arg("-vV"))?;
        let says = |what: &str| version.lines().find_map(|line| line.strip_prefix(what));
        let (Some(host), Some(llvm)) = (says("host: "), says("LLVM version: ")) else {
            bail!("rustc does not say of which LLVM it is made");
        };
        let major = llvm.split('.').next().unwrap_or(llvm);
        let sysroot = run::output(rustc().args(["--print", "sysroot"]))?;
        let bundled = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
        let find = |name: &str| {
            let bundled = Some(bundled.join(name)).filter(|program| program.is_file());
            let found = bundled.or_else(|| run::find_program(&format!("{name}-{major}")));
            found
                .with_context(|| format!("no {name} of LLVM {major}: `cargo xtask setup`, or the package llvm-{major}"))
        };
        Ok(Self { host: host.to_owned(), profdata: find("llvm-profdata")?, cov: find("llvm-cov")? })
    }

    /// Puts all profiles into one.
    fn merge(&self, profiles: &Path, merged: &Path) -> Result<PathBuf> {
        let files = fs::read_dir(profiles).with_context(|| format!("reading {}", profiles.display()))?;
        let files = files.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
        let mut merge = Command::new(&self.profdata);
        run::succeed(merge.args(["merge", "--sparse", "-o"]).arg(merged).args(files))?;
        Ok(merged.to_owned())
    }

    /// How often each line of the crates was run, in the format of lcov.
    fn export(&self, merged: &Path, programs: &[PathBuf]) -> Result<String> {
        let mut export = Command::new(&self.cov);
        export.args(["export", "--format=lcov", "--instr-profile"]).arg(merged);
        for program in programs {
            export.arg("--object").arg(program);
        }
        export.arg("--sources").args(CRATES.map(|name| run::root().join(name).join("src")));
        run::output(&mut export)
    }
}

/// Prints a row for each file and each crate; a crate passes or fails.
fn report(files: &BTreeMap<PathBuf, Lines>, missing: bool) -> Tally {
    let mut tally = Tally::default();
    println!("{:<44}{:>7}{:>9}{:>9}", "file", "lines", "covered", "percent");
    for name in CRATES {
        let folder = run::root().join(name).join("src");
        let mut all = Lines::default();
        for (path, lines) in files.iter().filter(|(path, _)| path.starts_with(&folder)) {
            let shown = path.strip_prefix(run::root()).unwrap_or(path).display().to_string();
            row(&shown, lines);
            if missing && !lines.missing.is_empty() {
                println!("    {}", lines::ranges(&lines.missing));
            }
            all.count += lines.count;
            all.missing.extend(&lines.missing);
        }
        row(name, &all);
        println!();
        if all.percent() > LEAST {
            tally.passed += 1;
        } else {
            println!("{name}: {:.1} % of its lines, and no more than {LEAST} %", all.percent());
            tally.failed += 1;
        }
    }
    tally
}

fn row(name: &str, lines: &Lines) {
    println!("{name:<44}{:>7}{:>9}{:>8.1} %", lines.count, lines.covered(), lines.percent());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_cargos_messages() {
        let messages =
            "{\"reason\":\"compiler-artifact\",\"executable\":null}\n{\"executable\":\"a/b-1\"}\n{\"reason\":\"x\"}\n";
        assert_eq!(programs(messages).expect("one"), [Path::new("a/b-1")]);
        assert!(programs("{\"reason\":\"x\"}\n").is_err());
    }

    #[test]
    fn a_crate_of_too_few_lines_fails_and_so_does_one_of_none() {
        let lines = |count: usize, missing: usize| Lines { count, missing: (0..missing as u32).collect() };
        let [proto, config] = CRATES.map(|name| run::root().join(name).join("src/it.rs"));
        let tally = report(&BTreeMap::from([(proto.clone(), lines(100, 4))]), true);
        assert_eq!(tally, Tally { passed: 1, failed: 1, skipped: 0 });
        let tally = report(&BTreeMap::from([(proto, lines(100, 5)), (config, lines(1000, 0))]), false);
        assert_eq!(tally, Tally { passed: 1, failed: 1, skipped: 0 });
    }
}
